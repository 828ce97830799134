/** The worker's end where memory cannot be shared: jobs come in batches by message, answers go the same way. */

import { notSerializable, packError } from '../errors.js';
import type { Answer, Parcel } from '../protocol.js';
import { Context, type Host } from './context.js';
import { type Execute, isThenable, type Send } from './duty-ring.js';

/** Answers wait at most so long for others, in milliseconds. */
const HOLD = 2;

const clock = (): number => performance.timeOrigin + performance.now();

/** A worker, or the caller's own thread, that is sent its jobs. */
export class MailDuty {
  readonly #host: Host;
  readonly #execute: Execute;
  readonly #send: Send;
  #jobs: Parcel[] = [];
  /** Of functions whose first job was sent back. */
  readonly #sources = new Map<number, string>();
  #next = 0;
  #answers: Answer[] = [];
  #busy = false;
  #context: Context | undefined;
  #current = 0;
  #aborted = 0;

  constructor(host: Host, execute: Execute, send: Send) {
    this.#host = host;
    this.#execute = execute;
    this.#send = send;
  }

  jobs(jobs: readonly Parcel[]): void {
    this.#jobs = this.#jobs.slice(this.#next).concat(jobs);
    this.#next = 0;
    if (!this.#busy) this.#drain();
  }

  /** Sends back what is not begun: another worker has none. */
  recall(): void {
    const back = this.#jobs.splice(this.#next);
    // The pool believes that their functions are known here.
    for (const { fn, source } of back) if (source !== undefined) this.#sources.set(fn, source);
    this.#send({ type: 'returned', ids: back.map(({ id }) => id).reverse() });
  }

  abort(id: number): void {
    this.#aborted = id;
    if (id === this.#current) this.#context?.abort();
  }

  isAborted(id: number): boolean {
    return this.#aborted === id;
  }

  listens(id: number): void {
    this.#send({ type: 'listens', id });
  }

  #drain(): void {
    let held = performance.now();
    while (this.#next < this.#jobs.length) {
      const job = this.#jobs[this.#next++]!;
      const context = new Context(this.#host, job.id);
      this.#context = context;
      this.#current = job.id;
      const start = clock();
      try {
        const value = this.#execute(job.fn, () => job.source ?? this.#sources.get(job.fn) ?? '', job.data, job.block, context);
        if (isThenable(value)) {
          this.#busy = true;
          this.#flush();
          void this.#settle(job.id, start, context, value);
          return;
        }
        this.#answer(job.id, start, context, true, value);
      } catch (error) {
        this.#answer(job.id, start, context, false, error);
      }
      if (performance.now() - held > HOLD) {
        this.#flush();
        held = performance.now();
      }
    }
    this.#flush();
  }

  async #settle(id: number, start: number, context: Context, value: PromiseLike<unknown>): Promise<void> {
    try {
      this.#answer(id, start, context, true, await value);
    } catch (error) {
      this.#answer(id, start, context, false, error);
    }
    this.#busy = false;
    this.#drain();
  }

  #answer(id: number, start: number, context: Context, ok: boolean, outcome: unknown): void {
    const answer = { id, ok, value: ok ? outcome : packError(outcome), start, end: clock() };
    const plain = typeof outcome !== 'object' || outcome === null;
    this.#answers.push(answer);
    if (plain && !context.moves && ok) return;
    // A value that might not clone goes alone, so that it fails alone; all before it go first.
    this.#answers.pop();
    this.#flush();
    this.#post([answer], context.moves);
  }

  #flush(): void {
    if (this.#answers.length === 0) return;
    const answers = this.#answers;
    this.#answers = [];
    this.#post(answers, undefined);
  }

  #post(answers: Answer[], moves: Transferable[] | undefined): void {
    try {
      this.#send({ type: 'answers', answers }, moves);
    } catch (cause) {
      const value = packError(notSerializable("the task's result", cause));
      if (answers.length === 1) this.#send({ type: 'answers', answers: [{ ...answers[0]!, ok: false, value }] });
      else for (const answer of answers) this.#post([answer], undefined);
    }
  }
}
