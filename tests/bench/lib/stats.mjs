// Medians, spreads and what the targets make of them: pure functions, used on both sides.

/** The value at a part (0 to 1) of the sorted samples, between two of them where need be. */
export function quantile(samples, part) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at - Math.floor(at));
}

/** Median, best, spread (half the distance of the quartiles, as part of the median). */
export function summarize(samples, better) {
  const median = quantile(samples, 0.5);
  return {
    median,
    best: better === 'lower' ? Math.min(...samples) : Math.max(...samples),
    spread: median === 0 ? 0 : (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / median,
    samples: samples.length,
  };
}

/** How many times better `a` is than `b`. */
export const advantage = (a, b, better) => (better === 'lower' ? b / a : a / b);

/** Whether a contestant is ours. */
export const isOurs = ({ who }) => who.startsWith('isolith');

/** The best of those that count as peers, or undefined. */
export function bestPeer(results) {
  const peers = results.filter((one) => one.status === 'ok' && !isOurs(one) && !one.reference);
  return peers.toSorted((a, b) => (a.better === 'lower' ? a.median - b.median : b.median - a.median))[0];
}

/**
 * Judges one result of ours against its targets in `browser`: a line per target, and whether all
 * were met (`yes`, `no`, or empty where there is no target or nothing to compare with).
 */
export function judge(result, results, browser) {
  const lines = [];
  let met = '';
  for (const target of result.targets ?? []) {
    if (target.browsers && !target.browsers.includes(browser)) continue;
    const times = typeof target.times === 'object' ? target.times[browser] : target.times;
    let reached;
    if (target.most !== undefined || target.least !== undefined) {
      const bound = target.most ?? target.least;
      reached = result.status === 'ok' && (target.most === undefined ? result.median >= bound : result.median <= bound);
      lines.push(`${target.most === undefined ? '≥' : '≤'} ${bound} ${result.unit}`);
    } else if (times !== undefined) {
      const other =
        target.than === 'best peer' ? bestPeer(results) : results.find((one) => one.who.startsWith(target.than) && one.status === 'ok');
      const ratio = other && result.status === 'ok' ? advantage(result.median, other.median, result.better) : undefined;
      lines.push(`≥ ${Number(times.toPrecision(2))}× ${target.than}${other && other.who !== target.than ? ` (${other.who})` : ''}: ${ratio === undefined ? 'nothing to compare with' : `${ratio.toFixed(2)}×`}`);
      if (!other) continue;
      reached = ratio >= times;
    } else continue;
    met = met === 'no' || !reached ? 'no' : 'yes';
  }
  return { target: lines.join('; '), met };
}
