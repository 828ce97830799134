/** Calls the linker's wasm module: loaded on first use, one memory of its own, bytes in and out. */

import { unpacked } from './embedded.js';
import { IsolithError } from './errors.js';

/**
 * Why the linker refused a module: which of those given, and the byte of its file. Nothing was made.
 *
 * | `code` | what is wrong | what helps |
 * |---|---|---|
 * | `ERR_MALFORMED_MODULE` | the bytes are no WebAssembly: cut off, counts or numbers that cannot be | the file as the compiler wrote it |
 * | `ERR_UNSUPPORTED_MODULE` | sound, but nothing that can be linked here: a component, several memories, 32 and 64 bits together, no `dylink.0` where one is needed | another target of the compiler |
 * | `ERR_NOT_RELOCATABLE` | addresses that nothing tells from numbers | link it with `--emit-relocs`, or as a side module |
 * | `ERR_STALE_RELOCATION` | a relocation entry that does not fit the bytes which it names: the module was rewritten after linking | run `wasm-opt` and the like after this, not before |
 * | `ERR_MISSING_HEAP_BASE` | the end of its memory is unknown | `--export=__heap_base`, or `--emit-relocs` |
 * | `ERR_UNDEFINED_SYMBOL` | a module needs what no other defines, nor the host gives | give the library that has it, or `imports` |
 * | `ERR_DUPLICATE_SYMBOL` | two modules define it, neither weakly | leave one out |
 * | `ERR_LAYOUT_OVERFLOW` | it does not fit where it was to go: modules overlap, or need more than the memory or a limit allows | another offset, a larger memory |
 */
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

/** Numbers in front of the lengths of the files of a request: see `src/linker/export.rs`. */
const NUMBERS = 8;

/** The file of a span that lies in the linker's own memory. */
const OWN = 0xffff_ffff;

/** Stands for an option that was not given. */
export const UNSET = 0xffff_ffff_ffff_ffffn;

/** The report of an operation, and the files that came with it. */
export interface Answer {
  readonly report: unknown;
  readonly files: Uint8Array<ArrayBuffer>[];
}

let loading: Promise<Exports> | undefined;

/** The files of the request that is being answered: the linker reads of them what it needs. */
let reading: readonly Uint8Array[] = [];

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
  const request = BigUint64Array.from([
    ...Array.from({ length: NUMBERS }, (_, at) => BigInt(numbers[at] ?? 0)),
    BigInt(files.length),
    ...files.map(({ length }) => BigInt(length)),
  ]);
  const at = linker.isolith_link_alloc(request.byteLength);
  if (at === 0) throw new IsolithError('ENOMEM', `the linker has no memory for ${request.byteLength} bytes`);
  new BigUint64Array(linker.memory.buffer, at, request.length).set(request);
  reading = files;
  const status = linker[`isolith_link_${operation}`](at, request.byteLength);
  const outputs = Array.from({ length: linker.isolith_link_outputs() }, (_, index) => output(linker, files, index));
  linker.isolith_link_clear();
  reading = [];
  const [text, ...made] = outputs;
  const report: unknown = JSON.parse(new TextDecoder().decode(text));
  if (status !== 0) throw refusal(report);
  return { report, files: made };
}

/** One output, put together from what the linker made and what it left in the files. */
function output(linker: Exports, files: readonly Uint8Array[], index: number): Uint8Array<ArrayBuffer> {
  const { buffer } = linker.memory;
  const spans = new Uint32Array(buffer, linker.isolith_link_output(index) >>> 0, 3 * linker.isolith_link_output_length(index));
  let size = 0;
  for (let at = 2; at < spans.length; at += 3) size += spans[at]!;
  const bytes = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < spans.length; at += 3) {
    const [file, from, length] = [spans[at]!, spans[at + 1]!, spans[at + 2]!];
    bytes.set(file === OWN ? new Uint8Array(buffer, from, length) : files[file]!.subarray(from, from + length), to);
    to += length;
  }
  return bytes;
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
    return instantiate(await unpacked((await import('./linker-inline.js')).default));
  }
}

async function instantiate(source: URL | string | WasmBytes): Promise<Exports> {
  const bytes = source instanceof URL || typeof source === 'string' ? await fetched(source) : bytesOf(source).slice();
  const { instance } = await WebAssembly.instantiate(bytes, {
    isolith: {
      isolith_link_read(file: number, from: number, to: number, length: number): void {
        new Uint8Array(exports.memory.buffer, to >>> 0, length).set(reading[file]!.subarray(from, from + length));
      },
    },
  });
  const exports = instance.exports as unknown as Exports;
  return exports;
}

async function fetched(url: URL | string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new IsolithError('ERR_MODULE_NOT_FOUND', `${response.url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
