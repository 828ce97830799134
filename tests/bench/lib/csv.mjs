// Results as CSV: one line per browser, measure and contestant; reading it back for merging and for the chart.

export const COLUMNS = [
  'browser', 'group', 'name', 'who', 'unit', 'better', 'median', 'best', 'spread', 'samples', 'ours_times_better', 'target', 'met', 'status',
  'caveat', 'reference', 'commit', 'date', 'browser_version', 'machine', 'load',
];

const quote = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Text of a file with these lines; numbers get four significant digits. */
export function toCsv(lines) {
  const text = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value ?? ''));
  return `${[COLUMNS, ...lines.map((line) => COLUMNS.map((column) => text(line[column])))].map((row) => row.map(quote).join(',')).join('\n')}\n`;
}

/** The lines of a file, as objects of strings. */
export function fromCsv(text) {
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1) rows.push(row);
    row = [];
  }
  const [names = [], ...lines] = rows;
  return lines.map((line) => Object.fromEntries(names.map((name, index) => [name, line[index] ?? ''])));
}

/** Which measure a line belongs to. */
export const measureOf = ({ browser, group, name }) => `${browser}\n${group}\n${name}`;

/** `before` with the measures of `fresh` replaced. */
export function merge(before, fresh) {
  const replaced = new Set(fresh.map(measureOf));
  return [...before.filter((line) => !replaced.has(measureOf(line))), ...fresh];
}
