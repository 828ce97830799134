/** Compiled modules: by the ids that users have, and by content, so that the same bytes compile once. */

import type { Kernel } from '../kernel.js';
import type { MeterOptions } from '../link.js';
import { getKernel } from '../runtime.js';
import { WasmCode, WasmError } from './errors.js';
import { type Shape, shapeOf } from './shape.js';

/** Where a module's bytes come from. */
export type ModuleBytes = ArrayBuffer | ArrayBufferView | Response | URL;

/** A module that pays for what it runs, or is held to limits. */
export interface Variant {
  readonly compiled: WebAssembly.Module;
  /** The export that counts fuel. */
  readonly fuel?: string | undefined;
  /** The export that was the start function, to be called when fuel is there. */
  readonly start?: string | undefined;
  /** The export of the table whose function is called when fuel is spent. */
  readonly refill?: string | undefined;
  /** The export that counts what is left of the stack. */
  readonly stack?: string | undefined;
}

/** How a module is rewritten. */
export type Rewriting = MeterOptions & { readonly stackBytes?: number };

/** What is known of one content. */
export class Compiled implements Variant {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compiled: WebAssembly.Module;
  readonly shape: Shape;
  /** How many ids stand for it. */
  users = 0;
  readonly #variants = new Map<string, Promise<Variant>>();

  constructor(bytes: Uint8Array<ArrayBuffer>, compiled: WebAssembly.Module, shape: Shape) {
    this.bytes = bytes;
    this.compiled = compiled;
    this.shape = shape;
  }

  /** The module rewritten so; each rewriting is done once. */
  metered(options: Rewriting): Promise<Variant> {
    const key = JSON.stringify(options);
    let variant = this.#variants.get(key);
    if (!variant) {
      variant = this.#meter(options);
      this.#variants.set(key, variant);
      // The network may be back, or memory, when it is asked for again.
      variant.catch(() => this.#variants.delete(key));
    }
    return variant;
  }

  async #meter({ stackBytes, ...options }: Rewriting): Promise<Variant> {
    const { boundStack, meter } = await import('../link.js');
    try {
      const bound = stackBytes === undefined ? undefined : await boundStack(this.bytes, stackBytes);
      const { module, fuel, start, refill } = await meter(bound?.module ?? this.bytes, options);
      return { compiled: await WebAssembly.compile(module), fuel: fuel || undefined, start, refill, stack: bound?.stack };
    } catch (cause) {
      throw new WasmError(WasmCode.instantiate, `the module cannot be limited: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Bytes of modules without an id that are kept for who comes with the same ones again. */
const KEPT = 64 * 1024 * 1024;

/** A content that is known. */
interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compiled: Promise<Compiled>;
  made?: Compiled;
}

const ids = new Map<string, Compiled>();
/** Least recently used first. */
let contents: Content[] = [];
let last = 0;

/** Compiles, and gives the result an id of its own. */
export async function addModule(source: ModuleBytes): Promise<string> {
  const compiled = await compiledOf(source);
  compiled.users++;
  const id = `module-${++last}`;
  ids.set(id, compiled);
  return id;
}

/** The module with this id; throws 5004. */
export function moduleOf(id: string): Compiled {
  const compiled = ids.get(id);
  if (!compiled) throw new WasmError(WasmCode.moduleHandle, `there is no module ${JSON.stringify(id)}: it was dropped, or never compiled`);
  return compiled;
}

/** Forgets an id; throws 5004. Instances live on. */
export function removeModule(id: string): void {
  moduleOf(id).users--;
  ids.delete(id);
  sweep();
}

/** Compiles the bytes, unless the same are compiled already. */
export async function compiledOf(source: ModuleBytes): Promise<Compiled> {
  const kernel = getKernel();
  const { bytes, streamed, isOurs } = await bytesOf(source);
  // Comparing is several times faster than any digest, and copying.
  const known = contents.find((one) => isSame(one.bytes, bytes));
  if (known) {
    streamed?.catch(() => {});
    contents = [...contents.filter((one) => one !== known), known];
    return known.compiled;
  }
  const own = isOurs ? bytes : bytes.slice();
  const content: Content = { bytes: own, compiled: compile(kernel, own, streamed) };
  contents.push(content);
  content.compiled.then(
    (made) => {
      content.made = made;
      sweep();
    },
    () => (contents = contents.filter((one) => one !== content)),
  );
  return content.compiled;
}

async function compile(kernel: Kernel, bytes: Uint8Array<ArrayBuffer>, streamed: Promise<WebAssembly.Module> | undefined): Promise<Compiled> {
  let shape: Shape;
  try {
    shape = shapeOf(kernel, bytes);
  } catch (error) {
    streamed?.catch(() => {});
    throw error;
  }
  try {
    // A stream that the engine refuses may only have the wrong media type.
    const compiled = (await streamed?.catch(() => undefined)) ?? (await WebAssembly.compile(bytes));
    return new Compiled(bytes, compiled, shape);
  } catch (cause) {
    throw new WasmError(WasmCode.compile, `the module does not compile: ${(cause as Error).message}`, { cause });
  }
}

/** Lets go of what nobody has an id for, the oldest first, beyond what is worth keeping. */
function sweep(): void {
  let bytes = 0;
  const kept = (one: Content): boolean => one.made === undefined || one.made.users > 0 || (bytes += one.bytes.length) <= KEPT;
  contents = contents.reverse().filter(kept).reverse();
}

function isSame(ours: Uint8Array<ArrayBuffer>, theirs: Uint8Array): boolean {
  const { length } = ours;
  if (theirs.length !== length) return false;
  const words = theirs.byteOffset % 4 === 0 ? length >> 2 : 0;
  const a = new Int32Array(ours.buffer, 0, words);
  const b = new Int32Array(theirs.buffer, theirs.byteOffset - (words === 0 ? theirs.byteOffset : 0), words);
  for (let at = 0; at < words; at++) if (a[at] !== b[at]) return false;
  for (let at = words * 4; at < length; at++) if (ours[at] !== theirs[at]) return false;
  return true;
}

interface Loaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether nobody else has these bytes. */
  readonly isOurs: boolean;
  /** The module compiled while it was loaded. */
  readonly streamed?: Promise<WebAssembly.Module>;
}

async function bytesOf(source: ModuleBytes): Promise<Loaded> {
  if (ArrayBuffer.isView(source)) return { bytes: new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength), isOurs: false };
  if (source instanceof ArrayBuffer || (typeof SharedArrayBuffer !== 'undefined' && (source as unknown) instanceof SharedArrayBuffer)) {
    return { bytes: new Uint8Array(source as ArrayBuffer), isOurs: false };
  }
  if (!(source instanceof Response) && !(source instanceof URL)) {
    throw new WasmError(WasmCode.compile, `a module is bytes, a Response or a URL, not ${typeof source}`);
  }
  try {
    const response = source instanceof Response ? source : await fetch(source);
    if (!response.ok) throw new Error(`${response.url || 'the server'} answered ${response.status}`);
    const streamed = WebAssembly.compileStreaming(response.clone());
    streamed.catch(() => {});
    return { bytes: new Uint8Array(await response.arrayBuffer()), isOurs: true, streamed };
  } catch (cause) {
    throw new WasmError(WasmCode.io, `the module cannot be loaded: ${(cause as Error).message}`, { cause });
  }
}
