/** What a crew has done: totals, latencies, and the last tasks as a trace. */

import type { Job } from './job.js';

/** How many tasks the trace remembers. */
const REMEMBERED = 8192;

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

interface Run {
  name: string;
  workerId: number;
  ok: boolean;
  queuedAt: number;
  start: number;
  end: number;
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
  readonly #runs: Run[] = [];
  #next = 0;

  /** A task was answered; times are milliseconds since 1970. */
  record(workerId: number, job: Job, ok: boolean, start: number, ended: number, now: number): void {
    // Browsers adjust their clocks.
    const end = Math.max(start, ended);
    if (ok) this.done++;
    else this.failed++;
    const origin = performance.timeOrigin;
    const queuedAt = origin + job.queuedAt;
    const wait = Math.max(0, start - queuedAt);
    this.#wait += wait;
    if (wait > this.#waitMost) this.#waitMost = wait;
    const back = Math.max(0, origin + now - end);
    this.#back += back;
    if (back > this.#backMost) this.#backMost = back;
    const run = this.#runs[this.#next];
    const { name } = job.fn;
    if (run) {
      run.name = name;
      run.workerId = workerId;
      run.ok = ok;
      run.queuedAt = queuedAt;
      run.start = start;
      run.end = end;
    } else {
      this.#runs[this.#next] = { name, workerId, ok, queuedAt, start, end };
    }
    this.#next = (this.#next + 1) % REMEMBERED;
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
    const runs = [...this.#runs].sort((a, b) => a.start - b.start);
    const traceEvents: TraceEvent[] = [{ name: 'process_name', cat: '__metadata', ph: 'M', pid: 1, tid: 0, args: { name: pool } }];
    for (const workerId of new Set(runs.map((run) => run.workerId))) {
      traceEvents.push({ name: 'thread_name', cat: '__metadata', ph: 'M', pid: 1, tid: workerId, args: { name: `worker ${workerId}` } });
    }
    for (const { name, workerId, ok, queuedAt, start, end } of runs) {
      traceEvents.push({
        name: name || 'task', cat: 'task', ph: 'X', pid: 1, tid: workerId,
        ts: start * 1000, dur: (end - start) * 1000, args: { ok, queuedMs: start - queuedAt },
      });
    }
    return { traceEvents, displayTimeUnit: 'ms' };
  }
}
