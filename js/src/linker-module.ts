/** Calls the linker's wasm module: loaded on first use, one memory of its own, bytes in and out. */

import { IsolithError } from './errors.js';

/** Why the linker refused a module: which of those given, and the byte of its file. */
export class LinkError extends IsolithError {
  /** Bytes from the start of the module's file. */
  readonly offset: number;
  /** The module's place in the list given, 0 where only one was. */
  readonly module: number;

  constructor(code: string, message: string, offset: number, module: number) {
    super(code, `${message} (module ${module}, byte 0x${offset.toString(16)})`);
    this.name = 'LinkError';
    this.offset = offset;
    this.module = module;
  }
}

/** What `linker.wasm` exports, as `src/linker/export.rs` has it. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  isolith_link_alloc(size: number): number;
  isolith_link_outputs(): number;
  isolith_link_output(index: number): number;
  isolith_link_output_length(index: number): number;
  isolith_link_clear(): void;
  isolith_link_combine(request: number, size: number): number;
  isolith_link_relocate(request: number, size: number): number;
  isolith_link_heap_base(request: number, size: number): number;
  isolith_link_meter(request: number, size: number): number;
  isolith_link_inspect(request: number, size: number): number;
  isolith_link_stack(request: number, size: number): number;
}

/** The calls that take a request. */
export type Operation = 'combine' | 'relocate' | 'heap_base' | 'inspect' | 'meter' | 'stack';

/** A module as users hand it over. */
export type WasmBytes = ArrayBuffer | ArrayBufferView;

/** Numbers in front of the files of a request: see `Request` in `src/linker/export.rs`. */
const NUMBERS = 8;

/** Stands for an option that was not given. */
export const UNSET = 0xffff_ffff_ffff_ffffn;

/** The report of an operation, and the files that came with it. */
export interface Answer {
  readonly report: unknown;
  readonly files: Uint8Array<ArrayBuffer>[];
}

let loading: Promise<Exports> | undefined;

/** Where `linker.wasm` is to be fetched from, in place of the file beside this one. */
export function configureLinker(source: URL | string | WasmBytes): void {
  loading = instantiate(source);
}

/** Runs one operation. Rejects with `LinkError`. */
export async function call(
  operation: Operation,
  modules: readonly WasmBytes[],
  numbers: readonly (number | bigint)[] = [],
): Promise<Answer> {
  loading ??= load().catch((cause: unknown) => {
    // The next call may find the network back.
    loading = undefined;
    throw new IsolithError('ERR_MODULE_NOT_FOUND', 'linker.wasm cannot be loaded', { cause });
  });
  const linker = await loading;
  const files = modules.map(bytesOf);
  const size = files.reduce((sum, file) => sum + file.length, (NUMBERS + 1 + files.length) * 8);
  const request = linker.isolith_link_alloc(size);
  if (request === 0) throw new IsolithError('ENOMEM', `the linker has no memory for ${size} bytes`);
  const head = new BigUint64Array(linker.memory.buffer, request, NUMBERS + 1 + files.length);
  for (let at = 0; at < NUMBERS; at++) head[at] = BigInt(numbers[at] ?? 0);
  head[NUMBERS] = BigInt(files.length);
  const body = new Uint8Array(linker.memory.buffer, request, size);
  let at = head.byteLength;
  for (const [index, file] of files.entries()) {
    head[NUMBERS + 1 + index] = BigInt(file.length);
    body.set(file, at);
    at += file.length;
  }
  const status = linker[`isolith_link_${operation}`](request, size);
  const outputs = Array.from({ length: linker.isolith_link_outputs() }, (_, index) => {
    const from = linker.isolith_link_output(index) >>> 0;
    return new Uint8Array(linker.memory.buffer, from, linker.isolith_link_output_length(index)).slice();
  });
  linker.isolith_link_clear();
  const [text, ...made] = outputs;
  const report: unknown = JSON.parse(new TextDecoder().decode(text));
  if (status !== 0) throw refusal(report);
  return { report, files: made };
}

function refusal(report: unknown): LinkError {
  const { code, message, offset, module } = report as LinkError;
  return new LinkError(code, message, offset, module);
}

function bytesOf(source: WasmBytes): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source);
}

async function load(): Promise<Exports> {
  try {
    return await instantiate(new URL('./linker.wasm', import.meta.url));
  } catch {
    // Bundlers that do not know the pattern answer 404 or a page of HTML; Node cannot fetch files.
    const text = (await import('./linker-inline.js')).default;
    return instantiate(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  }
}

async function instantiate(source: URL | string | WasmBytes): Promise<Exports> {
  const bytes = source instanceof URL || typeof source === 'string' ? await fetched(source) : bytesOf(source).slice();
  const { instance } = await WebAssembly.instantiate(bytes, {});
  return instance.exports as unknown as Exports;
}

async function fetched(url: URL | string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new IsolithError('ERR_MODULE_NOT_FOUND', `${response.url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
