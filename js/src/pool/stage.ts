/** Calls exports of modules for proxies: call-backs and async iterables cross in both directions. */

import { packError, unpackError } from '../errors.js';
import type { ToWorker } from '../protocol.js';
import type { AnyFunction } from '../task.js';
import type { Context } from './context.js';
import type { Send } from './duty-ring.js';

/** What stands for a function or an async iterable in a message: its number at the page. */
export interface Marker {
  readonly 'isolith:far': 'function' | 'iterable';
  readonly number: number;
}

/** Whether a value stands for something on the other thread. */
export function isMarker(value: unknown): value is Marker {
  return typeof value === 'object' && value !== null && 'isolith:far' in value;
}

/** Whether a value gives others over time. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The worker's side of proxies. */
export class Stage {
  readonly #send: Send;
  readonly #calls = new Map<number, Waiting>();
  readonly #streams = new Map<number, AsyncIterator<unknown>>();
  #number = 0;
  /** The page need not keep what nobody here can call any more. */
  readonly #gone = new FinalizationRegistry((callback: number) => this.#send({ type: 'forget', callback }));

  constructor(send: Send) {
    this.#send = send;
  }

  /** Calls a function with its arguments, live where they were functions or async iterables. */
  call(fn: AnyFunction, args: unknown[], context: Context): unknown {
    const value = fn(...(args.map((arg) => (isMarker(arg) ? this.#near(arg) : arg)) as never[]));
    if (typeof (value as PromiseLike<unknown> | undefined)?.then !== 'function') return this.#outgoing(value, context);
    return (value as PromiseLike<unknown>).then((result) => this.#outgoing(result, context));
  }

  /** Answers of the page's functions, and its wishes for the next value of a stream. */
  take(message: Extract<ToWorker, { type: 'reply' | 'ask' }>): void {
    if (message.type === 'ask') {
      void this.#step(message.id, message.call, message.what);
      return;
    }
    const waiting = this.#calls.get(message.call);
    this.#calls.delete(message.call);
    if (message.ok) waiting?.resolve(message.value);
    else waiting?.reject(unpackError(message.value));
  }

  #outgoing(value: unknown, context: Context): unknown {
    if (!isAsyncIterable(value) || typeof ReadableStream === 'function' && value instanceof ReadableStream) return value;
    const number = ++this.#number;
    this.#streams.set(number, value[Symbol.asyncIterator]());
    // By message: a stream belongs to the worker that the message comes from.
    context.spoke = true;
    return { 'isolith:far': 'iterable', number } satisfies Marker;
  }

  #near({ 'isolith:far': what, number }: Marker): unknown {
    if (what === 'function') {
      const fn = (...args: unknown[]): Promise<unknown> => this.#ask(number, args);
      this.#gone.register(fn, number);
      return fn;
    }
    const step = (how: 'next' | 'return'): Promise<IteratorResult<unknown>> =>
      this.#ask(number, [how]) as Promise<IteratorResult<unknown>>;
    const iterator = {
      next: () => step('next'),
      return: () => step('return'),
      [Symbol.asyncIterator]: () => iterator,
    };
    this.#gone.register(iterator, number);
    return iterator;
  }

  #ask(callback: number, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = ++this.#number;
      this.#send({ type: 'call', id: 0, call, callback, args });
      this.#calls.set(call, { resolve, reject });
    });
  }

  async #step(id: number, call: number, what: 'next' | 'return'): Promise<void> {
    const stream = this.#streams.get(id);
    const answer = (ok: boolean, done: boolean, value: unknown): void => {
      if (done || !ok) this.#streams.delete(id);
      this.#send({ type: 'item', id, call, ok, done, value });
    };
    try {
      if (what === 'return') {
        await stream?.return?.();
        answer(true, true, undefined);
        return;
      }
      const step = (await stream?.next()) ?? { done: true, value: undefined };
      answer(true, step.done === true, step.value);
    } catch (error) {
      answer(false, true, packError(error));
    }
  }
}
