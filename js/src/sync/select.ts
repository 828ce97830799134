/** A choice among channels: the first thing that becomes possible, and only that. */

import type { Channel } from './channel.js';
import type { Bell } from './storage.js';
import { deadlineOf, isPast, sleepAsync, type WaitOptions } from './wait.js';

/** One thing that `select` may do. */
export type Case = { readonly recv: Channel<never> | Channel } | { readonly send: Channel<never> | Channel; readonly value: unknown };

/** What `select` did: which case, and for a receive its value, or that the channel is closed and empty. */
export interface Selected {
  readonly index: number;
  readonly value?: unknown;
  readonly closed?: true;
}

/**
 * Does exactly one of the cases, as soon as one is possible; undefined after the timeout.
 *
 * Among several that are possible it chooses by chance, so none starves. A timeout of 0 only looks.
 * Sending on a closed channel rejects with `EPIPE`; receiving from one answers `closed`.
 */
export async function select(cases: readonly Case[], options?: WaitOptions): Promise<Selected | undefined> {
  options?.signal?.throwIfAborted();
  const deadline = deadlineOf(options);
  // Those who want to send without room are told that somebody stands here to receive.
  const receivers = cases.flatMap((it) => ('recv' in it ? [it.recv] : []));
  for (const channel of receivers) channel.arrive();
  try {
    return await firstOf(cases, deadline, options?.signal);
  } finally {
    for (const channel of receivers) channel.depart();
  }
}

async function firstOf(cases: readonly Case[], deadline: number, signal: AbortSignal | undefined): Promise<Selected | undefined> {
  for (;;) {
    // The bells first: what changes after the attempts ends the sleep at once.
    const bells = cases.map((it) => ('recv' in it ? it.recv.announce('read') : it.send.announce('write')));
    const start = Math.floor(Math.random() * cases.length);
    for (let i = 0; i < cases.length; i++) {
      const index = (start + i) % cases.length;
      const done = attempt(cases[index]!, index);
      if (done !== undefined) return done;
    }
    if (isPast(deadline)) return undefined;
    await anyOf(bells, deadline, signal);
  }
}

function attempt(it: Case, index: number): Selected | undefined {
  if ('send' in it) return (it.send as Channel).trySend(it.value) ? { index } : undefined;
  // Closed is read first: after it nothing is sent, so a miss then is final.
  const over = it.recv.closed;
  const got = it.recv.tryRecv();
  if (got !== undefined) return { index, value: got.value };
  return over ? { index, closed: true } : undefined;
}

async function anyOf(bells: readonly Bell[], deadline: number, signal: AbortSignal | undefined): Promise<void> {
  const others = new AbortController();
  const stop = signal === undefined ? others.signal : AbortSignal.any([signal, others.signal]);
  const sleeps = bells.map((bell) => sleepAsync(bell.words, bell.index, bell.value, deadline, stop));
  try {
    await Promise.race(sleeps);
  } finally {
    others.abort();
    await Promise.allSettled(sleeps);
  }
}
