// The pool's declarations infer what users expect: pool-types.ts compiles, its expected errors included.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

test('the types of tasks, results and options are inferred', { timeout: 120_000 }, () => {
  const options = '--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck --types --target es2022 --module nodenext --lib es2024,esnext.disposable,dom,dom.iterable,dom.asynciterable';
  const flags = options.replace('--types ', '').split(' ');
  const { status, stdout } = spawnSync(process.execPath, [path('../../node_modules/typescript/bin/tsc'), ...flags, path('pool-types.ts')], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});
