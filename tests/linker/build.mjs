// Builds the fixture modules with stock toolchains, in every way that people link; `--bless` keeps the golden ones.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Where the modules go; not in the repository. */
export const OUT = join(here, 'target');

const RELOCS = '--emit-relocs';
const IMPORT = '--import-memory';
const BASE = '--export=__heap_base';

/** Ways to link a Rust source, by the last part of the module's name. */
const RUST = {
  // No flag but the one that the exact route needs: the memory is the module's own.
  stock: { link: [RELOCS], args: ['-Cstrip=none'] },
  imported: { link: [RELOCS, IMPORT, BASE, '--export=__data_end'], args: ['-Cstrip=debuginfo'] },
  pic: { link: [RELOCS, IMPORT], args: ['-Crelocation-model=pic'] },
  nameless: { link: [RELOCS, IMPORT], args: ['-Cstrip=symbols'] },
  debug: { link: [RELOCS, IMPORT], args: ['-Copt-level=0', '-Cdebuginfo=2'] },
};

/** Ways that need no std, because the installed one is built otherwise. */
const BARE = {
  threads: {
    link: [RELOCS, IMPORT, '--shared-memory', '--max-memory=67108864', '--no-check-features'],
    args: ['-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals'],
  },
  // The document's recipe: no relocation entries, the globals tell.
  recipe: { link: [IMPORT, BASE], args: ['-Crelocation-model=pic'] },
  absolute: { link: [IMPORT, BASE], args: [] },
  // Fit for either route, with all that a debugger wants: the large module of the benchmarks.
  large: { link: [RELOCS, IMPORT, BASE], args: ['-Crelocation-model=pic'] },
};

/** How Emscripten links side modules. */
const EMSCRIPTEN = {
  ld: ['-shared', '--export-dynamic', '--experimental-pic', '--unresolved-symbols=import-dynamic'],
  target: 'wasm32-unknown-emscripten',
};

const C = {
  // Without threads this clang has no thread-local data.
  plain: { cc: ['-D_Thread_local='], ld: [RELOCS, IMPORT] },
  first: { cc: ['-D_Thread_local=', '-mbulk-memory'], ld: [RELOCS, '--stack-first', BASE] },
  threads: {
    cc: ['-matomics', '-mbulk-memory', '-mmutable-globals'],
    ld: [RELOCS, IMPORT, '--shared-memory', '--max-memory=67108864', '--export=__wasm_init_tls', '--export=__tls_size'],
  },
  pic: { cc: ['-fPIC'], ld: [RELOCS, IMPORT], target: 'wasm32-unknown-emscripten' },
  wide: { cc: ['-D_Thread_local='], ld: ['-mwasm64', RELOCS, IMPORT], target: 'wasm64' },
  // To be run: this clang and this linker disagree on how wide a table is beside such a memory.
  direct: { cc: ['-D_Thread_local=', '-DDIRECT'], ld: ['-mwasm64', RELOCS, IMPORT], target: 'wasm64' },
  // Without relocation entries, and without names.
  bare: { cc: ['-fPIC'], ld: [IMPORT, BASE, '--strip-all'], target: 'wasm32-unknown-emscripten' },
  // The allocator is the host's.
  workers: {
    cc: ['-matomics', '-mbulk-memory', '-mmutable-globals'],
    ld: [RELOCS, IMPORT, '--shared-memory', '--max-memory=67108864', '--allow-undefined', '-z', 'stack-size=65536'],
  },
  // What others link against: all that it has is told.
  library: {
    cc: ['-matomics', '-mbulk-memory', '-mmutable-globals'],
    ld: [RELOCS, IMPORT, '--shared-memory', '--max-memory=67108864', '--allow-undefined', '--export-if-defined=lib_counter'],
  },
  main: { cc: ['-mmutable-globals'], ld: [RELOCS, IMPORT, '--export-dynamic', '--export=counter', '--export=numbers', '--allow-undefined'] },
  side: { ...EMSCRIPTEN, cc: ['-fPIC'] },
};

/** The two ways in which Emscripten throws exceptions in side modules of C++. */
const CXX = {
  // By the engine's, with a tag.
  native: { ...EMSCRIPTEN, cc: ['-fPIC', '-DWASM_EXCEPTIONS', '-fwasm-exceptions'] },
  // By JavaScript, which makes the calls that may throw: `invoke_*`.
  invoked: { ...EMSCRIPTEN, cc: ['-fPIC', '-fexceptions', '-mllvm', '-enable-emscripten-cxx-exceptions'] },
};

/**
 * The document's recipe with std: position-independent code all the way down, which needs std built
 * for it by the pinned nightly. `--export=__heap_base` is what today's linkers want besides.
 */
function recipe(names) {
  const at = join(OUT, 'recipe');
  const missing = names.filter((name) => !fresh(join(here, 'fixtures', `${name}.rs`), join(OUT, `${name}-recipe.wasm`)));
  if (missing.length === 0) return;
  for (const name of names) {
    mkdirSync(join(at, name), { recursive: true });
    const lib = `[lib]\ncrate-type = ["cdylib"]\npath = "../../../fixtures/${name}.rs"\n`;
    writeFileSync(join(at, name, 'Cargo.toml'), `[package]\nname = "${name}"\nedition = "2024"\n${lib}`);
  }
  const profile = '[profile.release]\npanic = "abort"\nopt-level = 2\n';
  writeFileSync(join(at, 'Cargo.toml'), `[workspace]\nresolver = "3"\nmembers = ${JSON.stringify(names)}\n${profile}`);
  const RUSTFLAGS = `-C link-arg=${IMPORT} -C link-arg=${BASE} -Crelocation-model=pic`;
  const args = ['build', '-Z', 'build-std=core,std,alloc,panic_abort', '--target', 'wasm32-unknown-unknown', '--release'];
  execFileSync('cargo', args, { cwd: at, stdio: 'inherit', env: { ...process.env, RUSTFLAGS, CARGO_TARGET_DIR: join(at, 'target') } });
  for (const name of names) {
    copyFileSync(join(at, 'target/wasm32-unknown-unknown/release', `${name}.wasm`), join(OUT, `${name}-recipe.wasm`));
  }
}

/** Builds what is missing or older than its source; returns the names of all modules. */
export function build() {
  mkdirSync(OUT, { recursive: true });
  const names = [];
  for (const source of readdirSync(join(here, 'fixtures')).sort()) {
    const [stem, language] = source.split('.');
    const ways = waysOf(stem, language);
    for (const [way, how] of Object.entries(ways)) {
      const name = `${stem}-${way}`;
      const from = join(here, 'fixtures', source);
      const to = join(OUT, `${name}.wasm`);
      if (!fresh(from, to)) (language === 'rs' ? rust : c)(from, to, how);
      names.push(name);
    }
  }
  recipe(['common', 'a', 'b', 'pointers']);
  return names;
}

/** A module of about 1.6 MB that is code nearly throughout, for the benchmarks; returns its file. */
export function buildLarge() {
  const [from, to] = [join(OUT, 'large.c'), join(OUT, 'large.wasm')];
  const functions = Array.from({ length: 6300 }, (_, at) => {
    const [odd, mask] = [(at * 2654435761) % 65521, (at * 40503) % 63];
    return `__attribute__((noinline)) static int f${at}(int x, int *a) {
  int s = x * ${odd};
  for (int j = 0; j < ${(at % 7) + 2}; j++) {
    s += a[(s + j) & 63] ^ (s >> ${(at % 5) + 1});
    if (s & ${mask + 1}) s -= ${at === 0 ? 'j' : `f${at - 1}(j, a + ${mask})`};
    else a[j & 63] = (s % ${(at % 11) + 3}) + names[s & 3][0];
    switch (s & 7) { case 1: s ^= ${odd}; break; case 3: s += a[${mask}]; break; case 6: s = -s; break; }
  }
  return s;
}`;
  });
  const table = functions.map((_, at) => `f${at}`).join(', ');
  const source = `static const char *const names[] = {"a", "b", "c", "d"};\n${functions.join('\n')}
static int (*const all[])(int, int *) = {${table}};
static int numbers[200];
__attribute__((export_name("run"))) int run(unsigned which) { return all[which % ${functions.length}](which, numbers); }\n`;
  if (existsSync(to) && existsSync(from) && readFileSync(from, 'utf8') === source) return to;
  mkdirSync(OUT, { recursive: true });
  writeFileSync(from, source);
  c(from, to, { ...C.pic, ld: [...C.pic.ld, BASE] });
  return to;
}

/** In which ways a source is linked. */
function waysOf(stem, language) {
  if (stem.startsWith('side-') || stem === 'plugin') return { side: C.side };
  if (stem === 'library' || stem === 'user') return { threads: C.library };
  if (language === 'cc') return CXX;
  if (stem === 'main') return { plain: C.main };
  if (stem === 'workers') return { threads: C.workers };
  const { main, workers, library, ...plain } = C;
  if (language === 'c') return plain;
  return stem === 'kernel' ? { ...RUST, ...BARE } : RUST;
}

function fresh(from, to) {
  const newest = Math.max(statSync(from).mtimeMs, statSync(join(here, 'build.mjs')).mtimeMs);
  return existsSync(to) && statSync(to).mtimeMs > newest;
}

function rust(from, to, { link, args }) {
  const links = link.flatMap((arg) => ['-C', `link-arg=${arg}`]);
  const flags = ['--edition', '2024', '--target', 'wasm32-unknown-unknown', '--crate-type', 'cdylib', '-O'];
  const level = args.some((arg) => arg.startsWith('-Copt-level')) ? flags.slice(0, -1) : flags;
  execFileSync('rustc', ['+stable', ...level, ...args, ...links, from, '-o', to], { stdio: 'inherit' });
}

function c(from, to, { cc, ld, target = 'wasm32' }) {
  const object = to.replace(/\.wasm$/, '.o');
  execFileSync('clang', [`--target=${target}`, '-O1', '-fvisibility=default', '-ftls-model=local-exec', ...cc, '-c', from, '-o', object], { stdio: 'inherit' });
  const shared = ld.includes('-shared');
  execFileSync(lld(), ['-flavor', 'wasm', ...(shared ? [] : ['--no-entry']), ...ld, object, '-o', to], { stdio: 'inherit' });
}

/** The linker that came with the Rust toolchain: newer than most distributions' own. */
function lld() {
  const root = execFileSync('rustc', ['+stable', '--print', 'sysroot'], { encoding: 'utf8' }).trim();
  const host = /^host: (.*)$/m.exec(execFileSync('rustc', ['+stable', '-vV'], { encoding: 'utf8' }))?.[1];
  return join(root, 'lib/rustlib', host, 'bin/rust-lld');
}

/** Modules that are kept in the repository: what the native tests start from. */
const GOLDEN = ['threads-plain', 'threads-threads', 'threads-pic', 'threads-bare', 'threads-side'];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${build().join('\n')}\n`);
  if (process.argv.includes('--bless')) {
    mkdirSync(join(here, 'golden'), { recursive: true });
    for (const name of GOLDEN) copyFileSync(join(OUT, `${name}.wasm`), join(here, 'golden', `${name}.wasm`));
  }
}
