// Heaps work in Node, Deno and Bun: the same script under each.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('heaps.mjs', import.meta.url));
const bin = (name) => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));

const runtimes = {
  node: [process.execPath, [script]],
  deno: [bin('deno'), ['run', '--allow-read', '--no-prompt', script]],
  bun: [bin('bun'), [script]],
};

for (const [name, [command, args]] of Object.entries(runtimes)) {
  test(`heaps work in ${name}`, { timeout: 60_000 }, async () => {
    const { stdout } = await promisify(execFile)(command, args);
    assert.match(stdout, /heaps hold/);
  });
}

test('importing any entry on a server throws nothing', { timeout: 60_000 }, async () => {
  const pkg = JSON.parse(await (await import('node:fs/promises')).readFile(new URL('../../pkg/package.json', import.meta.url), 'utf8'));
  const entries = Object.values(pkg.exports).flatMap((entry) => (typeof entry === 'object' ? [entry.default] : []));
  assert.ok(entries.length >= 4, 'entries');
  for (const entry of entries) {
    if (/worker\.js$/.test(entry)) continue; // Only ever loaded as a worker.
    await import(new URL(`../../pkg/${entry}`, import.meta.url));
  }
});
