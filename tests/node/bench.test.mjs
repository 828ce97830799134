// Tests of the pure parts of the benchmark: medians, targets, CSV, chart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart } from '../bench/lib/chart.mjs';
import { COLUMNS, fromCsv, merge, toCsv } from '../bench/lib/csv.mjs';
import { bestPeer, judge, quantile, summarize } from '../bench/lib/stats.mjs';

const ok = (who, median, more = {}) => ({ who, median, status: 'ok', better: 'lower', unit: 'ms', ...more });

test('the median lies between the middle samples, whatever their order', () => {
  assert.equal(quantile([9, 1, 5], 0.5), 5);
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(summarize([3, 1, 2], 'lower').best, 1);
  assert.equal(summarize([3, 1, 2], 'higher').best, 3);
});

test('the best peer is neither ours, nor a reference, nor one that failed', () => {
  const results = [ok('isolith', 1), ok('slow', 9), ok('raw', 2, { reference: true }), ok('fast', 3), { ...ok('broken', 0.1), status: 'failed: x' }];
  assert.equal(bestPeer(results).who, 'fast');
  assert.equal(bestPeer(results.toReversed()).who, 'fast');
  assert.equal(bestPeer(results.map((one) => ({ ...one, better: 'higher' }))).who, 'slow');
});

test('a target is met only when every part of it is', () => {
  const peers = [ok('fast', 4), ok('slow', 40)];
  const met = (median, targets, browser = 'chromium') => judge(ok('isolith', median, { targets }), peers, browser).met;
  assert.equal(met(2, [{ than: 'best peer', times: 2 }]), 'yes');
  assert.equal(met(2.1, [{ than: 'best peer', times: 2 }]), 'no');
  assert.equal(met(2, [{ than: 'best peer', times: 2 }, { than: 'slow', times: 30 }]), 'no');
  assert.equal(met(2, [{ than: 'slow', times: 30 }, { than: 'best peer', times: 2 }]), 'no');
  assert.equal(met(2, [{ most: 2 }]), 'yes');
  assert.equal(met(3, [{ most: 2 }]), 'no');
  assert.equal(met(3, [{ most: 2, browsers: ['firefox'] }]), '');
  assert.equal(met(2, [{ than: 'nobody', times: 2 }]), '');
  assert.equal(met(1, [{ than: 'best peer', times: { chromium: 4, firefox: 5 } }]), 'yes');
  assert.equal(met(1, [{ than: 'best peer', times: { chromium: 4, firefox: 5 } }], 'firefox'), 'no');
});

test('more is better where a row says so', () => {
  const peers = [ok('fast', 10, { better: 'higher' })];
  const ours = (median) => judge(ok('isolith', median, { better: 'higher', targets: [{ than: 'best peer', times: 2 }] }), peers, 'chromium').met;
  assert.equal(ours(20), 'yes');
  assert.equal(ours(19), 'no');
});

test('a result of ours that failed misses its target', () => {
  const failed = { ...ok('isolith', undefined, { targets: [{ than: 'fast', times: 1 }] }), status: 'failed: x' };
  assert.equal(judge(failed, [ok('fast', 1)], 'chromium').met, 'no');
});

test('CSV keeps commas, quotes and line breaks, and merging replaces whole measures', () => {
  const line = (name, who, caveat) => ({ ...Object.fromEntries(COLUMNS.map((column) => [column, ''])), browser: 'b', group: 'g', name, who, caveat });
  const lines = [line('one', 'x', 'a, "b"\nc'), line('two', 'x', ''), line('two', 'y', '')];
  assert.deepEqual(fromCsv(toCsv(lines)), lines);
  const merged = merge(lines, [line('two', 'z', '')]);
  assert.deepEqual(merged.map(({ name, who }) => name + who), ['onex', 'twoz']);
});

test('the chart names every contestant, and marks what missed its target', () => {
  const lines = fromCsv(toCsv([
    { ...ok('isolith', 2), browser: 'b', group: 'g', name: 'n', target: '≥ 2× <fast>', met: 'no' },
    { ...ok('fast', 1), browser: 'b', group: 'g', name: 'n' },
    { ...ok('broken', undefined), status: 'failed: it hung', browser: 'b', group: 'g', name: 'n' },
  ]));
  const html = chart(lines, 'title');
  for (const text of ['isolith', 'fast', 'failed: it hung', 'not met', '&lt;fast&gt;', '0 of 1 targets met']) assert.ok(html.includes(text), text);
});
