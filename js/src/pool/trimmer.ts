/** When a crew looks for workers to let go of: at once if there are too many, else when some may have been idle for long. */

import { after } from '../timer.js';

/** Looks at once when told, and again after the time that workers may be idle. */
export class Trimmer {
  readonly #idleTimeout: number;
  readonly #mayShrink: () => boolean;
  readonly #dismiss: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(idleTimeout: number, mayShrink: () => boolean, dismiss: () => void) {
    this.#idleTimeout = idleTimeout;
    this.#mayShrink = mayShrink;
    this.#dismiss = dismiss;
  }

  look(tooMany: boolean): void {
    if (tooMany || this.#timer === undefined) this.#dismiss();
    if (this.#timer !== undefined || !this.#mayShrink()) return;
    this.#timer = after(this.#idleTimeout + 1, () => {
      this.#timer = undefined;
      this.look(false);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
