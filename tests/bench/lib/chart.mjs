// The results as one self-contained HTML page: a bar per contestant, a heading per measure, browsers side by side.
import { measureOf } from './csv.mjs';

const STYLE = `
:root { color-scheme: light dark; --paper: #f5f4f0; --card: #fff; --ink: #1c1b19; --soft: #5f5b54; --line: #e3dfd7; --peer: #b9b3a8; --ref: #ddd8ce; --ours: #15705f; --bad: #a93226; }
@media (prefers-color-scheme: dark) { :root { --paper: #131413; --card: #1b1d1c; --ink: #efeeea; --soft: #aeaca5; --line: #2c302e; --peer: #5b605d; --ref: #3a3f3c; --ours: #5cc4ae; --bad: #f0897b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: 2rem 1.5rem 4rem; background: var(--paper); color: var(--ink); font: 15px/1.5 Inter, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif; }
h1 { font-size: 1.6rem; letter-spacing: -.02em; margin: 0; } h2 { margin: 2.2rem 0 .8rem; font-size: 1.2rem; text-transform: capitalize; } h3 { margin: 0 0 .1rem; font-size: 1rem; } p { margin: 0; color: var(--soft); }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1rem 1.2rem; }
section > p { font-size: .85rem; margin-bottom: .7rem; }
.bar { display: grid; grid-template-columns: 11.5rem 1fr 6.5rem; gap: .7rem; align-items: center; font-size: .86rem; padding: .12rem 0; }
.bar > span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .bar.ours > span:first-child { font-weight: 650; } .bar.reference > span:first-child { font-style: italic; color: var(--soft); }
.bar > span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.bar i { display: block; height: 11px; border-radius: 4px; min-width: 2px; background: var(--peer); } .bar.ours i { background: var(--ours); } .bar.reference i { background: var(--ref); }
.bar em { color: var(--bad); font-style: normal; font-size: .82rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.target { font-size: .84rem; margin-top: .5rem; padding-top: .5rem; border-top: 1px solid var(--line); color: var(--soft); } .target b { color: var(--ours); } .target b.no { color: var(--bad); }
@media (max-width: 520px) { .grid { grid-template-columns: 1fr; } .bar { grid-template-columns: 8rem 1fr 5rem; } }
`;

const escape = (text) => String(text).replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one]);

/** A number with three significant digits. */
function figure(value) {
  if (value >= 1000) return new Intl.NumberFormat('en', { maximumFractionDigits: 0 }).format(value);
  return String(Number(value.toPrecision(3)));
}

/** Values by what `key` says of each, in the order they came. */
function groupBy(values, key) {
  const groups = new Map();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return groups;
}

/** The page for the lines of a CSV file. */
export function chart(lines, title) {
  const groups = groupBy(lines, ({ group }) => group);
  const body = [...groups].map(([group, inGroup]) => {
    const measures = groupBy(inGroup, measureOf);
    // One measure in all browsers, then the next.
    const order = [...measures.values()].toSorted(([a], [b]) => inGroup.findIndex(({ name }) => name === a.name) - inGroup.findIndex(({ name }) => name === b.name));
    return `<h2>${escape(group)}</h2>\n<div class="grid">\n${order.map(measure).join('\n')}\n</div>`;
  });
  const judged = lines.filter(({ met }) => met);
  const missed = judged.filter(({ met }) => met === 'no');
  const facts = [...new Set(lines.map(({ browser_version, machine, commit, date }) => `${browser_version} · ${machine} · ${commit} · ${date}`))];
  const loads = lines.map(({ load }) => Number(load)).filter(Boolean);
  if (loads.length > 0) facts.push(`Load of the machine meanwhile, this benchmark included: ${Math.min(...loads)} to ${Math.max(...loads)}`);
  return `<!doctype html>
<!-- Made by npm run bench from the CSV file beside it. -->
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${STYLE}</style>
<h1>${escape(title)}</h1>
<p>${judged.length - missed.length} of ${judged.length} targets met. Shorter bars are better unless a measure says otherwise; grey is peers, pale is prototypes and the raw platform.</p>
${body.join('\n')}
<h2>Where and when</h2>
${facts.map((fact) => `<p>${escape(fact)}</p>`).join('\n')}
</html>
`;
}

function measure(lines) {
  const [{ name, browser, unit, better }] = lines;
  const values = lines.filter(({ status }) => status === 'ok').map(({ median }) => Number(median));
  const most = Math.max(...values, Number.MIN_VALUE);
  const sorted = lines.toSorted((a, b) => (a.status === 'ok' ? 0 : 1) - (b.status === 'ok' ? 0 : 1) || (better === 'lower' ? 1 : -1) * (Number(a.median) - Number(b.median)));
  const bars = sorted.map((line) => {
    const kind = line.who.startsWith('isolith') ? 'ours' : line.reference === 'true' ? 'reference' : '';
    const note = escape([line.caveat, line.status === 'ok' ? `± ${(Number(line.spread) * 100).toFixed(0)} %, ${line.samples} samples` : line.status].filter(Boolean).join(' · '));
    const shown = line.status === 'ok' ? `<i style="width:${((Number(line.median) / most) * 100).toFixed(1)}%"></i><span>${figure(Number(line.median))} ${escape(unit)}</span>` : `<em>${escape(line.status)}</em><span></span>`;
    return `<div class="bar ${kind}" title="${note}"><span>${escape(line.who)}</span>${shown}</div>`;
  });
  const targets = lines.filter(({ target }) => target).map(({ who, target, met }) => `<div class="target">${escape(who)}: ${escape(target)} ${met ? `<b class="${met}">${met === 'yes' ? 'met' : 'not met'}</b>` : ''}</div>`);
  return `<section><h3>${escape(name)}</h3><p>${escape(browser)}, ${escape(unit)}${better === 'higher' ? ', longer is better' : ''}</p>${bars.join('')}${targets.join('')}</section>`;
}
