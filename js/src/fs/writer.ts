/** Which tab may write to a database: one Web Lock, asked for and handed over by messages. */

/** What the tab that has the lock must do. */
export interface WriterEvents {
  /** Another tab wants to write: commit all, then answer by `release`. */
  wanted(): void;
  /** The lock was taken from us while we did not answer. */
  robbed(): void;
  /** Another tab has committed. */
  news(): void;
  /** There is another tab. */
  met(): void;
}

/** A tab that does not answer for this long is taken to be frozen, in milliseconds. */
const PATIENCE = 1_200;

/** How many times it is asked in that time. */
const QUESTIONS = 3;

/** What a wait that ended with the right answers. */
const GRANTED = Symbol();

/** A tab that answers must hand over within this, in milliseconds: its longest batch. */
const LONGEST = 20_000;

/** Who has the lock keeps it for at least so long, so that two busy tabs do not only hand over. */
const HOLD = 8;

/** The right to write to one database. */
export class Writer {
  readonly #name: string;
  readonly #events: WriterEvents;
  readonly #channel: BroadcastChannel | undefined;
  readonly #locks: LockManager | undefined;
  #release: (() => void) | undefined;
  #since = 0;
  #asked = false;
  #heard: ((isNew: boolean) => void) | undefined;
  #others = false;

  constructor(name: string, events: WriterEvents) {
    this.#name = `isolith:fs:${name}`;
    this.#events = events;
    this.#locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#channel.postMessage('hello');
  }

  /** Whether this tab may write. */
  get owns(): boolean {
    return this.#release !== undefined;
  }

  /** Whether other tabs have been heard. */
  get others(): boolean {
    return this.#others;
  }

  /** Takes the right if nobody has it. */
  async tryAcquire(): Promise<boolean> {
    return this.owns || this.#request({ ifAvailable: true });
  }

  /** Gets the right, from whoever has it; `stolen` if it had to be taken. Settles within seconds. */
  async acquire(): Promise<{ stolen: boolean }> {
    for (;;) {
      if (this.owns) return { stolen: false };
      const holder = await this.#wait();
      if (holder === GRANTED) return { stolen: false };
      if (await this.#steal(holder)) return { stolen: true };
    }
  }

  /** Waits for the right; else who has it and does not answer. */
  async #wait(): Promise<string | undefined | typeof GRANTED> {
    const cancel = new AbortController();
    let holder = await this.#holder();
    let since = performance.now();
    let heard = since;
    let unheard = 0;
    const ask = (): void => {
      unheard++;
      this.#channel?.postMessage('want');
    };
    const look = async (): Promise<void> => {
      // By questions and not by time alone: if this thread is starved, so is the owner.
      if (unheard < QUESTIONS || performance.now() - heard < PATIENCE) return ask();
      const now = await this.#holder();
      if (now === holder) return cancel.abort();
      // The right changed hands since the last look: the queue moves, and our turn comes.
      holder = now;
      this.#heard?.(true);
      ask();
    };
    // An owner that lives says so when it is asked; but it must come to an end.
    this.#heard = (isNew) => {
      const now = performance.now();
      if (isNew) since = now;
      if (now - since >= LONGEST) return;
      heard = now;
      unheard = 0;
    };
    const timer = setInterval(() => void look(), PATIENCE / QUESTIONS);
    ask();
    try {
      await this.#request({ signal: cancel.signal });
      return GRANTED;
    } catch {
      return holder;
    } finally {
      clearInterval(timer);
      this.#heard = undefined;
    }
  }

  /** Takes the right from `holder`, unless another tab has done so, or it was let go, in the meantime. */
  async #steal(holder: string | undefined): Promise<boolean> {
    // One thief at a time: the second must not rob the first.
    return this.#locks!.request(`${this.#name}:thief`, async () => {
      if ((await this.#holder()) !== holder) return false;
      return this.#request({ steal: true });
    });
  }

  /** Who has the lock. */
  async #holder(): Promise<string | undefined> {
    const { held } = (await this.#locks?.query()) ?? {};
    return held?.find(({ name }) => name === this.#name)?.clientId;
  }

  /** Lets others write. */
  release(): void {
    this.#asked = false;
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  /** Tells other tabs that something was committed. */
  tell(): void {
    if (this.#others) this.#channel?.postMessage('news');
  }

  /** Ends the part in this; gives the right back. */
  close(): void {
    this.release();
    this.#channel?.close();
  }

  #hear(message: unknown): void {
    if (!this.#others) {
      this.#others = true;
      this.#events.met();
    }
    if (message === 'hello') this.#channel?.postMessage('here');
    else if (message === 'news') this.#events.news();
    else if (message === 'mine') this.#heard?.(false);
    else if (message === 'got' && this.#heard) {
      // The new owner did not hear what the old one was told.
      this.#heard(true);
      this.#channel?.postMessage('want');
    }
    else if (message === 'want' && this.owns) {
      this.#channel?.postMessage('mine');
      if (this.#asked) return;
      this.#asked = true;
      this.#later();
    }
  }

  /** Hands over when the time is up. By turns of the event loop: a hidden page's timers take seconds. */
  #later(): void {
    if (!this.owns) return;
    if (performance.now() - this.#since >= HOLD) return this.#events.wanted();
    const turn = new MessageChannel();
    turn.port1.onmessage = () => {
      turn.port1.close();
      this.#later();
    };
    turn.port2.postMessage(0);
  }

  /** Says again that this tab is alive, while a long batch runs. */
  stay(): void {
    if (this.#asked) this.#channel?.postMessage('mine');
  }

  #request(options: LockOptions): Promise<boolean> {
    const locks = this.#locks;
    // Without Web Locks there is no way to agree with other tabs.
    if (!locks) {
      this.#release = () => {};
      return Promise.resolve(true);
    }
    return new Promise((resolve, reject) => {
      let held = false;
      locks
        .request(this.#name, options, (lock) => {
          if (!lock) return resolve(false);
          held = true;
          this.#since = performance.now();
          if (this.#others) this.#channel?.postMessage('got');
          const kept = new Promise<void>((release) => {
            this.#release = release;
          });
          resolve(true);
          return kept;
        })
        .catch((error: unknown) => {
          if (!held) return reject(error as Error);
          if (!this.owns) return;
          this.#release = undefined;
          this.#events.robbed();
        });
    });
  }
}
