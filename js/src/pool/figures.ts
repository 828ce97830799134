/** What a crew has done: totals, latencies, and the last tasks as a trace. */

import type { Job } from './job.js';
import type { Outcome } from './link.js';
import type { Member } from './member.js';

/** How many tasks the trace remembers. */
const REMEMBERED = 8192;

/** What turns this thread's clock into milliseconds since 1970. */
const ORIGIN = performance.timeOrigin;

/** One event of the Chrome trace format. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Record<string, unknown>;
}

/** What is written down of a task. */
interface Answered {
  readonly member: Member;
  readonly name: string;
  readonly queuedAt: number;
  readonly ok: boolean;
  readonly start: number;
  readonly end: number;
  readonly now: number;
}

/** A mean and a maximum, in milliseconds. */
export interface Latency {
  readonly mean: number;
  readonly max: number;
}

/** Counts and remembers; cheap enough to be always on. */
export class Figures {
  done = 0;
  failed = 0;
  #wait = 0;
  #waitMost = 0;
  #back = 0;
  #backMost = 0;
  /** Four times for each run: queued, begun, ended, answered; and who ran what, negative if it failed. */
  readonly #times = new Float64Array(REMEMBERED * 4);
  readonly #workers = new Int32Array(REMEMBERED);
  readonly #names: string[] = [];
  #next = 0;
  #late: Answered | undefined;

  /**
   * A task was answered at `now`; its times are milliseconds since 1970. The `last` one is written
   * down by `settle`, when nobody waits for what comes next.
   */
  record(member: Member, job: Job, outcome: Outcome, now: number, last: boolean): void {
    if (this.#late) this.settle();
    const { ok, start, end } = outcome;
    const answered = { member, name: job.fn.name, queuedAt: job.queuedAt, ok, start, end, now };
    if (last) this.#late = answered;
    else this.#write(answered);
  }

  /** Writes down what was not yet: before anything is read, and while a worker wakes up. */
  settle(): void {
    const late = this.#late;
    this.#late = undefined;
    if (late) this.#write(late);
  }

  #write(answered: Answered): void {
    const { member, ok, start, now } = answered;
    const { workerId } = member;
    member.count(answered);
    // Browsers adjust their clocks.
    const end = Math.max(start, answered.end);
    if (ok) this.done++;
    else this.failed++;
    const queuedAt = ORIGIN + answered.queuedAt;
    const wait = Math.max(0, start - queuedAt);
    this.#wait += wait;
    if (wait > this.#waitMost) this.#waitMost = wait;
    const back = Math.max(0, ORIGIN + now - end);
    this.#back += back;
    if (back > this.#backMost) this.#backMost = back;
    const at = this.#next;
    this.#times[at * 4] = queuedAt;
    this.#times[at * 4 + 1] = start;
    this.#times[at * 4 + 2] = end;
    this.#times[at * 4 + 3] = end + back;
    this.#workers[at] = ok ? workerId : -workerId;
    this.#names[at] = answered.name;
    this.#next = at + 1 === REMEMBERED ? 0 : at + 1;
  }

  /** From `run()` to the task's first line. */
  get queueLatency(): Latency {
    const count = this.done + this.failed;
    return { mean: count === 0 ? 0 : this.#wait / count, max: this.#waitMost };
  }

  /** From the task's end to its caller. */
  get wakeLatency(): Latency {
    const count = this.done + this.failed;
    return { mean: count === 0 ? 0 : this.#back / count, max: this.#backMost };
  }

  /** The last tasks in the Chrome trace format: load its JSON into `chrome://tracing` or Perfetto. */
  trace(pool: string): { traceEvents: TraceEvent[]; displayTimeUnit: 'ms' } {
    this.settle();
    const times = this.#times;
    // Where a clock is too coarse to tell two beginnings apart, what ended first began first.
    const runs = [...this.#names.keys()].sort((a, b) => times[a * 4 + 1]! - times[b * 4 + 1]! || times[a * 4 + 2]! - times[b * 4 + 2]!);
    const traceEvents: TraceEvent[] = [{ name: 'process_name', cat: '__metadata', ph: 'M', pid: 1, tid: 0, args: { name: pool } }];
    for (const workerId of new Set(runs.map((run) => Math.abs(this.#workers[run]!)))) {
      traceEvents.push({ name: 'thread_name', cat: '__metadata', ph: 'M', pid: 1, tid: workerId, args: { name: `worker ${workerId}` } });
    }
    for (const run of runs) {
      const [queuedAt, start, end, answered] = times.subarray(run * 4, run * 4 + 4) as unknown as [number, number, number, number];
      const worker = this.#workers[run]!;
      // The clocks of two threads may be a fraction of a millisecond apart; a wait is never negative for that.
      const waits = { queuedMs: Math.max(0, start - queuedAt), wakeMs: Math.max(0, answered - end) };
      traceEvents.push({
        name: this.#names[run] || 'task', cat: 'task', ph: 'X', pid: 1, tid: Math.abs(worker),
        ts: start * 1000, dur: (end - start) * 1000, args: { ok: worker > 0, ...waits },
      });
    }
    return { traceEvents, displayTimeUnit: 'ms' };
  }
}
