/** The workers of a crew: who is there, who is started and let go as the scheduler says, and whose death is awaited. */

import type { Member } from './member.js';
import type { CrewOptions } from './options.js';
import type { Scheduler } from './scheduler.js';
import { Trimmer } from './trimmer.js';

/** How workers come and go. */
export interface Terms {
  make(number: number, workerId: number): Member;
  dismiss(member: Member): void;
}

/** How many workers there are to be, and who they are. */
export class Staff {
  readonly members = new Set<Member>();
  min: number;
  max: number;
  readonly #idleTimeout: number;
  readonly #scheduler: Scheduler;
  readonly #terms: Terms;
  readonly #trimmer: Trimmer;
  /** By their numbers at the scheduler. */
  readonly #byNumber: (Member | undefined)[] = [];
  readonly #buried: Promise<void>[] = [];
  #made = 0;
  #closed = false;

  constructor(scheduler: Scheduler, { min, max, idleTimeout }: CrewOptions, terms: Terms) {
    this.#scheduler = scheduler;
    this.min = min;
    this.max = max;
    this.#idleTimeout = idleTimeout;
    this.#terms = terms;
    this.#trimmer = new Trimmer(idleTimeout, () => this.members.size > this.min && !this.#closed, () => this.#dismiss());
  }

  /** The worker with this number at the scheduler, which has one. */
  at(number: number): Member {
    return this.#byNumber[number]!;
  }

  /** Workers that were ended and whose death is not yet certain. */
  get ending(): number {
    return this.#buried.length;
  }

  /** Starts as many workers as the scheduler asks for. */
  grow(): void {
    if (this.members.size >= this.max || this.#closed) return;
    for (;;) {
      const number = this.#scheduler.hire();
      if (number < 0) return;
      const member = this.#terms.make(number, ++this.#made);
      this.#byNumber[number] = member;
      this.members.add(member);
    }
  }

  /** A worker is gone, with all that it had: its number is free. */
  remove(member: Member): void {
    this.members.delete(member);
    this.#scheduler.remove(member.number);
    this.#byNumber[member.number] = undefined;
  }

  /** Waits for the certain death of a worker that was ended or that died. */
  bury(member: Member): void {
    const grave = (member.buried ?? Promise.resolve()).then(() => {
      this.#buried.splice(this.#buried.indexOf(grave), 1);
    });
    this.#buried.push(grave);
  }

  /** Lets go of who is one too many, and of others when they have been idle for long. */
  trim(): void {
    this.#trimmer.look(this.members.size > this.max);
  }

  #dismiss(): void {
    for (;;) {
      const number = this.#scheduler.dismiss(this.#idleTimeout);
      if (number < 0 || this.at(number).streams > 0) return;
      this.#terms.dismiss(this.at(number));
    }
  }

  /** Changes how many workers there are to be. */
  resize(min: number, max: number): void {
    this.min = min;
    this.max = max;
    this.#scheduler.limit(min, max);
    this.trim();
  }

  /** Nobody is started any more. */
  close(): void {
    this.#closed = true;
    this.#trimmer.end();
  }

  /** Resolves when the death of all that were buried is certain. */
  async mourn(): Promise<void> {
    await Promise.all(this.#buried);
  }
}
