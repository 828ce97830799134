/** What the tabs have in common: a source to load from, one run at a time, progress, cancel, words for everyone. */

import type { Engine, Plan, Run, Watcher } from './engine.js';
import { element } from './dom.js';
import { bytes, duration } from './format.js';
import type { Timeline, Track } from './views/timeline.js';

/** The page's shared parts. */
export interface Shell {
  readonly engine: Engine;
  readonly timeline: Timeline;
  /** Tells all, also who listens instead of looks. */
  say(text: string): void;
  /** Shows an error until something else succeeds; undefined takes it away. */
  fail(error: unknown): void;
}

/** Milliseconds between two looks at the progress of a run. */
const SELDOM = 80;

/** How often one worker and all take turns at most, and after how many milliseconds no new turn begins. */
const ROUNDS = 3;
const LONG = 1500;

/** A run and its lanes. */
interface Measured<R> {
  readonly run: Run<R>;
  readonly track: Track;
}

/** The best run of one worker, and of all. */
export interface Comparison<R> {
  readonly alone: Run<R>;
  readonly together: Run<R>;
  readonly rounds: number;
}

/** Where a file comes from. */
export interface Source {
  readonly name: string;
  readonly size: number;
  open(signal: AbortSignal): Promise<Response>;
}

/** A file that the user has, as a response whose length is known. */
export function fileSource(file: File): Source {
  const headers = { 'content-length': String(file.size) };
  return { name: file.name, size: file.size, open: () => Promise.resolve(new Response(file.stream(), { headers })) };
}

/** A file that the site has. */
export function siteSource(path: string): Source {
  return { name: path.split('/').at(-1) ?? path, size: 0, open: (signal) => fetch(path, { signal }) };
}

/** Progress bar, note, run and cancel button of one tab; ids begin with its name. */
export class Session {
  readonly shell: Shell;
  readonly #run: HTMLButtonElement;
  readonly #cancel: HTMLButtonElement;
  readonly #bar: HTMLElement;
  readonly #note: HTMLElement;
  readonly #form: HTMLFormElement;
  #controller: AbortController | undefined;
  readonly #name: string;
  #ready = false;

  constructor(name: string, shell: Shell) {
    this.#name = name;
    this.shell = shell;
    this.#run = element(`${name}-run`, HTMLButtonElement);
    this.#cancel = element(`${name}-cancel`, HTMLButtonElement);
    this.#bar = element(`${name}-progress`, HTMLDivElement);
    this.#note = element(`${name}-note`, HTMLParagraphElement);
    this.#form = element(`${name}-form`, HTMLFormElement);
    this.#cancel.addEventListener('click', () => this.#controller?.abort(new DOMException('Cancelled', 'AbortError')));
    this.#form.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#cancel.click();
    });
    this.#form.dataset.state = 'empty';
  }

  get busy(): boolean {
    return this.#controller !== undefined;
  }

  /** Whether there is something to run on. */
  set ready(ready: boolean) {
    this.#ready = ready;
    this.#run.disabled = !ready || this.busy;
  }

  note(text: string): void {
    this.#note.textContent = text;
  }

  progress(part: number): void {
    const percent = Math.round(part * 100);
    this.#bar.setAttribute('aria-valuenow', String(percent));
    (this.#bar.firstElementChild as HTMLElement).style.width = `${percent}%`;
  }

  /** Does one thing that takes a while and can be cancelled; says how it ended, and never rejects. */
  async during(what: string, work: (signal: AbortSignal) => Promise<string>): Promise<void> {
    if (this.busy) return;
    const controller = (this.#controller = new AbortController());
    this.#run.disabled = true;
    this.#cancel.disabled = false;
    this.#form.dataset.state = 'busy';
    this.shell.fail(undefined);
    this.progress(0);
    this.note(`${what}…`);
    let state = 'done';
    try {
      const words = await work(controller.signal);
      this.progress(1);
      this.note(words);
      this.shell.say(words);
    } catch (error) {
      this.progress(0);
      state = controller.signal.aborted ? 'cancelled' : 'failed';
      const words = controller.signal.aborted ? 'Cancelled.' : `${what} failed.`;
      this.note(words);
      this.shell.say(words);
      if (!controller.signal.aborted) this.shell.fail(error);
    } finally {
      this.#controller = undefined;
      const hadFocus = document.activeElement === this.#cancel;
      this.#cancel.disabled = true;
      this.#run.disabled = !this.#ready;
      if (hadFocus && this.#ready) this.#run.focus();
      this.#form.dataset.state = state;
    }
  }

  /** Streams a source into the heap, with progress. */
  load(source: Source, signal: AbortSignal): ReturnType<Engine['load']> {
    return source.open(signal).then((response) =>
      this.shell.engine.load(response, source.name, signal, (received, total) => {
        const whole = source.size || total;
        if (whole) this.progress(received / whole);
        this.note(`Streaming ${source.name} into the heap: ${bytes(received)}${whole ? ` of ${bytes(whole)}` : ''}`);
      }),
    );
  }

  /**
   * Runs a plan on one worker and on all, in turns, until that took a while or was done three times:
   * short runs are at the mercy of whatever else the machine does. Answers with the best of each,
   * and leaves those on the timeline.
   */
  async measure<D, R>(plan: Plan<D, R>, signal: AbortSignal): Promise<Comparison<R>> {
    const { engine, timeline } = this.shell;
    timeline.reset(this.#name, plan.stages.map((stage) => stage.name));
    this.note('Letting the workers compile the tasks…');
    await engine.warmUp(plan);
    const start = performance.now();
    let alone: Measured<R> | undefined;
    let together: Measured<R> | undefined;
    let rounds = 0;
    do {
      alone = faster(alone, await this.#once(plan, true, signal));
      timeline.keep(this.#name, [alone.track, ...(together ? [together.track] : [])]);
      together = faster(together, await this.#once(plan, false, signal));
      timeline.keep(this.#name, [alone.track, together.track]);
      rounds++;
    } while (rounds < ROUNDS && performance.now() - start < LONG);
    return { alone: alone.run, together: together.run, rounds };
  }

  async #once<D, R>(plan: Plan<D, R>, alone: boolean, signal: AbortSignal): Promise<Measured<R>> {
    const { engine, timeline } = this.shell;
    const title = alone ? '1 worker' : `${engine.workers} workers`;
    const track = timeline.begin(this.#name, title, alone ? 1 : engine.workers);
    let shown = 0;
    const watcher: Watcher = {
      span: (span) => timeline.add(track, span),
      progress: (done, total, stage) => {
        // The page's own work must not take the cores from what it measures.
        if (performance.now() - shown < SELDOM && done < total) return;
        shown = performance.now();
        this.progress(((alone ? 0 : total) + done) / (2 * total));
        this.note(`${stage} on ${title}: ${done} of ${total} tasks`);
      },
    };
    const run = await engine.run(plan, alone, signal, watcher);
    timeline.end(track, run.milliseconds, run.spans);
    return { run, track };
  }
}

const faster = <R>(a: Measured<R> | undefined, b: Measured<R>): Measured<R> => (a && a.run.milliseconds <= b.run.milliseconds ? a : b);

/** Lets files be chosen by button and drop, or the sample be taken. */
export function setUpSources(name: string, sample: string, take: (source: Source) => void): void {
  const input = element(`${name}-file`, HTMLInputElement);
  const drop = element(`${name}-drop`, HTMLDivElement);
  const pick = (): void => input.click();
  element(`${name}-pick`, HTMLButtonElement).addEventListener('click', pick);
  element(`${name}-change`, HTMLButtonElement).addEventListener('click', pick);
  element(`${name}-sample`, HTMLButtonElement).addEventListener('click', () => take(siteSource(sample)));
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    input.value = '';
    if (file) take(fileSource(file));
  });
  for (const type of ['dragenter', 'dragover'] as const) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  drop.addEventListener('dragleave', (event) => {
    if (!drop.contains(event.relatedTarget as Node | null)) drop.classList.remove('over');
  });
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    const file = event.dataTransfer?.files[0];
    if (file) take(fileSource(file));
  });
}

/** A comparison in words. */
export function summary({ alone, together, rounds }: Comparison<unknown>): string {
  const best = rounds > 1 ? `Best of ${rounds} turns` : 'Done';
  const others = together.workers === 1 ? 'one again' : `all ${together.workers}`;
  return `${best}: ${duration(alone.milliseconds)} on one worker, ${duration(together.milliseconds)} on ${others}.`;
}
