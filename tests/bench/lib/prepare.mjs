// Makes the benchmark page: installs the peers, builds dlmalloc and walrus, bundles rows and workers into target/bench.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT, run } from '../../../scripts/lib/run.mjs';
import { importMap } from '../../pages/driver/server.mjs';
import { assemble } from '../../pages/driver/wat.mjs';

const BENCH = join(ROOT, 'tests/bench');

/** Folder of the page; the server knows it by the same path. */
export const PAGE = 'target/bench';

/** Peers are installed when a benchmark runs, and again when their list changed. */
export async function installPeers() {
  const stamp = join(BENCH, 'node_modules/.stamp');
  const wanted = createHash('sha256').update(readFileSync(join(BENCH, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('bench: installing the peers');
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: BENCH });
  writeFileSync(stamp, wanted);
}

async function dlmalloc() {
  console.log('bench: building dlmalloc');
  const crate = join(BENCH, 'dlmalloc');
  await run('cargo', ['build', '--release', '--quiet', '--target', 'wasm32-unknown-unknown'], { cwd: crate, env: { RUSTFLAGS: '' } });
  await copyFile(join(crate, 'target/wasm32-unknown-unknown/release/bench_dlmalloc.wasm'), join(ROOT, PAGE, 'dlmalloc.wasm'));
}

/** Guests that are written in C, as bare modules. */
async function guests() {
  const folder = join(BENCH, 'guests');
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.c'))) {
    const out = join(ROOT, PAGE, name.replace(/c$/, 'wasm'));
    await run('clang', ['--target=wasm32', '-O2', '-nostdlib', '-Wl,--no-entry', '-Wl,--export=run', '-Wl,--export=add', '-o', out, join(folder, name)]);
  }
}

/** The linker's peer, sized down as its authors' tools would, and the modules that both link. */
async function linking() {
  console.log('bench: building walrus and the modules to link');
  const crate = join(BENCH, 'walrus');
  await run('cargo', ['build', '--release', '--quiet', '--target', 'wasm32-unknown-unknown'], { cwd: crate, env: { RUSTFLAGS: '' } });
  const built = join(crate, 'target/wasm32-unknown-unknown/release/bench_walrus.wasm');
  const features = ['--enable-bulk-memory', '--enable-sign-ext', '--enable-mutable-globals', '--enable-nontrapping-float-to-int', '--enable-reference-types', '--enable-multivalue'];
  await run(join(ROOT, 'node_modules/.bin/wasm-opt'), ['-O3', '--strip-debug', ...features, built, '-o', join(ROOT, PAGE, 'walrus.wasm')]);
  const { build: fixtures, buildLarge, OUT } = await import('../../linker/build.mjs');
  fixtures();
  await copyFile(buildLarge(), join(ROOT, PAGE, 'large.wasm'));
  for (const name of ['common-recipe', 'a-recipe', 'b-recipe', 'pointers-recipe', 'kernel-large']) {
    await copyFile(join(OUT, `${name}.wasm`), join(ROOT, PAGE, `${name}.wasm`));
  }
}

/** A module that imports every file in rows/. */
const rows = {
  name: 'rows',
  setup(made) {
    made.onResolve({ filter: /^bench:rows$/ }, () => ({ path: 'rows', namespace: 'bench' }));
    made.onLoad({ filter: /.*/, namespace: 'bench' }, () => {
      const all = readdirSync(join(BENCH, 'rows')).filter((name) => name.endsWith('.mjs')).sort();
      const files = all.filter((name) => /^export default\b/m.test(readFileSync(join(BENCH, 'rows', name), 'utf8')));
      for (const name of all) if (!files.includes(name)) console.log(`bench: rows/${name} has no default export of rows: left out`);
      const imports = files.map((name, index) => `import rows${index} from './rows/${name}';`);
      return { contents: `${imports.join('\n')}\nexport default [${files.map((_, index) => `rows${index}`).join(', ')}];`, resolveDir: BENCH };
    });
  },
};

/** Peers ask for Node's modules where they run in Node: here they get nothing, but for the one that is a package, too. */
const withoutNode = {
  name: 'without-node',
  setup(made) {
    const names = new RegExp(`^(node:)?(${builtinModules.filter((name) => name !== 'buffer').join('|')})$`);
    made.onResolve({ filter: names }, ({ path }) => ({ path, namespace: 'without-node' }));
    made.onLoad({ filter: /.*/, namespace: 'without-node' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** How peers are bundled for a page. */
export const BUNDLING = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'error', conditions: ['browser'], mainFields: ['browser', 'module', 'main'], define: { global: 'globalThis' }, plugins: [withoutNode] };

/** A module in text is its bytes. */
const text = {
  name: 'wat',
  setup(made) {
    made.onLoad({ filter: /\.wat$/ }, async ({ path }) => ({ contents: Buffer.from(await assemble(readFileSync(path, 'utf8')), 'base64'), loader: 'binary' }));
  },
};

async function bundle() {
  const common = { ...BUNDLING, plugins: [rows, text, ...BUNDLING.plugins] };
  const out = join(ROOT, PAGE);
  // The package itself stays as it is published: only peers are bundled.
  await build({ ...common, entryPoints: [join(BENCH, 'page/main.mjs')], outfile: join(out, 'main.js'), external: ['isolith', 'isolith/*'] });
  const workers = readdirSync(join(BENCH, 'workers')).filter((name) => name.endsWith('.mjs'));
  await build({ ...common, entryPoints: workers.map((name) => join(BENCH, 'workers', name)), outdir: join(out, 'workers') });
  // multithreading makes its worker by an address beside its own file.
  await build({ ...common, entryPoints: [join(BENCH, 'node_modules/multithreading/src/browser/worker.js')], outfile: join(out, 'worker.js') });
  const map = JSON.stringify(importMap(JSON.parse(readFileSync(join(ROOT, 'pkg/package.json'), 'utf8'))));
  await writeFile(
    join(out, 'index.html'),
    `<!doctype html><meta charset="utf-8"><title>isolith bench</title><link rel="icon" href="data:,"><script type="importmap">${map}</script><script type="module" src="./main.js"></script>`,
  );
}

/** Makes everything that the page loads. */
export async function prepare() {
  await installPeers();
  await rm(join(ROOT, PAGE), { recursive: true, force: true });
  await mkdir(join(ROOT, PAGE), { recursive: true });
  await dlmalloc();
  await linking();
  await guests();
  console.log('bench: bundling');
  await bundle();
}
