/** Modules in workers as objects of async functions; call-backs and async iterables cross both ways. */

import { IsolithError, packError, unpackError } from '../errors.js';
import type { Pool } from '../pool.js';
import type { FromWorker } from '../protocol.js';
import { refOfExport } from './job.js';
import type { Member } from './member.js';
import { isAsyncIterable, isMarker, type Marker } from './stage.js';

/** A module's functions, each answering with a promise. */
export type Proxied<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

interface Waiting {
  readonly member: Member;
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

/** Whose iterable a marker stands for: noted when the answer comes in. */
export const memberOf = new WeakMap<object, Member>();

/** Pools that share workers hear each other's messages: numbers are unique on this thread. */
let numbers = 0;

function crashed(): IsolithError {
  return new IsolithError('ERR_WORKER_CRASHED', 'the worker of this iterator has ended');
}

/** A pool's proxies, and what they left at this side. */
export class Far {
  readonly #pool: Pool;
  readonly #callbacks = new Map<number, (...args: unknown[]) => unknown>();
  readonly #asks = new Map<number, Waiting>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  proxy<T>(url: string): Proxied<T> {
    const functions = new Map<string, unknown>();
    return new Proxy({} as Proxied<T>, {
      get: (_, name) => {
        // A proxy is not a promise: awaiting it must not call its `then`.
        if (typeof name !== 'string' || name === 'then') return undefined;
        let fn = functions.get(name);
        if (!fn) functions.set(name, (fn = (...args: unknown[]) => this.#call(url, name, args)));
        return fn;
      },
    });
  }

  async #call(url: string, name: string, args: unknown[]): Promise<unknown> {
    const outgoing = args.map((arg) => this.#leave(arg) ?? arg);
    const value = await this.#pool.submit(() => refOfExport(url, name, true), outgoing, undefined);
    if (!isMarker(value)) return value;
    return this.#stream(value.number, memberOf.get(value));
  }

  /** Keeps a function or an async iterable here, and says what stands for it. */
  #leave(arg: unknown): Marker | undefined {
    if (typeof arg === 'function') return this.#mark('function', arg as (...args: unknown[]) => unknown);
    if (!isAsyncIterable(arg) || (typeof ReadableStream === 'function' && arg instanceof ReadableStream)) return undefined;
    let iterator: AsyncIterator<unknown> | undefined;
    return this.#mark('iterable', async (how) => {
      iterator ??= arg[Symbol.asyncIterator]();
      return how === 'return' ? ((await iterator.return?.()) ?? { done: true, value: undefined }) : iterator.next();
    });
  }

  #mark(what: Marker['isolith:far'], fn: (...args: unknown[]) => unknown): Marker {
    const number = ++numbers;
    this.#callbacks.set(number, fn);
    return { 'isolith:far': what, number };
  }

  #stream(id: number, member: Member | undefined): AsyncIterableIterator<unknown> {
    let open = member !== undefined;
    const end = (): void => {
      if (open && member) member.streams--;
      open = false;
    };
    if (member) member.streams++;
    const step = async (what: 'next' | 'return'): Promise<IteratorResult<unknown>> => {
      if (!open || !member) return { done: true, value: undefined };
      if (!member.thread || member.state === 'gone') {
        end();
        if (what === 'return') return { done: true, value: undefined };
        throw crashed();
      }
      const { thread } = member;
      const call = ++numbers;
      try {
        const result = await new Promise<IteratorResult<unknown>>((resolve, reject) => {
          this.#asks.set(call, { member, resolve, reject });
          thread.post({ type: 'ask', id, call, what });
        });
        if (result.done) end();
        return result;
      } catch (error) {
        end();
        throw error;
      }
    };
    const iterator: AsyncIterableIterator<unknown> = {
      next: () => step('next'),
      return: () => step('return'),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** A worker calls one of our functions, or gives the next value of one of its iterables. */
  take(member: Member, message: FromWorker): void {
    if (message === 0) return;
    if (message.type === 'forget') {
      this.#callbacks.delete(message.callback);
    } else if (message.type === 'call') {
      void this.#answer(member, message.call, message.callback, message.args);
    } else if (message.type === 'item') {
      const waiting = this.#asks.get(message.call);
      this.#asks.delete(message.call);
      if (message.ok) waiting?.resolve({ done: message.done, value: message.value });
      else waiting?.reject(unpackError(message.value));
    }
  }

  async #answer(member: Member, call: number, callback: number, args: unknown[]): Promise<void> {
    const fn = this.#callbacks.get(callback);
    if (!fn) return;
    const post = (ok: boolean, value: unknown): void => member.thread?.post({ type: 'reply', call, ok, value });
    try {
      post(true, await fn(...args));
    } catch (error) {
      post(false, packError(error));
    }
  }

  /** A worker has ended: nobody waits for it any more. */
  lost(workerId?: number): void {
    for (const [call, waiting] of this.#asks) {
      if (workerId !== undefined && waiting.member.workerId !== workerId) continue;
      this.#asks.delete(call);
      waiting.reject(crashed());
    }
  }

  end(): void {
    this.lost();
    this.#callbacks.clear();
  }
}
