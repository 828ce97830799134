/** What workers do with a table. The function is sent to them as source: it uses its arguments only. */

import type { HeapView } from 'isolith';
import type { TaskFrame, TaskTimes } from '../engine.js';

/** A range of bytes of a CSV file, and what to add up. */
export interface Range {
  readonly from: number;
  readonly to: number;
  /** Where the first line after the header begins. */
  readonly body: number;
  readonly separator: number;
  readonly groupColumn: number;
  readonly valueColumn: number;
}

/** Histogram buckets per group: eighths of a power of ten, from 1 up. */
export const BUCKETS = 56;

export interface Group {
  readonly key: string;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly histogram: number[];
}

export interface RangeDone extends TaskTimes {
  readonly worker: number;
  readonly groups: Group[];
  readonly rows: number;
  /** Lines that have no number in the value column, or too few columns. */
  readonly skipped: number;
}

/**
 * Adds up the lines that begin in a range: each line belongs to exactly one. Fields may be quoted;
 * a quoted field must not hold a line break.
 */
export function aggregate({ ptr, size, HEAP }: HeapView, data: Range & TaskFrame, { workerId }: { workerId: number }): RangeDone {
  const began = performance.timeOrigin + performance.now();
  const { separator, groupColumn, valueColumn } = data;
  const stop = new Int32Array(HEAP.buffer, data.stop, 1);
  const text = HEAP.subarray(ptr, ptr + size);
  const NEWLINE = 10;
  const QUOTE = 34;
  let at = Math.max(data.from, data.body);
  // A line that began before the range belongs to the one before.
  if (at > data.body && text[at - 1] !== NEWLINE) {
    while (at < size && text[at] !== NEWLINE) at++;
    at++;
  }
  const slots = new Int32Array(8192).fill(-1);
  const groups: { key: string; bytes: Uint8Array; count: number; sum: number; min: number; max: number; histogram: Int32Array }[] = [];
  const decoder = new TextDecoder();
  const find = (from: number, to: number, hash: number): (typeof groups)[number] => {
    for (let slot = hash & 8191; ; slot = (slot + 1) & 8191) {
      const index = slots[slot] as number;
      if (index < 0) {
        if (groups.length === 4096) throw new Error('this column has more than 4,096 different values: group by another one');
        const bytes = text.slice(from, to);
        const fresh = { key: decoder.decode(bytes).replaceAll('""', '"'), bytes, count: 0, sum: 0, min: Infinity, max: -Infinity, histogram: new Int32Array(56) };
        slots[slot] = groups.push(fresh) - 1;
        return fresh;
      }
      const group = groups[index] as (typeof groups)[number];
      const { bytes } = group;
      if (bytes.length !== to - from) continue;
      let same = 0;
      while (same < bytes.length && bytes[same] === text[from + same]) same++;
      if (same === bytes.length) return group;
    }
  };
  let rows = 0;
  let skipped = 0;
  while (at < data.to && at < size) {
    if ((rows & 1023) === 0 && Atomics.load(stop, 0) !== 0) break;
    let column = 0;
    let groupFrom = 0;
    let groupTo = -1;
    let groupHash = 0;
    let value = 0;
    let hasValue = false;
    for (let ended = false; !ended; column++) {
      let from = at;
      let to: number;
      let byte = text[at] as number;
      let hash = 0x811c9dc5 | 0;
      if (byte === QUOTE) {
        from = ++at;
        while (at < size && ((byte = text[at] as number) !== QUOTE || text[at + 1] === QUOTE) && byte !== NEWLINE) {
          hash = Math.imul(hash ^ byte, 0x01000193);
          at += byte === QUOTE ? 2 : 1;
        }
        to = at;
        while (at < size && (byte = text[at] as number) !== separator && byte !== NEWLINE) at++;
      } else if (column === groupColumn) {
        while (at < size && (byte = text[at] as number) !== separator && byte !== NEWLINE) {
          hash = Math.imul(hash ^ byte, 0x01000193);
          at++;
        }
        to = at;
      } else {
        while (at < size && (byte = text[at] as number) !== separator && byte !== NEWLINE) at++;
        to = at;
      }
      ended = at >= size || byte === NEWLINE;
      at++;
      if (ended && to > from && text[to - 1] === 13) to--;
      if (column === groupColumn) {
        groupFrom = from;
        groupTo = to;
        groupHash = hash ^ (hash >>> 15);
      }
      if (column === valueColumn) {
        let i = from;
        const negative = text[i] === 45;
        if (negative) i++;
        let digits = 0;
        let scale = 1;
        let seen = 0;
        let point = false;
        for (; i < to; i++) {
          const digit = (text[i] as number) - 48;
          if (digit >= 0 && digit <= 9) {
            digits = digits * 10 + digit;
            seen++;
            if (point) scale *= 10;
          } else if (digit === -2 && !point) point = true;
          else break;
        }
        hasValue = seen > 0 && i === to;
        value = negative ? -digits / scale : digits / scale;
      }
    }
    rows++;
    if (groupTo < 0 || !hasValue) {
      skipped++;
      continue;
    }
    const group = find(groupFrom, groupTo, groupHash);
    group.count++;
    group.sum += value;
    if (value < group.min) group.min = value;
    if (value > group.max) group.max = value;
    const bucket = value > 1 ? Math.min(55, Math.floor(Math.log10(value) * 8)) : 0;
    group.histogram[bucket] = (group.histogram[bucket] as number) + 1;
  }
  return {
    worker: workerId,
    began,
    ended: performance.timeOrigin + performance.now(),
    rows,
    skipped,
    groups: groups.map(({ key, count, sum, min, max, histogram }) => ({ key, count, sum, min, max, histogram: Array.from(histogram) })),
  };
}
