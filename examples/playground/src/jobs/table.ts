/** The table job: looks at a CSV file's head, plans its aggregation, joins what the workers found. */

import type { MemoryBlock } from 'isolith';
import type { Plan } from '../engine.js';
import { aggregate, BUCKETS, type Group, type Range, type RangeDone } from './table-tasks.js';

/** A CSV file in the heap. */
export interface Table {
  readonly name: string;
  readonly block: MemoryBlock;
  readonly separator: string;
  readonly body: number;
  readonly columns: readonly Column[];
}

export interface Column {
  readonly name: string;
  /** Whether all values seen at the head of the file are numbers. */
  readonly numeric: boolean;
  /** Different values seen at the head of the file. */
  readonly distinct: number;
}

/** Figures over the whole file. */
export interface Totals {
  readonly groups: readonly Group[];
  readonly rows: number;
  readonly skipped: number;
}

/** Ranges a file is cut into, whatever the number of workers: so all runs add up in the same order. */
const RANGES = 64;

/** Bytes at the head of the file that columns are judged by. */
const HEAD = 256 * 1024;

/** The fields of one line. */
function fieldsOf(line: string, separator: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const quoted = line[at] === '"' ? /^"((?:[^"]|"")*)"/.exec(line.slice(at)) : null;
    const end = line.indexOf(separator, at + (quoted?.[0].length ?? 0));
    const stop = end < 0 ? line.length : end;
    fields.push(quoted ? (quoted[1] ?? '').replaceAll('""', '"') : line.slice(at, stop));
    at = stop + 1;
  }
  return fields;
}

const isNumber = (text: string): boolean => /^-?\d*\.?\d+$|^-?\d+\.$/.test(text);

/** Reads the header and judges the columns; throws where the file is not a table. */
export function inspectTable(block: MemoryBlock, name: string): Table {
  const bytes = (block.memory as Uint8Array).slice(0, HEAD);
  const lines = new TextDecoder().decode(bytes).split('\n');
  // The last line is cut off where the head ends.
  if (block.size > HEAD) lines.pop();
  const [header = '', ...rest] = lines.map((line) => line.replace(/\r$/, ''));
  const separator = [',', ';', '\t'].reduce((best, one) => (header.split(one).length > header.split(best).length ? one : best));
  const rows = rest.filter((line) => line !== '').map((line) => fieldsOf(line, separator));
  const names = fieldsOf(header.replace(/^\ufeff/, ''), separator);
  const columns = names.map((title, index): Column => {
    const values = rows.map((row) => row[index] ?? '');
    return { name: title || `Column ${index + 1}`, numeric: values.length > 0 && values.every(isNumber), distinct: new Set(values).size };
  });
  if (rows.length === 0 || columns.length < 2) throw new Error(`${name} is not a CSV table with a header, two columns and a row`);
  if (!columns.some((column) => column.numeric)) throw new Error(`${name} has no column of numbers to add up`);
  return { name, block, separator, body: bytes.indexOf(10) + 1, columns };
}

/** The columns to begin with: the text that repeats most like a category, and the last column of numbers. */
export function suggestColumns({ columns }: Table): { group: number; value: number } {
  const texts = columns.flatMap((column, index) => (column.numeric || column.distinct < 2 ? [] : [{ index, distinct: column.distinct }]));
  const best = texts.sort((a, b) => a.distinct - b.distinct)[0]?.index ?? 0;
  return { group: best, value: columns.findLastIndex((column, index) => column.numeric && index !== best) };
}

export function planTable(table: Table, group: number, value: number): Plan<Range, RangeDone> {
  const { size } = table.block;
  const parts = Array.from({ length: RANGES }, (_, range) => ({
    from: Math.floor((range * size) / RANGES),
    to: Math.floor(((range + 1) * size) / RANGES),
    body: table.body,
    separator: table.separator.charCodeAt(0),
    groupColumn: group,
    valueColumn: value,
  }));
  return { stages: [{ name: 'Add up', task: aggregate, block: table.block, parts }] };
}

/** Joins the ranges in their order, so that sums do not depend on who was faster. */
export function joinRanges(ranges: readonly RangeDone[]): Totals {
  const joined = new Map<string, Group>();
  for (const { groups } of ranges) {
    for (const group of groups) {
      const known = joined.get(group.key);
      joined.set(group.key, known ? { ...addGroups(known, group) } : group);
    }
  }
  return {
    groups: [...joined.values()],
    rows: ranges.reduce((sum, range) => sum + range.rows, 0),
    skipped: ranges.reduce((sum, range) => sum + range.skipped, 0),
  };
}

function addGroups(a: Group, b: Group): Group {
  return {
    key: a.key,
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    histogram: Array.from({ length: BUCKETS }, (_, bucket) => (a.histogram[bucket] ?? 0) + (b.histogram[bucket] ?? 0)),
  };
}
