/** Words of shared memory by which a page reaches a guest's thread that waits for a host function. */

import { decode, encode, FULL } from '../codec.js';
import type { Kernel } from '../kernel.js';
import { type PoolExports, poolExports } from '../pool/exports.js';
import { HostThrow, type FromGuest } from './ops.js';

/** The words: whether there is a packet, what it is, its id, its operation, and where its bytes are. */
const Word = { full: 0, kind: 1, id: 2, fn: 3, ptr: 4, length: 5 } as const;

/** Bytes of a mailbox. */
export const MAILBOX = 24;

/** What a packet is: what a host function returned or threw, or an operation to do meanwhile. */
const Kind = { returned: 0, threw: 1, request: 2 } as const;

/** A blocked thread looks again after this long without having been woken, in milliseconds. */
const SLICE = 1000;

interface Packet {
  readonly kind: number;
  readonly id: number;
  readonly fn: number;
  readonly value: unknown;
}

/** The page's end. */
export class Outbox {
  readonly #kernel: PoolExports;
  readonly #memory: WebAssembly.Memory;
  readonly address: number;
  readonly #waiting: Packet[] = [];
  #block: { ptr: number; length: number } | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = poolExports(kernel);
    this.#memory = kernel.memory;
    this.address = this.#kernel.isolith_bytes_new(MAILBOX) >>> 0;
    if (this.address === 0) throw new RangeError('memory is exhausted');
  }

  returned(call: number, value: unknown): void {
    this.#send({ kind: Kind.returned, id: call, fn: 0, value });
  }

  threw(call: number, message: string): void {
    this.#send({ kind: Kind.threw, id: call, fn: 0, value: message });
  }

  request(id: number, fn: number, value: unknown): void {
    this.#send({ kind: Kind.request, id, fn, value });
  }

  /** The last packet was taken, with its bytes. */
  taken(): void {
    this.#block = undefined;
    const next = this.#waiting.shift();
    if (next) this.#put(next);
  }

  #send(packet: Packet): void {
    if (this.#block) this.#waiting.push(packet);
    else this.#put(packet);
  }

  #put({ kind, id, fn, value }: Packet): void {
    const bytes = encoded(value);
    const ptr = this.#kernel.isolith_bytes_new(bytes.length) >>> 0;
    if (ptr === 0) throw new RangeError('memory is exhausted');
    new Uint8Array(this.#memory.buffer, ptr, bytes.length).set(bytes);
    this.#block = { ptr, length: bytes.length };
    const words = new Int32Array(this.#memory.buffer, this.address, MAILBOX / 4);
    words[Word.kind] = kind;
    words[Word.id] = id;
    words[Word.fn] = fn;
    words[Word.ptr] = ptr;
    words[Word.length] = bytes.length;
    Atomics.store(words, Word.full, 1);
    Atomics.notify(words, Word.full);
  }

  /** Gives all memory back; after the guest's thread is through with it. */
  free(): void {
    const full = new Int32Array(this.#memory.buffer, this.address, 1)[Word.full] !== 0;
    if (this.#block && full) this.#kernel.isolith_bytes_free(this.#block.ptr, this.#block.length);
    this.#kernel.isolith_bytes_free(this.address, MAILBOX);
  }
}

function encoded(value: unknown): Uint8Array {
  for (let size = 1024; ; size *= 4) {
    const bytes = new Uint8Array(size);
    const end = encode(value, bytes, 0);
    if (end < 0 && end !== FULL) throw new TypeError('the value cannot be handed to a guest');
    if (end !== FULL) return bytes.subarray(0, end);
  }
}

/** The guest's end. */
export class Inbox {
  readonly #kernel: Kernel;
  readonly #address: number;
  readonly #send: (message: FromGuest) => void;
  readonly #serve: (fn: number, data: unknown) => unknown;
  readonly #pack: (error: unknown) => unknown;
  readonly #replies = new Map<number, { ok: boolean; value: unknown }>();
  #calls = 0;

  constructor(
    kernel: Kernel,
    address: number,
    send: (message: FromGuest) => void,
    serve: (fn: number, data: unknown) => unknown,
    pack: (error: unknown) => unknown,
  ) {
    this.#kernel = kernel;
    this.#address = address;
    this.#send = send;
    this.#serve = serve;
    this.#pack = pack;
  }

  /** Calls a host function and blocks until it has returned; does meanwhile what it is asked. */
  host(index: number, args: unknown[]): unknown {
    const call = ++this.#calls;
    this.#send({ type: 'host', call, index, args });
    for (;;) {
      const reply = this.#replies.get(call);
      if (reply) {
        this.#replies.delete(call);
        if (reply.ok) return reply.value;
        throw new HostThrow(call, String(reply.value));
      }
      this.#take();
    }
  }

  #take(): void {
    const words = new Int32Array(this.#kernel.memory.buffer, this.#address, MAILBOX / 4);
    // The page's death is this thread's too.
    if (Atomics.load(words, Word.full) === 0) Atomics.wait(words, Word.full, 0, SLICE);
    if (Atomics.load(words, Word.full) === 0) return;
    const ptr = words[Word.ptr]! >>> 0;
    const length = words[Word.length]!;
    const kind = words[Word.kind];
    const id = words[Word.id]!;
    const fn = words[Word.fn]!;
    const bytes = new Uint8Array(this.#kernel.memory.buffer, ptr, length).slice();
    // Taken before it is freed: whoever kills this thread knows whose the bytes are.
    Atomics.store(words, Word.full, 0);
    poolExports(this.#kernel).isolith_bytes_free(ptr, length);
    this.#send({ type: 'taken' });
    const value = decode(bytes, 0, length);
    if (kind !== Kind.request) {
      this.#replies.set(id, { ok: kind === Kind.returned, value });
      return;
    }
    try {
      this.#send({ type: 'nested', id, ok: true, value: this.#serve(fn, value) });
    } catch (error) {
      this.#send({ type: 'nested', id, ok: false, value: this.#pack(error) });
    }
  }
}
