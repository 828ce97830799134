// Checks the code without running it: formatting, clippy for host and browser, rustdoc, TypeScript.
import { delimiter, join } from 'node:path';
import { ROOT, run } from './lib/run.mjs';
import { CARGO_ARGS, RUSTFLAGS } from './lib/wasm-flags.mjs';

const env = { PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}` };

const checks = [
  ['rustfmt', 'cargo', ['fmt', '--check']],
  ['clippy (host)', 'cargo', ['clippy', '--all-targets', '--all-features', '--', '-D', 'warnings']],
  ['clippy (browser)', 'cargo', ['clippy', '--lib', ...CARGO_ARGS, '--', '-D', 'warnings'], { RUSTFLAGS }],
  ['rustdoc', 'cargo', ['doc', '--no-deps', '--all-features', '--document-private-items'], { RUSTDOCFLAGS: '-D warnings' }],
  ['tsc', 'tsc', ['-p', 'js/tsconfig.json', '--noEmit']],
  ['types of the built package', 'tsc', ['-p', 'tests/types']],
];

for (const [name, command, args, extra] of checks) {
  console.log(`lint: ${name}`);
  await run(command, args, { env: { ...env, ...extra } });
}
console.log('lint: all clean');
