/** The store thread: serves the desk for as long as its page lives, hot for a moment after each request. */

import { packError } from '../errors.js';
import { kernelModule } from '../module.js';
import { adopt } from '../runtime.js';
import { Prompt } from './prompt.js';
import type { ChannelMessage } from './channel.js';
import { type Control, Engine, type FsOptions } from './engine.js';
import { Word } from './exports.js';

/** First message to the store thread. */
export interface StartStores {
  readonly type: 'stores';
  readonly kernel: { readonly bytes: Uint8Array; readonly compiled: WebAssembly.Module };
  readonly memory: WebAssembly.Memory;
  readonly options: FsOptions;
  /** The channel on which workers call. */
  readonly channel: string;
}

/** 0 is the bell; a control asks for an answer with its number. */
export type ToStores = 0 | StartStores | { readonly type: 'control'; readonly id: number; readonly control: Control };

/** 0: look at the desk; `started` with an error if it failed. */
export type FromStores =
  | 0
  | { readonly type: 'loaded' }
  | { readonly type: 'started'; readonly error?: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly ok: boolean; readonly value: unknown };

/** How long after the last request the thread waits for the next one by a word, in milliseconds. */
const HOT = 40;

/** However much is asked, the event loop has a turn this often, in milliseconds. */
const TURN = 10;

/** It returns to its event loop after waiting so long, in milliseconds: locks and closings come there. */
const SLICE = 2;

/** Runs the stores on this thread. The first message must be `StartStores`. */
export class StoreThread {
  readonly #send: (message: FromStores) => void;
  readonly #turn = new MessageChannel();
  #engine: Engine | undefined;
  #last = 0;
  #until = 0;
  #turning = false;
  /** Who was just answered may ask again before this thread could go to sleep. */
  readonly #asked = new Prompt();
  #serving = false;

  constructor(send: (message: FromStores) => void) {
    this.#send = send;
    this.#turn.port1.onmessage = () => {
      this.#turning = false;
      this.#serve();
    };
  }

  /** Handles a message; never throws. */
  take(message: ToStores): void {
    if (message === 0) this.#serve();
    else if (message.type === 'stores') void this.#start(message);
    else {
      const { id, control } = message;
      void this.#control(control, (ok, value) => this.#send({ type: 'answer', id, ok, value }));
    }
  }

  async #start({ kernel, memory, options, channel }: StartStores): Promise<void> {
    try {
      const mine = adopt(kernelModule(kernel.bytes, kernel.compiled), memory, true);
      const engine = new Engine(mine, () => this.#send(0));
      const workers = new BroadcastChannel(channel);
      const say = (message: ChannelMessage): void => workers.postMessage(message);
      engine.onTick = () => {
        if (!this.#serving) this.#soon();
        // Another tab's changes come with the tick.
        if (Atomics.load(engine.door.words, Word.watchers) !== 0) say('news');
      };
      workers.onmessage = ({ data }: MessageEvent<ChannelMessage>) => {
        if (data === 0) this.#serve();
        else if (typeof data === 'object' && data.type === 'control') {
          const { id, thread, control } = data;
          void this.#control(control, (ok, value) => say({ type: 'answer', id, thread, ok, value }));
        }
      };
      await engine.start(options);
      this.#engine = engine;
      this.#send({ type: 'started' });
      this.#serve();
    } catch (error) {
      this.#send({ type: 'started', error: packError(error) });
    }
  }

  async #control(control: Control, answer: (ok: boolean, value: unknown) => void): Promise<void> {
    try {
      answer(true, await this.#engine?.control(control));
    } catch (error) {
      answer(false, packError(error));
    }
    this.#serve();
  }

  /** Serves again after what the event loop has at hand. */
  #soon(): void {
    if (this.#turning) return;
    this.#turning = true;
    this.#turn.port2.postMessage(0);
  }

  #pump(engine: Engine, words: Int32Array): void {
    this.#serving = true;
    try {
      engine.pump();
    } catch (error) {
      // Else nobody would ever ring again.
      Atomics.store(words, Word.sleeping, 1);
      throw error;
    } finally {
      this.#serving = false;
    }
  }

  /** Serves what is asked; then waits: for the browser, by the word, or asleep. */
  #serve(): void {
    const engine = this.#engine;
    if (!engine) return;
    const turn = performance.now() + TURN;
    for (;;) {
      const { words } = engine.door;
      Atomics.store(words, Word.sleeping, 0);
      const seen = Atomics.load(words, Word.work);
      if (seen !== this.#last) {
        this.#last = seen;
        const now = performance.now();
        this.#until = now + HOT;
        this.#asked.end();
        this.#pump(engine, words);
        this.#asked.begin();
        if (now < turn) continue;
        this.#soon();
        Atomics.store(words, Word.sleeping, 1);
        return;
      }
      if (engine.isBusy || performance.now() > this.#until) {
        Atomics.store(words, Word.sleeping, 1);
        if (Atomics.load(words, Word.work) !== seen) continue;
        return;
      }
      if (!engine.isBusy && this.#asked.lookOut(() => Atomics.load(words, Word.work) !== seen)) continue;
      if (Atomics.wait(words, Word.work, seen, SLICE) === 'timed-out') {
        // The event loop has its turn, then we wait on.
        this.#soon();
        Atomics.store(words, Word.sleeping, 1);
        if (Atomics.load(words, Word.work) !== seen) continue;
        return;
      }
    }
  }
}
