// Compiles the kernels from their sources with stock toolchains, as `npm run dev` and `npm run build` here do first.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const OUT = join(here, 'public/generated');

/** Builds what is missing or older than its source. */
export function build() {
  mkdirSync(OUT, { recursive: true });
  compile('blur.rs', 'blur.wasm', rust);
  compile('tone.c', 'tone.wasm', c);
}

function compile(source, target, how) {
  const [from, to] = [join(here, 'src', source), join(OUT, target)];
  if (!existsSync(to) || statSync(to).mtimeMs < statSync(from).mtimeMs) how(from, to);
}

function rust(from, to) {
  const flags = ['-O', '--edition', '2024', '--crate-type', 'cdylib', '--target', 'wasm32-unknown-unknown', '-Ctarget-feature=+simd128'];
  const link = ['-Cstrip=symbols', '-Clink-arg=--emit-relocs', '-Clink-arg=--import-memory', '-Clink-arg=-zstack-size=16384'];
  execFileSync('rustc', ['+stable', ...flags, ...link, from, '-o', to], { stdio: 'inherit' });
}

function c(from, to) {
  const object = to.replace(/\.wasm$/, '.o');
  execFileSync('clang', ['--target=wasm32', '-O2', '-msimd128', '-ffreestanding', '-c', from, '-o', object], { stdio: 'inherit' });
  execFileSync(lld(), ['-flavor', 'wasm', '--no-entry', '--emit-relocs', '--import-memory', '--strip-all', '-z', 'stack-size=16384', object, '-o', to], { stdio: 'inherit' });
  rmSync(object);
}

/** The linker that came with the Rust toolchain. */
function lld() {
  const root = execFileSync('rustc', ['+stable', '--print', 'sysroot'], { encoding: 'utf8' }).trim();
  const host = /^host: (.*)$/m.exec(execFileSync('rustc', ['+stable', '-vV'], { encoding: 'utf8' }))?.[1];
  return join(root, 'lib/rustlib', host, 'bin/rust-lld');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
