/** What workers do with a photo. Each function is sent to them as source: it uses its arguments only. */

import type { HeapView } from 'isolith';
import type { TaskFrame, TaskTimes } from '../engine.js';

/** A band of rows of an RGBA picture. */
export interface Band {
  /** Addresses of the picture read and the picture written. */
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly height: number;
  readonly top: number;
  readonly bottom: number;
  /** Weights of the blur, whole numbers that sum to 65,536. */
  readonly weights: readonly number[];
  readonly style: 'edges' | 'ink';
}

/** What a band's task answers. */
export type BandDone = TaskTimes & { worker: number };

type Data = Band & TaskFrame;
type Context = { workerId: number };

/** Blurs along the rows. */
export function blurAcross({ HEAP }: HeapView, data: Data, { workerId }: Context): BandDone {
  const began = performance.timeOrigin + performance.now();
  const { from, to, width, top, bottom, weights } = data;
  const stop = new Int32Array(HEAP.buffer, data.stop, 1);
  const radius = (weights.length - 1) / 2;
  const stride = width * 4;
  // A row with its first and last pixel repeated at both ends, so that no step asks for the border.
  const padded = new Uint8Array((width + 2 * radius) * 4);
  const sums = new Int32Array(stride);
  for (let y = top; y < bottom && Atomics.load(stop, 0) === 0; y++) {
    const row = from + y * stride;
    padded.set(HEAP.subarray(row, row + stride), radius * 4);
    for (let i = 0; i < radius * 4; i++) {
      padded[i] = HEAP[row + (i & 3)] as number;
      padded[(width + radius) * 4 + i] = HEAP[row + stride - 4 + (i & 3)] as number;
    }
    sums.fill(32768);
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k] as number;
      const shift = k * 4;
      for (let i = 0; i < stride; i++) sums[i] = (sums[i] as number) + weight * (padded[i + shift] as number);
    }
    const out = to + y * stride;
    for (let i = 0; i < stride; i++) HEAP[out + i] = (sums[i] as number) >> 16;
  }
  return { worker: workerId, began, ended: performance.timeOrigin + performance.now() };
}

/** Blurs along the columns. */
export function blurDown({ HEAP }: HeapView, data: Data, { workerId }: Context): BandDone {
  const began = performance.timeOrigin + performance.now();
  const { from, to, width, height, top, bottom, weights } = data;
  const stop = new Int32Array(HEAP.buffer, data.stop, 1);
  const radius = (weights.length - 1) / 2;
  const stride = width * 4;
  const sums = new Int32Array(stride);
  for (let y = top; y < bottom && Atomics.load(stop, 0) === 0; y++) {
    sums.fill(32768);
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k] as number;
      const row = from + Math.min(height - 1, Math.max(0, y + k - radius)) * stride;
      for (let i = 0; i < stride; i++) sums[i] = (sums[i] as number) + weight * (HEAP[row + i] as number);
    }
    const out = to + y * stride;
    for (let i = 0; i < stride; i++) HEAP[out + i] = (sums[i] as number) >> 16;
  }
  return { worker: workerId, began, ended: performance.timeOrigin + performance.now() };
}

/** Finds edges (Sobel on brightness): dark lines on white, or ink over the flattened colours. */
export function findEdges({ HEAP }: HeapView, data: Data, { workerId }: Context): BandDone {
  const began = performance.timeOrigin + performance.now();
  const { from, to, width, height, top, bottom, style } = data;
  const stop = new Int32Array(HEAP.buffer, data.stop, 1);
  const stride = width * 4;
  // Brightness of three rows, one pixel wider at each end.
  const rows = [new Int32Array(width + 2), new Int32Array(width + 2), new Int32Array(width + 2)];
  const fill = (into: Int32Array, y: number): void => {
    const row = from + Math.min(height - 1, Math.max(0, y)) * stride;
    for (let x = 0; x < width; x++) {
      const i = row + x * 4;
      into[x + 1] = (77 * (HEAP[i] as number) + 150 * (HEAP[i + 1] as number) + 29 * (HEAP[i + 2] as number)) >> 8;
    }
    into[0] = into[1] as number;
    into[width + 1] = into[width] as number;
  };
  let [above, here, below] = rows as [Int32Array, Int32Array, Int32Array];
  fill(above, top - 1);
  fill(here, top);
  for (let y = top; y < bottom && Atomics.load(stop, 0) === 0; y++) {
    fill(below, y + 1);
    for (let x = 0; x < width; x++) {
      const [a, b, c] = [above[x] as number, above[x + 1] as number, above[x + 2] as number];
      const [d, e] = [here[x] as number, here[x + 2] as number];
      const [f, g, h] = [below[x] as number, below[x + 1] as number, below[x + 2] as number];
      const gx = c + 2 * e + h - a - 2 * d - f;
      const gy = f + 2 * g + h - a - 2 * b - c;
      const keep = 255 - Math.min(255, (Math.abs(gx) + Math.abs(gy)) * 3);
      const i = y * stride + x * 4;
      for (let part = 0; part < 3; part++) {
        // Ink: few steps of colour, as if printed, under lines twice as dark.
        const flat = ((HEAP[from + i + part] as number) & 0xe0) | 0x1c;
        HEAP[to + i + part] = style === 'ink' ? (flat * Math.max(0, 2 * keep - 255) + 127) >> 8 : keep;
      }
      HEAP[to + i + 3] = 255;
    }
    [above, here, below] = [here, below, above];
  }
  return { worker: workerId, began, ended: performance.timeOrigin + performance.now() };
}
