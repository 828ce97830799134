/** One worker of a crew: its start, its way, its figures, and its end. */

import { IsolithError, unpackError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import type { FromWorker, Start, ThreadSlot } from '../protocol.js';
import { type Script, startThread, type StartedBy, type Thread, type WorkerSource } from '../worker-start.js';
import { enlist, type Mourning, pronounceDead } from './mourning.js';
import { type PoolExports, poolExports, ThreadWord } from './exports.js';
import type { Hub, Spoke } from './hub.js';
import type { Job } from './job.js';
import { type Link, type Outcome, RingLink, type Sources } from './link.js';
import { MailLink } from './mail.js';
import { bury, deathOf } from './death.js';
import { memberOf } from './proxy.js';
import { isMarker } from './stage.js';

/** What members need of their crew. */
export interface Employer extends Spoke {
  readonly kernel: Kernel;
  /** Where memory is shared. */
  readonly hub: Hub | undefined;
  readonly sources: Sources | undefined;
  readonly workerSource: WorkerSource | undefined;
  /** The script of its workers, where they are not the pools'. */
  readonly script?: Script;
  /** Another memory that tasks work on, and the kernel there. */
  readonly heap: Kernel | undefined;
  ready(member: Member): void;
  /** It could not start. */
  failed(member: Member, error: unknown): void;
  /** An error was caught by nobody there. */
  crashed(member: Member, error: Error): void;
  /** It died by itself; `error` says why as far as known. */
  died(member: Member, error: Error): void;
  /** A job was answered by message: of which its ring tells too, or not. */
  answered(member: Member, id: number, outcome: Outcome): void;
  /** It sent back what it has not begun, newest first. */
  returned?(member: Member, ids: readonly number[]): void;
  /** It may have more or fewer jobs at a time than before. */
  paced(member: Member): void;
  message(member: Member, message: FromWorker): void;
}

/** One worker. */
export class Member {
  readonly workerId: number;
  /** Its number in its crew's list, used again when it is gone. */
  readonly number: number;
  readonly #crew: Employer;
  state: 'starting' | 'ready' | 'leaving' | 'gone' = 'starting';
  link: Link;
  thread: Thread | undefined;
  readonly #places: Place[] = [];
  #death: Promise<void> | undefined;
  #mourning: Mourning | undefined;
  /** Settles when the thread is certainly dead and what it had is returned. */
  buried: Promise<void> | undefined;
  /** Settles `buried` of a member that was let go while it started. */
  #ended: () => void = () => {};
  busyMs = 0;
  done = 0;
  failed = 0;
  /** Iterators of proxies that live there: as long as any is open, it is not let go of for being idle. */
  streams = 0;
  /** The job that is asked to stop. */
  asked: Job | undefined;
  /** Jobs whose answer came by message before the ring told of it, and the reverse. */
  readonly early = new Set<number>();
  readonly late = new Map<number, Job>();
  /** Jobs that ended with this worker, which may still read what they had in memory. */
  readonly lost: Job[] = [];
  /** Told when the thread is dead, and whether that is certain: what it was lent can be returned. */
  readonly heirs = new Set<(certain: boolean) => void>();
  /** Who waits for the worker to let go of a linked module, by its number. */
  readonly unloading = new Map<number, () => void>();

  constructor(crew: Employer, number: number, workerId: number) {
    this.number = number;
    this.workerId = workerId;
    this.#crew = crew;
    this.link = this.#newLink();
    void this.#start();
  }

  get startedBy(): StartedBy | undefined {
    return this.thread?.startedBy;
  }

  #newLink(): Link {
    const { hub, sources } = this.#crew;
    const post = (...message: Parameters<Thread['post']>): void => this.thread?.post(...message);
    if (!hub || !sources) return new MailLink(post);
    return new RingLink(hub.kernel, hub.views, sources, post);
  }

  async #start(): Promise<void> {
    const crew = this.#crew;
    let start: Start | undefined;
    try {
      start = this.#startMessage();
      const thread = await startThread(start, crew.workerSource, crew.script);
      this.thread = thread;
      thread.onmessage = (message) => this.#receive(message);
      thread.onerror = (error) => crew.crashed(this, error);
      if (thread.startedBy === 'caller' && this.link instanceof RingLink) {
        this.link.free();
        this.link = new MailLink((message, transfer) => thread.post(message, transfer));
      } else if (thread.lock !== undefined) {
        this.#death = deathOf(thread.lock);
        void this.#death.then(() => this.#died());
      }
      if (this.state === 'leaving') {
        this.end();
        return void this.buried?.then(this.#ended);
      }
      if (this.state !== 'starting') return;
      this.state = 'ready';
      crew.ready(this);
    } catch (error) {
      const left = this.state === 'leaving';
      this.state = 'gone';
      this.#return();
      // Whose crew has let it go is no longer in its list.
      if (left) this.#ended();
      else crew.failed(this, error);
    }
  }

  #startMessage(): Start {
    const { kernel, hub, heap } = this.#crew;
    const { shared, memory, module } = kernel;
    const message = { type: 'start', workerId: this.workerId } as const;
    if (!shared || !hub || !(this.link instanceof RingLink)) return message;
    const own = { kernel: { bytes: module.share(), compiled: module.compileSync(true) }, memory, mourning: (this.#mourning = enlist(memory)), ...named('thread', this.#reserve(kernel, THREAD_STACK)) };
    const link = this.link.address;
    if (!heap) return { ...message, ...own, link };
    return { ...message, ...own, link, heapMemory: heap.memory, ...named('heapThread', this.#reserve(heap, HEAP_STACK)) };
  }

  #reserve(kernel: Kernel, stackBytes: number): ThreadSlot | undefined {
    const exports = poolExports(kernel);
    const number = exports.isolith_thread_reserve();
    if (number < 0) return undefined;
    const slot = { number, address: exports.isolith_thread_slot(number) >>> 0 };
    this.#places.push({ exports, memory: kernel.memory, slot, stackBytes });
    return slot;
  }

  #receive(message: FromWorker): void {
    if (message === 0) {
      this.#crew.hub?.bell(this.#crew);
    } else if (message.type === 'answers') {
      const { answers } = message;
      for (const { id, ok, value, start, end } of answers) {
        if (isMarker(value)) memberOf.set(value, this);
        this.#crew.answered(this, id, { ok, value: ok ? value : unpackError(value), start, end });
      }
      const { link } = this;
      if (link instanceof MailLink && answers[0]) {
        link.learn(answers.length, answers.at(-1)!.end - answers[0].start);
        this.#crew.paced(this);
      }
      this.#crew.dispatch();
    } else if (message.type === 'returned') {
      this.#crew.returned?.(this, message.ids);
    } else if (message.type === 'listens') {
      this.link.heard(message.id);
    } else if (message.type === 'unloaded') {
      this.unloading.get(message.kernel)?.();
    } else {
      this.#crew.message(this, message);
    }
  }

  /** How many jobs it has answered. */
  get answers(): number {
    return this.done + this.failed;
  }

  /** An answer came. */
  count({ ok, start, end }: Omit<Outcome, 'value'>): void {
    this.busyMs += end - start;
    if (ok) this.done++;
    else this.failed++;
  }

  #died(): void {
    if (this.state === 'gone') return;
    this.#crew.collect(0);
    const error = new IsolithError('ERR_WORKER_CRASHED', `worker ${this.workerId} ended by itself`);
    this.#leave();
    this.buried = Promise.resolve().then(() => this.#return());
    this.#crew.died(this, error);
  }

  /** From here on it is no part of the crew; its answers are not looked at. */
  #leave(): void {
    this.state = 'gone';
    if (this.thread) this.thread.onmessage = () => {};
    if (this.thread) this.thread.onerror = () => {};
  }

  /**
   * Ends the thread as soon as it holds nothing of the kernel's; what it had is returned when its
   * death is certain. A member that is still starting ends when it has started.
   */
  end(): void {
    if (this.state === 'gone') return;
    const { thread } = this;
    if (!thread) {
      this.state = 'leaving';
      this.buried = new Promise((resolve) => {
        this.#ended = resolve;
      });
      return;
    }
    this.#leave();
    const isOutside = (): boolean =>
      this.#places.every(({ exports, slot }) => exports.isolith_thread_want(slot.number) !== 0);
    const death = this.#death ?? new Promise<void>(() => {});
    this.buried = bury(thread, death, isOutside).then((certain) => {
      if (certain) return this.#return();
      for (const inherit of this.heirs) inherit(false);
      // Nobody waits for it any more, but the death that comes late is as certain.
      void death.then(() => this.#return());
    });
  }

  /** Returns all that the dead thread had: slots, caches, stacks, local storage, ring. */
  #return(): void {
    if (this.#mourning) pronounceDead(this.#mourning, this.#crew.kernel);
    this.#mourning = undefined;
    for (const inherit of this.heirs) inherit(true);
    for (const { exports, memory, slot, stackBytes } of this.#places.splice(0)) {
      const words = new Int32Array(memory.buffer, slot.address, 7);
      const tls = words[ThreadWord.tls]!;
      const stack = words[ThreadWord.stack]!;
      exports.isolith_thread_reap(slot.number);
      if (stack !== 0) exports.__wbindgen_thread_destroy(tls, stack, stackBytes);
    }
    const { link } = this;
    if (link instanceof RingLink) for (const job of this.lost.splice(0)) link.bury(job);
    link.free();
  }
}

/** What a thread has on one memory. */
interface Place {
  readonly exports: PoolExports;
  readonly memory: WebAssembly.Memory;
  readonly slot: ThreadSlot;
  readonly stackBytes: number;
}

/** Stacks of threads, as `kernel.ts` asks for them. */
const THREAD_STACK = 1024 * 1024;
const HEAP_STACK = 64 * 1024;

function named<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
}
