/** The worker's end of the ring: runs jobs as they come, spins a little, then sleeps in its event loop. */

import { IsolithError, notSerializable, packError } from '../errors.js';
import type { Answer, BlockRef, FromWorker } from '../protocol.js';
import { Context, type Host } from './context.js';
import {
  END_AT, INLINE, INLINE_AT, Kind, LinkWord, ON_BLOCK, type PoolExports, SlotWord, START_AT, THREW, type Views,
} from './exports.js';
import { Patience } from './patience.js';
import { isPlainLength, plainLength, readPlain } from './plain.js';
import type { Values } from './values.js';

/** How long a worker that is hot looks out for its next task, in milliseconds. */
const SPIN = 0.1;
/** A worker that was rung up within so many milliseconds of falling asleep is hot: looking out would have paid. */
const SOON = 0.25;
/**
 * Where page and worker share a core, looks as short keep each other from it. One that lasts longer than the
 * system takes to move a thread that waits ends that; in milliseconds.
 */
const LONG_SPIN = 5;
/** So many times in a row it slept, hot, before it looks out so long: about what that may cost was lost by then. */
const OFTEN = 32;
const SELDOM = 4096;
/** Glances at the ring between two looks at the clock. */
const GLANCES = 400;
/** After so many milliseconds without a pause the event loop gets a turn. */
const TURN = 8;

/** Runs a task: its value, its promise, or what it throws. */
export type Execute = (fn: number, source: () => string, data: unknown, block: BlockRef | undefined, context: Context) => unknown;

/** Sends a message to the pool; `transfer` moves what it lists. */
export type Send = (message: FromWorker, transfer?: Transferable[]) => void;

const textDecoder = new TextDecoder();
/** What turns this thread's clock into milliseconds since 1970. */
const ORIGIN = performance.timeOrigin;
const clock = (): number => ORIGIN + performance.now();

/** A worker on the ring at `link`; one per thread. */
export class RingDuty {
  readonly #kernel: PoolExports;
  readonly #views: Views;
  readonly #link: number;
  readonly #host: Host;
  readonly #execute: Execute;
  readonly #send: Send;
  readonly #values: () => Values;
  readonly #inbox = new Map<number, unknown>();
  /** A job is open: it awaits something, or its data. */
  #busy = false;
  #waitsFor = 0;
  /** Data that came and could not be read, of jobs not yet begun. */
  #unread = 0;
  #context: Context | undefined;
  #current = 0;
  #last = 0;
  #patience = new Patience();
  #hot = false;
  #sleptAt = 0;
  /** How often it fell asleep hot, of late, and how often until it looks out for long. */
  #naps = 0;
  #enough = OFTEN;
  #turn: MessageChannel | undefined;

  constructor(kernel: PoolExports, views: Views, link: number, host: Host, execute: Execute, send: Send, values: () => Values) {
    this.#kernel = kernel;
    this.#views = views;
    this.#link = link;
    this.#host = host;
    this.#execute = execute;
    this.#send = send;
    this.#values = values;
  }

  /** The doorbell, or the first look. */
  ring(): void {
    if (this.#busy) return;
    const now = performance.now();
    // Looking out where nothing comes soon would keep the owner from its core: it is just now waking us.
    this.#hot = now - this.#sleptAt < SOON;
    if (!this.#hot) this.#naps = 0;
    this.#drain(now);
  }

  /** The context of the job in this slot, which the first script has begun. */
  begun(slot: number): Context {
    const context = new Context(this.#host, this.#views.i32[(slot >>> 2) + SlotWord.job]!);
    this.#current = slot;
    this.#context = context;
    return context;
  }

  /** What came of it; nothing if it was answered by message. Then goes on with what lies behind. */
  ran(slot: number, start: number, context: Context | undefined, outcome: Omit<Answer, 'id' | 'start' | 'end'> | undefined): void {
    if (!outcome) {
      this.#views.i32[(slot >>> 2) + SlotWord.kind] = Kind.message;
      if (this.#kernel.isolith_link_finish(this.#link) !== 0) this.#send(0);
    } else {
      const { ok, value } = outcome;
      const its = context ?? this.begun(slot);
      if (ok && isThenable(value)) {
        this.#busy = true;
        void this.#settle(slot, start, its, value);
        return;
      }
      this.#answer(slot, start, its, ok, value);
    }
    this.#drain();
  }

  /** A job's data came by message. */
  data(id: number, data: unknown): void {
    this.#inbox.set(id, data);
    if (this.#waitsFor === id) this.#resume();
  }

  /** A job's data came by message, and the browser could not read it here; which job's, the order tells. */
  unread(): void {
    this.#unread++;
    if (this.#waitsFor !== 0) this.#resume();
  }

  #resume(): void {
    this.#waitsFor = 0;
    this.#busy = false;
    if (this.#open(this.#current)) this.#drain();
  }

  /** A job whose data came was taken back. */
  drop(id: number): void {
    if (!this.#inbox.delete(id) && this.#unread > 0) this.#unread--;
  }

  /** The pool wants a job to stop. */
  abort(id: number): void {
    if (this.isAborted(id)) this.#context?.abort();
  }

  isAborted(id: number): boolean {
    const { i32 } = this.#views;
    return Atomics.load(i32, (this.#link >>> 2) + LinkWord.abort) === id;
  }

  listens(id: number): void {
    Atomics.store(this.#views.i32, (this.#link >>> 2) + LinkWord.listens, id);
  }

  #drain(began = performance.now()): void {
    const kernel = this.#kernel;
    const link = this.#link;
    this.#last = ORIGIN + began;
    for (;;) {
      let slot = kernel.isolith_link_claim(link, 0) >>> 0;
      if (slot === 0) {
        this.#last = 0;
        if (this.#hot) slot = this.#look();
      }
      if (slot === 0) {
        if (kernel.isolith_link_sleep(link) === 0) continue;
        this.#sleptAt = performance.now();
        return;
      }
      if (!this.#open(slot)) return;
      if (this.#last - ORIGIN - began > TURN) return this.#pause();
    }
  }

  /** Looks out for the next job if that may pay; its slot, or 0. */
  #look(): number {
    const short = this.#patience.has();
    if (!short && ++this.#naps < this.#enough) return 0;
    const until = performance.now() + (short ? SPIN : LONG_SPIN);
    const { i32 } = this.#views;
    const word = (this.#link >>> 2) + LinkWord.looks;
    if (!short) Atomics.store(i32, word, 1);
    let slot: number;
    do slot = this.#kernel.isolith_link_claim(this.#link, GLANCES) >>> 0;
    while (slot === 0 && performance.now() < until);
    this.#patience.learn(slot !== 0);
    if (!short) {
      Atomics.store(i32, word, 0);
      this.#naps = 0;
      // Whether it was worth it the short looks tell that follow.
      this.#enough = Math.min(SELDOM, this.#enough * 2);
    } else if (slot !== 0) {
      this.#enough = Math.max(OFTEN, this.#enough / 2);
    }
    return slot;
  }

  /** Gives timers, messages and fetches a turn, then goes on. */
  #pause(): void {
    this.#busy = true;
    this.#turn ??= new MessageChannel();
    this.#turn.port1.onmessage = () => {
      this.#busy = false;
      this.#drain();
    };
    this.#turn.port2.postMessage(0);
  }

  /** Runs the job of a slot; false while it is not finished. */
  #open(slot: number): boolean {
    const views = this.#views;
    views.reach(slot + 128);
    const word = slot >>> 2;
    const { i32 } = views;
    const id = i32[word + SlotWord.job]!;
    const kind = i32[word + SlotWord.kind]!;
    this.#current = slot;
    if ((kind & 3) === Kind.message && !this.#inbox.has(id) && this.#unread === 0) {
      this.#busy = true;
      this.#waitsFor = id;
      return false;
    }
    const block = kind & ON_BLOCK ? { ptr: i32[word + SlotWord.block]! >>> 0, size: i32[word + SlotWord.blockSize]! >>> 0 } : undefined;
    const context = new Context(this.#host, id);
    this.#context = context;
    const start = this.#last || clock();
    let value: unknown;
    try {
      const data = this.#data(slot, word, kind, id);
      value = this.#execute(i32[word + SlotWord.fn]!, () => this.#source(word), data, block, context);
      if (isThenable(value)) {
        this.#busy = true;
        void this.#settle(slot, start, context, value);
        return false;
      }
    } catch (error) {
      this.#answer(slot, start, context, false, error);
      return true;
    }
    this.#answer(slot, start, context, true, value);
    return true;
  }

  /** The data of the job in a slot; throws where it is nested too deeply for this thread. */
  #data(slot: number, word: number, kind: number, id: number): unknown {
    const views = this.#views;
    const { i32 } = views;
    const length = i32[word + SlotWord.length]!;
    if ((kind & 3) === Kind.inline) {
      return isPlainLength(length) ? readPlain(views, slot, length) : this.#values().decode(views.u8, slot + INLINE_AT, slot + INLINE_AT + length);
    }
    if ((kind & 3) !== Kind.message) {
      const ptr = i32[word + SlotWord.ptr]! >>> 0;
      const { decode, unpack } = this.#values();
      views.reach(ptr + length);
      return (kind & 3) === Kind.packed ? unpack(views.u8, ptr, ptr + length) : decode(views.u8, ptr, ptr + length);
    }
    if (!this.#inbox.has(id)) {
      this.#unread--;
      throw new IsolithError('ERR_NOT_SERIALIZABLE', "the browser could not read the task's data in the worker: it is nested too deeply");
    }
    const data = this.#inbox.get(id);
    this.#inbox.delete(id);
    return data;
  }

  async #settle(slot: number, start: number, context: Context, value: PromiseLike<unknown>): Promise<void> {
    let ok = true;
    let outcome: unknown;
    try {
      outcome = await value;
    } catch (error) {
      ok = false;
      outcome = error;
    }
    this.#answer(slot, start, context, ok, outcome);
    this.#busy = false;
    this.#drain();
  }

  #source(word: number): string {
    const at = this.#views.i32[word + SlotWord.source]! >>> 0;
    this.#views.reach(at + 4);
    const length = this.#views.i32[at >>> 2]!;
    this.#views.reach(at + 4 + length);
    return textDecoder.decode(this.#views.u8.slice(at + 4, at + 4 + length));
  }

  #answer(slot: number, start: number, context: Context, ok: boolean, outcome: unknown): void {
    const end = (this.#last = clock());
    const length = plainLength(outcome);
    if (length !== undefined && ok && !context.spoke && !context.moves) {
      const value = typeof outcome === 'number' ? outcome : 0;
      if (this.#kernel.isolith_link_answer(this.#link, slot, length, value, start, end) !== 0) this.#send(0);
      return;
    }
    const { i32, f64 } = this.#views;
    f64[(slot + START_AT) >>> 3] = start;
    f64[(slot + END_AT) >>> 3] = end;
    const word = slot >>> 2;
    const by = { id: i32[word + SlotWord.job]!, ok, start, end };
    if (context.spoke || context.moves) this.#post(word, by, outcome, context.moves);
    else this.#write(slot, by, ok ? outcome : packError(outcome));
    if (this.#kernel.isolith_link_finish(this.#link) !== 0) this.#send(0);
  }

  #write(slot: number, by: Omit<Answer, 'value'>, value: unknown): void {
    const word = slot >>> 2;
    let values: Values;
    try {
      values = this.#values();
    } catch (error) {
      this.#post(word, { ...by, ok: false }, error, undefined);
      return;
    }
    const { encodeValue, encoded, isPacked } = values;
    let length: number;
    try {
      length = encodeValue(value, "the task's result");
    } catch (error) {
      this.#write(slot, { ...by, ok: false }, packError(error));
      return;
    }
    let at = slot + INLINE_AT;
    let kind: number = Kind.inline;
    if (length > INLINE || isPacked()) {
      kind = isPacked() ? Kind.packed : Kind.block;
      at = this.#kernel.isolith_link_room(slot, length) >>> 0;
    }
    if (length < 0 || at === 0) {
      this.#post(word, by, value, undefined);
      return;
    }
    this.#views.reach(at + length);
    const { u8, i32 } = this.#views;
    const bytes = encoded();
    if (kind === Kind.inline) for (let i = 0; i < length; i++) u8[at + i] = bytes[i]!;
    else u8.set(bytes.subarray(0, length), at);
    i32[word + SlotWord.ptr] = at;
    i32[word + SlotWord.length] = length;
    i32[word + SlotWord.kind] = kind + (by.ok ? 0 : THREW);
  }

  /** The answer goes by message, behind what the task has sent before. */
  #post(word: number, by: Omit<Answer, 'value'>, value: unknown, moves: Transferable[] | undefined): void {
    const packed = by.ok ? value : packError(value);
    try {
      this.#send({ type: 'answers', answers: [{ ...by, value: packed }] }, moves);
    } catch (cause) {
      const error = packError(notSerializable("the task's result", cause));
      this.#send({ type: 'answers', answers: [{ ...by, ok: false, value: error }] });
    }
    this.#views.i32[word + SlotWord.kind] = Kind.message;
  }
}

/** Whether a task's value has to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
