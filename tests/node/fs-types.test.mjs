// The declarations of isolith/fs are taken where those of node:fs/promises are wanted: fs-types.ts compiles, its expected errors included.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

test('code that is written for Node.js compiles with ours', { timeout: 120_000 }, () => {
  const flags = '--noEmit --strict --noUncheckedIndexedAccess --skipLibCheck --types node --target es2022 --module nodenext --lib es2024,esnext.disposable,dom,dom.iterable,dom.asynciterable'.split(' ');
  const { status, stdout } = spawnSync(process.execPath, [path('../../node_modules/typescript/bin/tsc'), ...flags, path('fs-types.ts')], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});
