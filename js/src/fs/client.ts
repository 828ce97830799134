/** How a thread uses the filesystem: runs operations until they are done, and waits for what they change. */

import type { Kernel } from '../kernel.js';
import { mayBlock } from '../support.js';
import type { Control } from './engine.js';
import { failure, fsError, type Subject } from './errors.js';
import { AGAIN, Door, State, Word } from './exports.js';
import { lookOut } from './prompt.js';

/** One call of the kernel, to be repeated until it is done. */
export interface Op<T> extends Subject {
  /** Tries; a status of the kernel. */
  attempt(door: Door): number;
  /** Reads the answer; called at once after a successful try. */
  answer?(door: Door): T;
  /** Whether its changes have a ticket to wait with. */
  readonly changes?: boolean;
  /** Whether it need not see what other tabs have written just now. */
  readonly local?: boolean;
}

/**
 * An operation of several steps, each yielded; the same text serves promises and blocking calls.
 * A promise as a step is somebody else's, who must know that only promises can wait for it.
 */
export type Steps<T> = Generator<Op<unknown> | Promise<unknown>, T, unknown>;

/** Yields one step; the answer has the step's type. */
export function* step<T>(op: Op<T> | Promise<T>): Steps<T> {
  return (yield op) as T;
}

/** Calls the thread that owns the stores. */
export interface Bell {
  /** Starts the store thread if need be; settles when it is ready or has failed. */
  start(): Promise<void>;
  /** Tells it to look at the desk, by message if `asleep`. */
  ring(asleep: boolean): void;
  /** Commits what is asked for on this very thread, if it may; a tick follows. */
  commit?(): boolean;
  /** Whether promises are kept by blocking: in workers, where no message tells of answers. */
  readonly blocks: boolean;
  /** Has the store thread do something beside the desk. */
  control(control: Control): Promise<unknown>;
  /** Tells the watchers of other threads to look, and has `hear` called when others say so; from its first call on. */
  tellWatchers?(): void;
  hearWatched?(hear: () => void): void;
}

interface Ticket {
  readonly store: number;
  readonly node: number;
  readonly epoch: number;
}

interface Waiting {
  /** True once it has settled what it waits for. */
  check(): boolean;
  readonly deadline: number;
  late(): void;
}

/** How long anything may wait for the stores, in milliseconds. */
const PATIENCE = 60_000;

/** Others' watchers are told at most so often while this thread does not return to its event loop, in milliseconds. */
const NEWS = 10;

/** The store is told of changes that nobody waits for at most so often, in milliseconds; it writes them a second later. */
const WORD = 500;

/** A blocked thread looks again after this long without having been woken, in milliseconds. */
const SLICE = 20;

/** The filesystem as one thread sees it. */
export class Client {
  readonly door: Door;
  readonly bell: Bell;
  readonly #blocks: boolean;
  readonly #maySync: boolean;
  #waiting: Waiting[] = [];
  #due = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #fresh: Promise<void> | undefined;
  #newsDue = false;
  #lastNews = 0;
  #lastWord = -WORD;
  /** Called after every tick, for watchers. */
  onTick: (() => void) | undefined;

  constructor(kernel: Kernel, bell: Bell) {
    this.door = Door.of(kernel);
    this.bell = bell;
    this.#blocks = bell.blocks;
    this.#maySync = kernel.shared && mayBlock();
  }

  /** Runs the steps; resolves when their changes are durable, or with `flush` false when they are made. */
  async run<T>(steps: Steps<T>, flush = true): Promise<T> {
    if (!this.isReady) await this.start();
    const tickets: Ticket[] = [];
    let sent: unknown;
    let thrown: unknown;
    let fails = false;
    for (;;) {
      const { done, value } = fails ? steps.throw(thrown) : steps.next(sent);
      if (done) {
        if (flush && tickets.length > 0) await this.#settle(tickets);
        else if (tickets.length > 0) this.#giveWord();
        return value;
      }
      fails = false;
      try {
        if (value instanceof Promise) {
          sent = await value;
          continue;
        }
        if (!value.local && Atomics.load(this.door.words, Word.shared) !== 0) await this.#freshen();
        const status = value.attempt(this.door);
        if (status === 0) sent = this.#finish(value, tickets);
        else if (status === AGAIN) sent = await this.#again(value, tickets);
        else throw failure(this.door, value);
      } catch (error) {
        fails = true;
        thrown = error;
      }
    }
  }

  /** As `run`, blocking; only for threads that may block. */
  runSync<T>(steps: Steps<T>, flush = true): T {
    this.#startSync();
    const tickets: Ticket[] = [];
    let sent: unknown;
    let thrown: unknown;
    let fails = false;
    for (;;) {
      const { done, value } = fails ? steps.throw(thrown) : steps.next(sent);
      if (done) {
        if (flush) for (const ticket of tickets) this.#settleSync(ticket);
        else if (tickets.length > 0) this.#giveWord();
        return value;
      }
      fails = false;
      try {
        if (value instanceof Promise) throw badReturn();
        if (!value.local && Atomics.load(this.door.words, Word.shared) !== 0) this.#freshenSync();
        this.block(value, () => value.attempt(this.door));
        sent = this.#finish(value, tickets);
      } catch (error) {
        fails = true;
        thrown = error;
      }
    }
  }

  #finish(op: Op<unknown>, tickets: Ticket[]): unknown {
    if (op.changes) {
      const { door } = this;
      const store = door.number(13);
      const last = tickets.findIndex((ticket) => ticket.store === store);
      if (last >= 0) tickets.splice(last, 1);
      tickets.push({ store, node: door.number(14), epoch: door.number(15) });
      if (Atomics.load(door.words, Word.watchers) !== 0) this.#tellWatchers();
    }
    return op.answer?.(this.door);
  }

  /** Whether operations can be made at once. */
  get isReady(): boolean {
    return Atomics.load(this.door.words, Word.state) === State.ready;
  }

  /** From now on `onTick` is called for what others change, too. */
  listen(): void {
    this.bell.hearWatched?.(() => this.onTick?.());
    // The store thread tells the page of what other tabs have done.
    if (!this.#blocks) this.ring();
  }

  #tellWatchers(): void {
    const now = performance.now();
    if (now - this.#lastNews > NEWS) {
      this.#lastNews = now;
      this.bell.tellWatchers?.();
    }
    if (this.#newsDue) return;
    this.#newsDue = true;
    queueMicrotask(() => {
      this.#newsDue = false;
      this.#lastNews = performance.now();
      this.bell.tellWatchers?.();
      this.onTick?.();
    });
  }

  /** Starts the stores. */
  async start(): Promise<void> {
    if (!this.#blocks) return this.bell.start();
    this.#startSync();
  }

  #startSync(): void {
    const { words } = this.door;
    if (Atomics.load(words, Word.state) === State.ready) return;
    const subject = { syscall: 'mount' };
    if (!this.#maySync) throw fsError('ENOTSUP', subject, 'blocking calls work in workers on shared memory only');
    // An earlier failure is not ours: the page tries again, and that one is waited for.
    Atomics.compareExchange(words, Word.state, State.failed, State.none);
    void this.bell.start();
    this.block(subject, () => {
      const state = Atomics.load(words, Word.state);
      if (state === State.failed) throw fsError('EIO', subject, 'the stores of this page could not be opened');
      return state === State.ready ? 0 : AGAIN;
    });
  }

  /** Waits until the operation is through; its answer is read at once, before another call's. */
  async #again(op: Op<unknown>, tickets: Ticket[]): Promise<unknown> {
    let answer: unknown;
    await this.#wait(op, () => {
      const status = op.attempt(this.door);
      if (status === AGAIN) return false;
      if (status !== 0) throw failure(this.door, op);
      answer = this.#finish(op, tickets);
      return true;
    });
    return answer;
  }

  async #settle(tickets: readonly Ticket[]): Promise<void> {
    for (const ticket of tickets) {
      const subject = { syscall: 'fsync' };
      const check = (): boolean => {
        const status = this.door.exports.isolith_fs_settled(ticket.store, ticket.node, ticket.epoch);
        if (status === AGAIN) return false;
        if (status !== 0) throw failure(this.door, subject);
        return true;
      };
      if (!check()) await this.#wait(subject, check);
    }
  }

  #settleSync({ store, node, epoch }: Ticket): void {
    this.block({ syscall: 'fsync' }, () => this.door.exports.isolith_fs_settled(store, node, epoch));
  }

  /** Sees what other tabs have written; one question serves all who ask before it is sent. */
  #freshen(): Promise<void> {
    return (this.#fresh ??= (async () => {
      await undefined;
      this.#fresh = undefined;
      const mine = Atomics.add(this.door.words, Word.wanted, 1) + 1;
      // The words move when unshared memory grows.
      await this.#wait({ syscall: 'read' }, () => isFresh(this.door.words, mine));
    })());
  }

  #freshenSync(): void {
    const { words } = this.door;
    const mine = Atomics.add(words, Word.wanted, 1) + 1;
    this.block({ syscall: 'read' }, () => (isFresh(words, mine) ? 0 : AGAIN));
  }

  /** Waits for ticks until `check` is true or throws. */
  #wait(subject: Subject, check: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        check: () => {
          try {
            if (!check()) return false;
            resolve();
          } catch (error) {
            reject(error);
          }
          return true;
        },
        deadline: Date.now() + PATIENCE,
        late: () => reject(fsError('ETIMEDOUT', subject)),
      });
      this.ring();
    });
  }

  /** Has the store thread look at the desk, once all that is being asked now has been asked. */
  ring(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.#blocks) return this.#blockForAll();
      this.#timer ??= setTimeout(() => this.#look(), 1000);
      if (this.bell.commit?.()) return;
      // Not kept over calls: the words move when unshared memory grows.
      const { door } = this;
      if (!door.kernel.shared) {
        Atomics.store(door.words, Word.pageWaits, 1);
        return this.#call();
      }
      const { words } = door;
      const seen = Atomics.load(words, Word.done);
      const answered = (): boolean => Atomics.load(words, Word.done) !== seen;
      this.#call();
      // Some stores answer before the thread could go to sleep.
      if (Atomics.load(words, Word.instant) === 0 || !lookOut(answered)) {
        Atomics.store(words, Word.pageWaits, 1);
        // The answer may have come before the store thread could see that it must call.
        if (!answered()) return;
      }
      this.tick();
    });
  }

  #call(): void {
    const { words } = this.door;
    Atomics.add(words, Word.work, 1);
    if (this.door.kernel.shared) Atomics.notify(words, Word.work);
    // It is the store thread's to clear: a caller that cleared it might be killed before it has rung,
    // and nobody would ring any more.
    this.bell.ring(Atomics.load(words, Word.sleeping) !== 0);
  }

  /** A last resort against a lost wake-up, and the end of patience. */
  #look(): void {
    this.#timer = undefined;
    const now = Date.now();
    const late = this.#waiting.filter(({ deadline }) => deadline < now);
    if (late.length > 0) this.#waiting = this.#waiting.filter(({ deadline }) => deadline >= now);
    for (const one of late) one.late();
    this.tick();
    if (this.#waiting.length > 0) this.ring();
  }

  /** The store thread has answered something. */
  tick(): void {
    const asked = this.#waiting;
    this.#waiting = [];
    const left = asked.filter((one) => !one.check());
    // Checks may have asked for more: those come behind.
    this.#waiting = left.length === 0 ? this.#waiting : left.concat(this.#waiting);
    if (this.#waiting.length === 0) Atomics.store(this.door.words, Word.pageWaits, this.onTick ? 1 : 0);
    else this.ring();
    this.onTick?.();
  }

  /** On a thread that may block, promises are kept by blocking: nothing can lose a wake-up there. */
  #blockForAll(): void {
    this.block({ syscall: 'wait' }, () => {
      const asked = this.#waiting;
      this.#waiting = [];
      this.#waiting = asked.filter((one) => !one.check()).concat(this.#waiting);
      return this.#waiting.length === 0 ? 0 : AGAIN;
    });
    this.onTick?.();
  }

  /** Whether blocking calls work on this thread. */
  get maySync(): boolean {
    return this.#maySync;
  }

  /** Before an operation that must see what other tabs have written; blocks if they may have. */
  freshen(): void {
    if (this.#maySync && Atomics.load(this.door.words, Word.shared) !== 0) this.#freshenSync();
  }

  /** After a change that was not made through `run`: watchers look, and the store learns that there is something to write. */
  changed(): void {
    if (Atomics.load(this.door.words, Word.watchers) !== 0) this.#tellWatchers();
    this.#giveWord();
  }

  /** Nobody waits for what was changed: the store thread writes it back, a second after it has heard. */
  #giveWord(): void {
    const now = performance.now();
    // What changes within that second goes with the same batch.
    if (now - this.#lastWord < WORD) return;
    this.#lastWord = now;
    this.#call();
  }

  /** Tries until the status is not `AGAIN`, sleeping between; throws what went wrong, or after a minute. */
  block(subject: Subject, attempt: () => number): void {
    const { words } = this.door;
    let deadline = 0;
    for (;;) {
      const seen = Atomics.load(words, Word.done);
      const status = attempt();
      if (status === 0) return;
      if (status !== AGAIN) throw failure(this.door, subject);
      const now = Date.now();
      if (deadline === 0) deadline = now + PATIENCE;
      else if (now > deadline) throw fsError('ETIMEDOUT', subject);
      this.#call();
      const answered = (): boolean => Atomics.load(words, Word.done) !== seen;
      if (Atomics.load(words, Word.instant) === 0 || !lookOut(answered)) Atomics.wait(words, Word.done, seen, SLICE);
    }
  }
}

function badReturn(): TypeError {
  const error = new TypeError('Expected boolean to be returned from the "filter" function but got an instance of Promise.');
  return Object.assign(error, { code: 'ERR_INVALID_RETURN_VALUE' });
}

function isFresh(words: Int32Array, mine: number): boolean {
  return ((Atomics.load(words, Word.fresh) - mine) | 0) >= 0;
}
