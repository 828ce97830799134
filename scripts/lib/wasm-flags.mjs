// The one place that says how the kernel is compiled: shared memory, atomics, unwinding panics.

export const TARGET = 'wasm32-unknown-unknown';

/** Arguments of `cargo build` or `cargo test` for the kernel. */
export const CARGO_ARGS = ['--target', TARGET, '-Zbuild-std=std,panic_unwind'];

/** Stack of the first thread in bytes; every memory that the module is put on pays for it. */
const STACK = 256 * 1024;

/** RUSTFLAGS of the kernel; kept out of `.cargo/config.toml` so that native builds stay plain. */
export const RUSTFLAGS = [
  '-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals',
  '-Cpanic=unwind',
  // The older encoding of exceptions: Node 20 and Safari before 18.4 know no other.
  '-Cllvm-args=-wasm-use-legacy-eh=true',
  '-Clink-arg=--shared-memory',
  '-Clink-arg=--max-memory=4294967296',
  '-Clink-arg=--import-memory',
  `-Clink-arg=-zstack-size=${STACK}`,
  ...['__wasm_init_tls', '__tls_size', '__tls_align', '__tls_base', '__heap_base'].map(
    (name) => `-Clink-arg=--export=${name}`,
  ),
].join(' ');

/** Features that wasm-opt may assume and must keep. */
export const WASM_OPT_FEATURES = [
  '--enable-threads',
  '--enable-bulk-memory',
  '--enable-mutable-globals',
  '--enable-exception-handling',
  '--enable-reference-types',
  '--enable-multivalue',
  '--enable-sign-ext',
  '--enable-nontrapping-float-to-int',
];
