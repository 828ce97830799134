/** Draws the heap as one long ribbon of bytes, folded into rows: every block at its place, in the colour of its kind. */

import type { MemoryBlock } from 'isolith';
import { element, make, sharpContext, token } from '../dom.js';
import type { Engine, Kind } from '../engine.js';
import { address, bytes, count } from '../format.js';

interface Piece {
  readonly ptr: number;
  readonly size: number;
  readonly kind: Kind;
  readonly name: string;
}

const KINDS: readonly (readonly [Kind, string])[] = [
  ['input', 'File'],
  ['pixels', 'Pixels'],
  ['work', 'Working'],
  ['output', 'Result'],
  ['scratch', 'Scratch'],
  ['other', 'Runtime'],
];

const ROWS = 7;
const GAP = 4;

/** How often the map looks at the heap, in milliseconds. */
const INTERVAL = 200;

export class HeapMap {
  readonly #canvas = element('memory', HTMLCanvasElement);
  readonly #hint = element('memory-hint', HTMLParagraphElement);
  readonly #figures = element('memory-figures', HTMLDListElement);
  readonly #engine: Engine;
  readonly #scratch: MemoryBlock[] = [];
  #pieces: Piece[] = [];
  #total = 1;
  #chosen = -1;
  #seen = '';
  readonly #rest: string;

  constructor(engine: Engine, say: (text: string) => void) {
    this.#engine = engine;
    this.#rest = this.#hint.textContent ?? '';
    element('memory-legend', HTMLUListElement).replaceChildren(
      ...KINDS.map(([kind, name]) => {
        const swatch = make('i');
        swatch.style.background = `var(--${kind})`;
        return make('li', '', swatch, name);
      }),
    );
    this.#listen(say);
    new ResizeObserver(() => this.#paint()).observe(this.#canvas);
    setInterval(() => this.look(), INTERVAL);
    this.look();
  }

  /** Reads the heap and draws it if anything changed. */
  look(): void {
    const { heap } = this.#engine;
    const pieces = heap.allocs().map(({ ptr, size }) => ({ ptr, size, ...this.#engine.nameOf(ptr) }));
    const stats = heap.stats();
    const seen = `${stats.pages} ${pieces.map(({ ptr, size, kind }) => `${ptr} ${size} ${kind}`).join()}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#pieces = pieces;
    this.#total = stats.pages * 65536;
    if (this.#chosen >= pieces.length) this.#choose(-1);
    const figures: [string, string][] = [
      ['In use', bytes(stats.bytesInUse)],
      ['Peak', bytes(stats.peakBytes)],
      ['Blocks', count(stats.blocks)],
      ['Free', bytes(stats.freeBytes)],
      ['Memory', bytes(this.#total)],
    ];
    this.#figures.replaceChildren(...figures.map(([name, value]) => make('div', '', make('dt', '', name), make('dd', '', value))));
    this.#paint();
  }

  /** Draws again, in the colours of the moment. */
  redraw(): void {
    this.#paint();
  }

  #listen(say: (text: string) => void): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointermove', (event) => this.#choose(this.#at(event.offsetX, event.offsetY)));
    canvas.addEventListener('pointerleave', () => this.#choose(-1));
    canvas.addEventListener('blur', () => this.#choose(-1));
    canvas.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step === undefined || this.#pieces.length === 0) return;
      event.preventDefault();
      const { length } = this.#pieces;
      this.#choose((Math.max(this.#chosen, step > 0 ? -1 : 0) + step + length) % length);
      say(this.#hint.textContent ?? '');
    });
    const allocate = element('memory-alloc', HTMLButtonElement);
    const free = element('memory-free', HTMLButtonElement);
    allocate.addEventListener('click', () => {
      const { heap } = this.#engine;
      try {
        const block = heap.alloc(8e6);
        this.#scratch.push(this.#engine.name(block, 'scratch', `Scratch ${this.#scratch.length + 1}`));
        say(`Allocated 8 MB at ${address(block.ptr ?? 0)}`);
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
      free.disabled = this.#scratch.length === 0;
      this.look();
    });
    free.addEventListener('click', () => {
      this.#engine.free(this.#scratch.pop());
      say('Freed 8 MB');
      free.disabled = this.#scratch.length === 0;
      if (free.disabled) allocate.focus();
      this.look();
    });
  }

  #choose(index: number): void {
    if (index === this.#chosen) return;
    this.#chosen = index;
    const piece = this.#pieces[index];
    this.#hint.textContent = piece ? `${piece.name} · ${bytes(piece.size)} at ${address(piece.ptr)}` : this.#rest;
    this.#paint();
  }

  /** Index of the block at a point of the canvas, or -1. */
  #at(x: number, y: number): number {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const row = Math.min(ROWS - 1, Math.floor(y / ((height + GAP) / ROWS)));
    const at = ((row + x / width) / ROWS) * this.#total;
    // A finger's breadth around small blocks counts as the block.
    const slack = (this.#total / ROWS / width) * 3;
    const inside = this.#pieces.findIndex(({ ptr, size }) => at >= ptr && at < ptr + size);
    return inside >= 0 ? inside : this.#pieces.findIndex(({ ptr, size }) => at >= ptr - slack && at < ptr + size + slack);
  }

  #paint(): void {
    const { context, width, height } = sharpContext(this.#canvas);
    const tall = (height + GAP) / ROWS - GAP;
    const perRow = this.#total / ROWS;
    context.fillStyle = token('free');
    for (let row = 0; row < ROWS; row++) {
      context.beginPath();
      context.roundRect(0, row * (tall + GAP), width, tall, 4);
      context.fill();
    }
    const colours = new Map(KINDS.map(([kind]) => [kind, token(kind)]));
    for (const [index, { ptr, size, kind }] of this.#pieces.entries()) {
      context.fillStyle = index === this.#chosen ? token('ink') : (colours.get(kind) ?? '');
      const end = ptr + size;
      for (let row = Math.floor(ptr / perRow); row <= Math.min(ROWS - 1, Math.floor((end - 1) / perRow)); row++) {
        const from = ((Math.max(ptr, row * perRow) - row * perRow) / perRow) * width;
        const to = ((Math.min(end, (row + 1) * perRow) - row * perRow) / perRow) * width;
        context.beginPath();
        context.roundRect(from, row * (tall + GAP), Math.max(1.5, to - from - (to - from > 6 ? 1.5 : 0)), tall, to - from > 8 ? 4 : 0);
        context.fill();
      }
    }
  }
}
