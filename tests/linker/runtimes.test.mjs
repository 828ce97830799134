// isolith/link in Node, Deno and Bun: the document's example, and every operation once.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from './build.mjs';

build();

const script = (name) => fileURLToPath(new URL(name, import.meta.url));
const bin = (name) => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
const RUNTIMES = {
  node: [process.execPath],
  deno: [bin('deno'), 'run', '--allow-read', '--no-prompt'],
  bun: [bin('bun')],
};

for (const [name, [command, ...args]] of Object.entries(RUNTIMES)) {
  const run = async (file) => (await promisify(execFile)(command, [...args, script(file)], { env: { ...process.env, NO_COLOR: '1' } })).stdout;

  test(`the document's example in ${name}`, { timeout: 60_000 }, async () => {
    assert.deepEqual((await run('example.mjs')).trim().split('\n'), ['1337n', '2674n']);
  });

  test(`every operation in ${name}`, { timeout: 60_000 }, async () => {
    assert.match(await run('operations.mjs'), /^operations hold$/m);
  });
}

test('64-bit modules in deno, whose engine has such memories', { timeout: 60_000 }, async () => {
  const [command, ...args] = RUNTIMES.deno;
  const { stdout } = await promisify(execFile)(command, [...args, script('wide.mjs')], { env: { ...process.env, NO_COLOR: '1' } });
  assert.match(stdout, /^wide modules answer$/m);
});
