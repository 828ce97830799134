/** Draws when each worker was busy: one worker above, all of them below, on the same clock. */

import { element, make, sharpContext, token } from '../dom.js';
import type { Span, Trace } from '../engine.js';
import { duration } from '../format.js';

/** Lanes of one run. */
export interface Track {
  readonly title: string;
  readonly workers: number;
  spans: Span[];
  /** Whole length of the run; while it runs, undefined. */
  milliseconds?: number;
}

/** A span as it stands in the picture, in CSS pixels. */
interface Bar {
  readonly span: Span;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly lane: number;
}

const LABELS = 92;
const AXIS = 22;

/** Milliseconds between two pictures while tasks run. */
const SELDOM = 150;

/** What one tab has to show. */
interface Scene {
  readonly stages: readonly string[];
  tracks: Track[];
}

export class Timeline {
  readonly #canvas = element('timeline', HTMLCanvasElement);
  readonly #hint = element('timeline-hint', HTMLParagraphElement);
  readonly #save = element('timeline-save', HTMLButtonElement);
  readonly #rest: string;
  readonly #legend = element('timeline-legend', HTMLUListElement);
  readonly #scenes = new Map<string, Scene>();
  #scene: Scene = { stages: [], tracks: [] };
  #asked = false;
  /** Where each bar was drawn last, lane by lane. */
  #bars: Bar[] = [];
  #chosen: Span | undefined;
  #trace: (() => Trace) | undefined;

  constructor(say: (text: string) => void) {
    this.#rest = this.#hint.textContent ?? '';
    this.#listen(say);
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
  }

  /** From here on the pools' trace can be saved. */
  offer(trace: () => Trace): void {
    this.#trace = trace;
    this.#save.disabled = false;
  }

  /** Shows what this tab did last. */
  show(tab: string): void {
    this.#choose(undefined);
    this.#scene = this.#scenes.get(tab) ?? { stages: [], tracks: [] };
    this.#scenes.set(tab, this.#scene);
    this.#legend.replaceChildren(
      ...this.#scene.stages.map((name, index) => {
        const swatch = make('i');
        swatch.style.background = `var(--stage-${index})`;
        return make('li', '', swatch, name);
      }),
    );
    this.draw();
  }

  /** Empties the picture for a job of `tab` with these stages. */
  reset(tab: string, stages: readonly string[]): void {
    this.#scenes.set(tab, { stages, tracks: [] });
    this.show(tab);
  }

  /** Begins a run; spans that are added belong to it. */
  begin(tab: string, title: string, workers: number): Track {
    const track: Track = { title, workers, spans: [] };
    this.#scenes.get(tab)?.tracks.push(track);
    this.draw();
    return track;
  }

  /** Leaves only these runs of `tab` in the picture. */
  keep(tab: string, tracks: readonly Track[]): void {
    const scene = this.#scenes.get(tab);
    if (scene) scene.tracks = scene.tracks.filter((track) => tracks.includes(track));
    this.draw();
  }

  add(track: Track, span: Span): void {
    track.spans.push(span);
    this.draw();
  }

  /** The run is over; `spans` are what the pool's trace says of it. */
  end(track: Track, milliseconds: number, spans: readonly Span[]): void {
    track.milliseconds = milliseconds;
    track.spans = [...spans];
    this.#choose(undefined);
    this.draw();
  }

  /** Draws soon; while tasks run, seldom enough to leave the cores to them. */
  draw(): void {
    if (this.#asked) return;
    this.#asked = true;
    const running = this.#scene.tracks.some((track) => track.milliseconds === undefined);
    const paint = (): void => {
      this.#asked = false;
      this.#paint();
    };
    if (running) setTimeout(paint, SELDOM);
    else requestAnimationFrame(paint);
  }

  #listen(say: (text: string) => void): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => this.#choose(this.#at(offsetX, offsetY)?.span));
    canvas.addEventListener('pointerleave', () => this.#choose(undefined));
    canvas.addEventListener('blur', () => this.#choose(undefined));
    canvas.addEventListener('keydown', (event) => {
      const bar = this.#next(event.key);
      if (!bar) return;
      event.preventDefault();
      this.#choose(bar.span);
      say(this.#hint.textContent ?? '');
    });
    this.#save.addEventListener('click', () => {
      if (!this.#trace) return;
      const url = URL.createObjectURL(new Blob([JSON.stringify(this.#trace())], { type: 'application/json' }));
      const link = make('a');
      link.href = url;
      link.download = 'isolith-trace.json';
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      say('The trace is saved: open it in Perfetto or chrome://tracing');
    });
  }

  #choose(span: Span | undefined): void {
    if (span === this.#chosen) return;
    this.#chosen = span;
    this.#hint.textContent = span ? this.#describe(span) : this.#rest;
    this.draw();
  }

  #describe({ worker, stage, from, to, traced }: Span): string {
    const words = [`Worker ${worker}`, this.#scene.stages[stage] ?? 'Task', `ran ${duration(to - from)} at ${duration(from)}`];
    if (traced) words.push(`queued ${duration(traced.queued)}`, `page woken in ${duration(traced.wake)}`, traced.ok ? 'done' : 'failed');
    return words.join(' · ');
  }

  /** The bar at a point, or within a finger's breadth of it. */
  #at(x: number, y: number): Bar | undefined {
    const row = this.#bars.filter((bar) => y >= bar.y && y < bar.y + bar.lane);
    return row.find((bar) => x >= bar.x && x < bar.x + bar.width) ?? row.find((bar) => x >= bar.x - 3 && x < bar.x + bar.width + 3);
  }

  /** The bar that a key leads to: its neighbour in the lane, or the nearest of the next lane. */
  #next(key: string): Bar | undefined {
    const across = { ArrowRight: 1, ArrowLeft: -1 }[key];
    const down = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (across === undefined && down === undefined) return undefined;
    const now = this.#bars.find(({ span }) => span === this.#chosen);
    if (!now) return this.#bars[0];
    const row = this.#bars.filter(({ y }) => y === now.y);
    if (across !== undefined) return row[row.indexOf(now) + across] ?? now;
    const lanes = [...new Set(this.#bars.map(({ y }) => y))].sort((a, b) => a - b);
    const to = lanes[lanes.indexOf(now.y) + (down ?? 0)];
    const others = this.#bars.filter(({ y }) => y === to);
    return others.sort((a, b) => Math.abs(a.x - now.x) - Math.abs(b.x - now.x))[0] ?? now;
  }

  #paint(): void {
    const bars: Bar[] = (this.#bars = []);
    const { context, width, height } = sharpContext(this.#canvas);
    const lanes = this.#scene.tracks.reduce((sum, track) => sum + track.workers, 0);
    context.font = `12px ${getComputedStyle(this.#canvas).fontFamily}`;
    context.textBaseline = 'middle';
    if (lanes === 0) {
      context.fillStyle = token('faint');
      context.textAlign = 'center';
      context.fillText('Run something: each bar will be a task, each lane a worker.', width / 2, height / 2);
      return;
    }
    const gap = 10;
    const room = height - AXIS - gap * (this.#scene.tracks.length - 1);
    const lane = Math.min(64, room / lanes);
    const end = Math.max(1, ...this.#scene.tracks.flatMap((track) => [track.milliseconds ?? 0, ...track.spans.map((span) => span.to)]));
    const scale = (width - LABELS - 8) / end;
    this.#axis(context, width, height, end, scale);
    const colours = [0, 1, 2].map((stage) => token(`stage-${stage}`));
    let y = 0;
    for (const track of this.#scene.tracks) {
      for (let worker = 1; worker <= track.workers; worker++) {
        context.fillStyle = token('sunken');
        round(context, LABELS, y + 2, (track.milliseconds ?? end) * scale, lane - 4, 4);
        for (const span of track.spans) {
          if (span.worker !== worker) continue;
          const wide = (span.to - span.from) * scale;
          const x = LABELS + span.from * scale;
          bars.push({ span, x, y, width: wide, lane });
          context.fillStyle = span.traced?.ok === false ? token('danger') : (colours[span.stage] ?? token('other'));
          if (span === this.#chosen) context.fillStyle = token('ink');
          round(context, x, y + 3, Math.max(1, wide > 4 ? wide - 1 : wide), lane - 6, wide > 6 ? 3 : 1);
        }
        context.fillStyle = token('soft');
        context.textAlign = 'left';
        const name = track.workers === 1 ? track.title : `Worker ${worker}`;
        if (lane >= 11) context.fillText(name, 0, y + lane / 2);
        y += lane;
      }
      const reach = LABELS + (track.milliseconds ?? end) * scale + 8;
      if (track.milliseconds !== undefined && width - reach > 60) {
        context.fillStyle = token('ink');
        context.fillText(duration(track.milliseconds), reach, y - (lane * track.workers) / 2);
      }
      y += gap;
    }
    this.#canvas.setAttribute(
      'aria-label',
      `When each worker was busy. ${this.#scene.tracks.map((track) => `${track.title}: ${track.milliseconds === undefined ? 'running' : duration(track.milliseconds)}, ${track.spans.length} tasks`).join('. ')}.`,
    );
  }

  #axis(context: CanvasRenderingContext2D, width: number, height: number, end: number, scale: number): void {
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].find((one) => end / one <= 7) ?? 20_000;
    context.fillStyle = token('faint');
    context.strokeStyle = token('line');
    context.textAlign = 'center';
    for (let time = 0; time <= end; time += step) {
      const x = Math.round(LABELS + time * scale) + 0.5;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, height - AXIS + 2);
      context.stroke();
      const text = time === 0 ? '0' : duration(time).replace(/\.?0+(?= s)|\.0(?= ms)/, '');
      context.fillText(text, Math.min(x, width - 18), height - AXIS / 2 + 2);
    }
  }
}

function round(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, radius: number): void {
  context.beginPath();
  context.roundRect(x, y, width, Math.max(1, height), Math.min(radius, width / 2));
  context.fill();
}
