/** The photo job: decodes a picture into the heap, plans its filter, hands out the result. */

import type { MemoryBlock } from 'isolith';
import type { Engine, Plan, Stage } from '../engine.js';
import { type Band, type BandDone, blurAcross, blurDown, findEdges } from './photo-tasks.js';

export type Filter = 'blur' | 'edges' | 'ink';

/** A photo in the heap: the file, its pixels, and the blocks that the filter works in. */
export interface Photo {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly fileBytes: number;
  readonly pixels: MemoryBlock;
  readonly work: MemoryBlock;
  readonly soft: MemoryBlock;
  readonly output: MemoryBlock;
}

/** Tasks a stage is cut into: enough for a smooth bar and an even load. */
const BANDS = 32;

/** Largest picture taken, in pixels: four copies of it lie in the heap. */
const LARGEST = 64e6;

/** Decodes the picture that lies in `file` as the browser can, and frees the file. */
export async function decodePhoto(engine: Engine, file: MemoryBlock, name: string): Promise<Photo> {
  const fileBytes = file.size;
  let bitmap: ImageBitmap;
  try {
    // Browsers decode unshared bytes only: the one copy of this job.
    bitmap = await createImageBitmap(new Blob([(file.memory as Uint8Array).slice()]), { colorSpaceConversion: 'none' });
  } catch (cause) {
    throw new Error(`${name} is not a picture that this browser can decode`, { cause });
  } finally {
    engine.free(file);
  }
  const { width, height } = bitmap;
  if (width * height > LARGEST) throw new Error(`${name} has ${width} × ${height} pixels; this page takes up to ${LARGEST / 1e6} million`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('this browser gives no canvas to decode with');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const bytes = data.length;
  const { heap } = engine;
  return {
    name,
    width,
    height,
    fileBytes,
    pixels: engine.name(heap.fromArrayBuffer(data), 'pixels', 'Photo'),
    work: engine.name(heap.alloc(bytes), 'work', 'Blurred across'),
    soft: engine.name(heap.alloc(bytes), 'work', 'Blurred'),
    output: engine.name(heap.alloc(bytes), 'output', 'Result'),
  };
}

/** Frees all blocks of a photo. */
export function freePhoto(engine: Engine, photo: Photo | undefined): void {
  for (const block of [photo?.pixels, photo?.work, photo?.soft, photo?.output]) engine.free(block);
}

/** A bell curve in whole numbers that sum to 65,536. */
export function bellWeights(radius: number): number[] {
  const sigma = radius / 2 + 0.5;
  const curve = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const sum = curve.reduce((a, b) => a + b, 0);
  const weights = curve.map((value) => Math.round((value / sum) * 65536));
  // What rounding lost or won goes to the middle.
  weights[radius] = (weights[radius] ?? 0) + 65536 - weights.reduce((a, b) => a + b, 0);
  return weights;
}

/** The stages of a filter on this photo. */
export function planPhoto(photo: Photo, filter: Filter, radius: number): Plan<Band, BandDone> {
  const { width, height } = photo;
  const weights = bellWeights(radius);
  const stage = (name: string, task: Stage<Band, BandDone>['task'], from: MemoryBlock, to: MemoryBlock): Stage<Band, BandDone> => ({
    name,
    task,
    block: from,
    parts: Array.from({ length: Math.min(BANDS, height) }, (_, band, bands = Math.min(BANDS, height)) => ({
      from: from.ptr ?? 0,
      to: to.ptr ?? 0,
      width,
      height,
      top: Math.floor((band * height) / bands),
      bottom: Math.floor(((band + 1) * height) / bands),
      weights,
      style: filter === 'ink' ? 'ink' : 'edges',
    })),
  });
  const last = filter === 'blur' ? photo.output : photo.soft;
  const stages = [stage('Blur across', blurAcross, photo.pixels, photo.work), stage('Blur down', blurDown, photo.work, last)];
  if (filter !== 'blur') stages.push(stage('Find edges', findEdges, photo.soft, photo.output));
  return { stages };
}

/** The bytes of a picture in the heap, for a canvas: those take unshared memory only. */
export function imageOf(photo: Photo, block: MemoryBlock): ImageData {
  const bytes = new Uint8ClampedArray(photo.width * photo.height * 4);
  bytes.set(block.memory as Uint8Array);
  return new ImageData(bytes, photo.width, photo.height);
}
