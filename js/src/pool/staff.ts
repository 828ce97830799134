/** The workers of a crew: who is there, who is started and let go as the scheduler says, and whose death is awaited. */

import { after } from '../timer.js';
import type { Member } from './member.js';
import type { CrewOptions } from './options.js';
import type { Scheduler } from './scheduler.js';

/** How many workers there are to be, and who they are. */
export class Staff {
  readonly members = new Set<Member>();
  min: number;
  max: number;
  readonly #idleTimeout: number;
  readonly #scheduler: Scheduler;
  readonly #make: (number: number, workerId: number) => Member;
  /** By their numbers at the scheduler. */
  readonly #byNumber: (Member | undefined)[] = [];
  readonly #buried: Promise<void>[] = [];
  #made = 0;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(scheduler: Scheduler, { min, max, idleTimeout }: CrewOptions, make: (number: number, workerId: number) => Member) {
    this.#scheduler = scheduler;
    this.min = min;
    this.max = max;
    this.#idleTimeout = idleTimeout;
    this.#make = make;
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
      const member = this.#make(number, ++this.#made);
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

  /** Gives `leave` who is one too many, and looks again when others may have been idle for long. */
  trim(leave: (member: Member) => void): void {
    if (this.members.size > this.max || this.#timer === undefined) this.#dismiss(leave);
    if (this.#timer !== undefined || this.members.size <= this.min || this.#closed) return;
    this.#timer = after(this.#idleTimeout + 1, () => {
      this.#timer = undefined;
      this.trim(leave);
    });
  }

  #dismiss(leave: (member: Member) => void): void {
    for (;;) {
      const number = this.#scheduler.dismiss(this.#idleTimeout);
      if (number < 0) return;
      leave(this.at(number));
    }
  }

  /** Changes how many workers there are to be. */
  resize(min: number, max: number): void {
    this.min = min;
    this.max = max;
    this.#scheduler.limit(min, max);
  }

  /** Nobody is started any more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Resolves when the death of all that were buried is certain. */
  async mourn(): Promise<void> {
    await Promise.all(this.#buried);
  }
}
