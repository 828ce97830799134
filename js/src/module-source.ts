/** Finds the kernel's bytes: where the page says, beside this file, or embedded. */

import { unpacked } from './embedded.js';
import { IsolithError } from './errors.js';
import { type KernelModule, kernelModule } from './module.js';

/** Where the kernel may come from: its bytes, a response, or an address. */
export type ModuleSource = BufferSource | Response | URL | string;

/** Gets the bytes from `source`, else from beside this file, else from the embedded copy. */
export async function loadModule(source?: ModuleSource): Promise<KernelModule> {
  if (source !== undefined) return kernelModule(await bytesOf(source));
  try {
    return kernelModule(await bytesOf(new URL('./isolith.wasm', import.meta.url)));
  } catch {
    // Bundlers that do not know the pattern answer 404 or a page of HTML; Node cannot fetch files.
    return kernelModule(await unpacked((await import('./wasm-inline.js')).default));
  }
}

async function bytesOf(source: ModuleSource): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) {
    throw new IsolithError('ERR_MODULE_NOT_FOUND', `the kernel module ${response.url} answered ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}
