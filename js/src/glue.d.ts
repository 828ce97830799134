/** The two parts of wasm-bindgen's generated glue that the kernel's own loader uses. */
export function __wbg_get_imports(memory: WebAssembly.Memory): WebAssembly.Imports;
export function __wbg_finalize_init(
  instance: WebAssembly.Instance,
  module: WebAssembly.Module,
  stackBytes?: number,
): WebAssembly.Exports;
export function version(): string;
