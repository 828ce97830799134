/** Timers for any number of milliseconds, as users may give them. */

/** What `setTimeout` counts to; with more it would fire at once. */
const LONGEST = 0x7fff_ffff;

/**
 * `setTimeout`, but for more than it can count to: after 24 days nothing comes of it, and `Infinity` is never.
 * What it returns is for `clearTimeout`.
 */
export function after(milliseconds: number, what: () => void): ReturnType<typeof setTimeout> | undefined {
  return milliseconds > LONGEST ? undefined : setTimeout(what, milliseconds);
}
