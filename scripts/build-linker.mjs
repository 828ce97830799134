// Builds the linker's own wasm module, linker.wasm.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The most that the linker may weigh, in bytes of gzip. */
const BUDGET = 90 * 1024;

/** What the linker's own code may use; every engine of the last years has it. */
const FEATURES = [
  '--enable-bulk-memory',
  '--enable-multivalue',
  '--enable-mutable-globals',
  '--enable-nontrapping-float-to-int',
  '--enable-reference-types',
  '--enable-sign-ext',
];

/**
 * Builds the module and returns its sizes.
 *
 * The linker is built apart from the kernel: one thread, a memory of its own, one import: to read files.
 * Panics trap without a message, because none is reachable from any input (tests/fuzz).
 *
 * @param {{ out?: string, optimize?: boolean }} [options]
 * @returns {{ file: string, bytes: number, gzip: number }}
 */
export function buildLinker({ out = join(root, 'pkg/dist'), optimize = true } = {}) {
  const target = join(root, 'target/linker');
  execFileSync(
    'cargo',
    [
      'build', '--release', '--lib', '--no-default-features', '--features', 'linker',
      '--target', 'wasm32-unknown-unknown', '--target-dir', target,
      '-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size',
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        RUSTFLAGS: '-Zunstable-options -Cpanic=immediate-abort',
        CARGO_PROFILE_RELEASE_PANIC: 'abort',
      },
    },
  );
  const built = join(target, 'wasm32-unknown-unknown/release/isolith.wasm');
  const file = join(out, 'linker.wasm');
  mkdirSync(out, { recursive: true });
  if (optimize) {
    const flags = ['-Oz', '--strip-debug', '--strip-producers', '--strip-target-features'];
    execFileSync(process.execPath, [wasmOpt(), ...flags, ...FEATURES, built, '-o', file]);
  } else {
    writeFileSync(file, readFileSync(built));
  }
  const bytes = readFileSync(file);
  const gzip = gzipSync(bytes, { level: 9 }).length;
  if (optimize && gzip > BUDGET) {
    throw new Error(`linker.wasm weighs ${gzip} bytes of gzip, the budget is ${BUDGET}`);
  }
  return { file, bytes: bytes.length, gzip };
}

function wasmOpt() {
  const require = createRequire(join(root, 'package.json'));
  return join(dirname(require.resolve('binaryen/package.json')), 'bin/wasm-opt');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { file, bytes, gzip } = buildLinker();
  process.stdout.write(`${file}: ${bytes} bytes, ${gzip} of gzip\n`);
}
