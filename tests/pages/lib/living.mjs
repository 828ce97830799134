// Which of the library's workers live, by the lock that each of them holds as long as it does.
import { until } from '/tests/pages/lib/test.mjs';

/** The names of their locks. */
export async function living() {
  const { held } = await navigator.locks.query();
  return held.map(({ name }) => name).filter((name) => /^isolith(-\d+){4}$/.test(name));
}

/** Waits until of those that did not live `before` only so many do: guests' workers in reserve. */
export async function untilGone(before, { reserve = 2, what }) {
  const fresh = async () => (await living()).filter((name) => !before.includes(name)).length;
  await until(async () => (await fresh()) <= reserve, { timeout: 30_000, what });
}
