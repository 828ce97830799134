/** The table of figures per group: sortable by every column, with each group's share and distribution. */

import { make } from '../dom.js';
import { amount, count } from '../format.js';
import type { Totals } from '../jobs/table.js';
import type { Group } from '../jobs/table-tasks.js';

type Key = 'key' | 'count' | 'sum' | 'mean' | 'min' | 'max';

const COLUMNS: readonly (readonly [Key, string, (group: Group) => number | string])[] = [
  ['key', '', ({ key }) => key],
  ['count', 'Rows', (group) => group.count],
  ['sum', 'Sum', (group) => group.sum],
  ['mean', 'Mean', (group) => group.sum / group.count],
  ['min', 'Least', (group) => group.min],
  ['max', 'Most', (group) => group.max],
];

/** Most groups shown; the rest is counted in a last line. */
const SHOWN = 200;

const SVG = 'http://www.w3.org/2000/svg';

/** Fills `place`; a click on a column's head sorts by it. */
export function showSheet(place: HTMLElement, totals: Totals, group: string, value: string, sort: Key = 'sum', down = true): void {
  const read = COLUMNS.find(([key]) => key === sort)?.[2] ?? COLUMNS[0]![2];
  const order = (a: Group, b: Group): number => {
    const [x, y] = [read(a), read(b)];
    const less = typeof x === 'string' ? x.localeCompare(String(y)) : x - Number(y);
    return down ? -less : less;
  };
  const groups = totals.groups.toSorted(order);
  const most = Math.max(...groups.map(({ sum }) => sum));
  const heads = COLUMNS.map(([key, name]) => {
    const here = key === sort;
    const button = make('button', '', `${name || group}${here ? (down ? ' ↓' : ' ↑') : ''}`);
    button.type = 'button';
    button.addEventListener('click', () => {
      showSheet(place, totals, group, value, key, here ? !down : key !== 'key');
      place.querySelectorAll<HTMLButtonElement>('thead button')[COLUMNS.findIndex(([one]) => one === key)]?.focus();
    });
    const head = make('th', '', button);
    head.scope = 'col';
    head.ariaSort = here ? (down ? 'descending' : 'ascending') : 'none';
    return head;
  });
  const last = make('th', '', make('button', '', 'Spread'));
  last.querySelector('button')?.setAttribute('disabled', '');
  last.scope = 'col';
  const body = groups.slice(0, SHOWN).map((one) => row(one, most));
  if (groups.length > SHOWN) {
    const rest = make('td', 'muted', `and ${count(groups.length - SHOWN)} more`);
    rest.colSpan = COLUMNS.length + 1;
    body.push(make('tr', '', rest));
  }
  const caption = make('caption', '', value, make('span', '', `by ${group}`));
  place.replaceChildren(make('table', '', caption, make('thead', '', make('tr', '', ...heads, last)), make('tbody', '', ...body)));
  place.hidden = false;
}

function row(group: Group, most: number): HTMLTableRowElement {
  const share = make('i', 'share');
  share.style.width = `${Math.max(0, group.sum / most) * 100}%`;
  const name = make('th', '', group.key === '' ? '(empty)' : group.key, share);
  name.scope = 'row';
  const made = make('tr', '', name);
  for (const [key, , read] of COLUMNS.slice(1)) {
    const value = Number(read(group));
    const cell = make('td', '', key === 'count' ? count(value) : amount(value));
    cell.dataset[key] = String(value);
    made.append(cell);
  }
  made.dataset.group = group.key;
  made.append(make('td', '', spark(group)));
  return made;
}

/** The group's distribution on a logarithmic scale, as a small area. */
function spark({ histogram }: Group): SVGElement {
  const from = Math.max(0, histogram.findIndex((value) => value > 0) - 1);
  const to = Math.min(histogram.length, histogram.findLastIndex((value) => value > 0) + 2);
  const seen = histogram.slice(from, to);
  const most = Math.max(1, ...seen);
  const step = 112 / Math.max(1, seen.length - 1);
  const points = seen.map((value, index) => `${(index * step).toFixed(1)},${(25 - (value / most) * 23).toFixed(1)}`);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 112 26');
  svg.classList.add('spark');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', `M0,26 L${points.join(' L')} L112,26 Z`);
  svg.append(path);
  return svg;
}
