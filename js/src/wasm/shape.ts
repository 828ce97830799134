/** What a module imports and exports, with signatures and limits: read from its bytes by the kernel. */

import type { Kernel } from '../kernel.js';
import { type PoolExports, poolExports } from '../pool/exports.js';
import { WasmCode, WasmError } from './errors.js';

/** The type of a value; `ref` stands for references that are neither functions nor the host's. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref' | 'ref';

/** The size of a memory (pages of 64 KiB) or table (elements). */
export interface Limits {
  readonly initial: number;
  readonly maximum?: number;
  readonly shared: boolean;
  /** Whether addresses have 64 bits. */
  readonly wide: boolean;
}

export interface FuncType {
  readonly kind: 'func';
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** The type of an import or export. */
export type ExternType =
  | FuncType
  | ({ readonly kind: 'memory' } & Limits)
  | ({ readonly kind: 'table'; readonly type: ValueType } & Limits)
  | { readonly kind: 'global'; readonly type: ValueType; readonly mutable: boolean }
  | { readonly kind: 'tag'; readonly params: readonly ValueType[] };

export type ExportType = { readonly name: string } & ExternType;
export type ImportType = { readonly module: string; readonly name: string } & ExternType;

/** What a module takes and gives. */
export interface Shape {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** Memories of the module's own. */
  readonly memories: readonly Limits[];
  readonly start: boolean;
}

type Answer =
  | Shape
  | { readonly more: true }
  | { readonly component: true }
  | { readonly wrong: string; readonly at: number };

interface ShapeExports extends PoolExports {
  isolith_shape(bytes: number, length: number): number;
  isolith_shape_text(): number;
  isolith_shape_drop(): void;
}

/** How much of a file is looked at first: all that matters comes before the code. */
const HEAD = 256 * 1024;

const COMPONENT =
  'the bytes are a component of the component model (WASI preview 2), not a core module: ' +
  'build it for wasm32-wasip1, or take its core module out';

/** Reads a module's shape. Throws `WasmError` 5000 for what is none. */
export function shapeOf(kernel: Kernel, bytes: Uint8Array): Shape {
  for (let length = Math.min(HEAD, bytes.length); ; length = Math.min(length * 8, bytes.length)) {
    const answer = ask(kernel, bytes.subarray(0, length));
    if ('imports' in answer) return answer;
    if ('component' in answer) throw new WasmError(WasmCode.compile, COMPONENT);
    if ('wrong' in answer) {
      throw new WasmError(WasmCode.compile, `the bytes are no module: ${answer.wrong} (byte 0x${answer.at.toString(16)})`);
    }
    if (length === bytes.length) throw new WasmError(WasmCode.compile, `the bytes are no module: they end after ${length} bytes`);
  }
}

function ask(kernel: Kernel, bytes: Uint8Array): Answer {
  const exports = poolExports(kernel) as ShapeExports;
  const at = exports.isolith_bytes_new(bytes.length + 1) >>> 0;
  if (at === 0) throw new WasmError(WasmCode.compile, `there is no memory for ${bytes.length} bytes of a module`);
  try {
    new Uint8Array(kernel.memory.buffer, at, bytes.length).set(bytes);
    const length = exports.isolith_shape(at, bytes.length);
    const text = new Uint8Array(kernel.memory.buffer, exports.isolith_shape_text() >>> 0, length).slice();
    return JSON.parse(new TextDecoder().decode(text)) as Answer;
  } finally {
    exports.isolith_shape_drop();
    exports.isolith_bytes_free(at, bytes.length + 1);
  }
}
