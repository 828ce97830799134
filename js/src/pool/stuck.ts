/** Fetches back what lies behind a long task, where jobs are sent ahead by message and a worker has none. */

import { MailLink } from './mail.js';
import type { Member } from './member.js';

/** A worker that has answered nothing for so many milliseconds may be at a long task. */
const LONG = 3;

/** Looks after the workers of one crew that are sent their jobs by message. */
export class Stuck {
  readonly #members: ReadonlySet<Member>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(members: ReadonlySet<Member>) {
    this.#members = members;
  }

  /** Jobs were dealt: if one worker is idle and others have several, looks again in a moment whether those get on. */
  look(): void {
    if (this.#timer !== undefined) return;
    const ready = [...this.#members].filter(({ state }) => state === 'ready');
    if (!ready.some(({ link }) => link instanceof MailLink && link.ahead === 0)) return;
    const loaded = ready.flatMap((member) => (member.link instanceof MailLink && member.link.ahead > 1 && !member.link.recalled ? { member, link: member.link, answers: member.answers } : []));
    if (loaded.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const { member, link, answers } of loaded) if (member.state === 'ready' && member.answers === answers) link.recall();
      this.look();
    }, LONG);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
