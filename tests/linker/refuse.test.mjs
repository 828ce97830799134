// What cannot be linked exactly is refused by name, with the module and the byte.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'node:test';
import binaryen from 'binaryen';
import { combine, getHeapBase, inspect, LinkError, relocate } from '../../pkg/dist/link.js';
import { build, OUT } from './build.mjs';
import { fixture, instantiate, sections, without } from './support.mjs';

build();

const file = fixture('kernel-imported');

test('bytes that are no module', async () => {
  await assert.rejects(combine([new Uint8Array(0)]), { name: 'LinkError', code: 'ERR_MALFORMED_MODULE', offset: 0 });
  await assert.rejects(combine([file, file.subarray(0, file.length >> 1)]), { code: 'ERR_MALFORMED_MODULE', module: 1 });
  const component = Uint8Array.of(0, 97, 115, 109, 13, 0, 1, 0);
  await assert.rejects(inspect(component), { code: 'ERR_UNSUPPORTED_MODULE' });
  await assert.rejects(inspect(component), LinkError);
});

test('relocation entries that no longer fit, at the byte that shows it', async () => {
  const code = sections(file).find(({ id }) => id === 10);
  const data = sections(file).find(({ id }) => id === 11);
  const { data: segments } = await inspect(file);
  for (const { body, end } of [code, data]) {
    let refusals = 0;
    for (let at = body; at < Math.min(end, body + 2600); at++) {
      const broken = file.slice();
      broken[at] ^= 1;
      const error = await relocate(broken, 0x10000, 0x800000).then(() => undefined, (error) => error);
      if (error?.code !== 'ERR_STALE_RELOCATION') continue;
      refusals++;
      // A number is told by its first byte; only where a segment lies shows at other places.
      const header = segments.some(({ offset }) => at >= offset - 12 && at < offset);
      assert.ok(header || (at >= error.offset && at < error.offset + 5), `${at} ${error.message}`);
    }
    assert.ok(refusals > 20, `${refusals} refusals`);
  }
});

test('what wasm-opt leaves of relocation entries', async () => {
  const binaryen = dirname(createRequire(import.meta.url).resolve('binaryen/package.json'));
  const stale = join(OUT, 'optimized.wasm');
  const source = join(OUT, 'kernel-imported.wasm');
  execFileSync(process.execPath, [join(binaryen, 'bin/wasm-opt'), '-O3', '--all-features', source, '-o', stale]);
  const optimized = new Uint8Array(readFileSync(stale));
  await assert.rejects(relocate(optimized, 0x10000, 0x800000), ({ code, offset }) => {
    assert.match(code, /ERR_STALE_RELOCATION|ERR_NOT_RELOCATABLE|ERR_MALFORMED_MODULE/);
    return offset > 0;
  });
  // Its entries put onto another module of the same source.
  const entries = sections(file).filter(({ name }) => /^(linking|reloc\.)/.test(name));
  const glued = [without(optimized, ({ name }) => /^(linking|reloc\.)/.test(name)), ...entries.map(({ start, end }) => file.subarray(start, end))];
  writeFileSync(stale, Buffer.concat(glued));
  await assert.rejects(relocate(new Uint8Array(readFileSync(stale)), 0x10000, 0x800000), { code: 'ERR_STALE_RELOCATION' });
});

test('entries taken away leave a module that is not position-independent', async () => {
  const bare = without(file, ({ name }) => name.startsWith('reloc.'));
  await assert.rejects(relocate(bare, 0x10000, 0x800000), { code: 'ERR_NOT_RELOCATABLE' });
  const linked = await relocate(file, 0x10000, 0x800000);
  await assert.rejects(relocate(linked, 0x10000, 0x800000), { code: 'ERR_NOT_RELOCATABLE' });
});

test('places that are none', async () => {
  const end = await getHeapBase(file);
  await assert.rejects(relocate(file, 0x10000, end), { code: 'ERR_LAYOUT_OVERFLOW' });
  await assert.rejects(relocate(file, 3, 0x800000), { code: 'EINVAL' });
  await assert.rejects(relocate(file, 0xffff0000, 0xffffffff), { code: 'ERR_LAYOUT_OVERFLOW' });
  await assert.rejects(combine([file, file], 0xfff00000), { code: 'ERR_LAYOUT_OVERFLOW' });
});

test('64-bit modules move by their own entries, and share no memory with 32-bit ones', async () => {
  const wide = fixture('threads-wide');
  await assert.rejects(combine([file, wide]), { code: 'ERR_UNSUPPORTED_MODULE', module: 1 });
  const { modules, layout } = await combine([wide, wide], { oneTable: true });
  for (const [at, module] of modules.entries()) {
    // Node 20 has no 64-bit tables, and this clang and this lld disagree on them: binaryen reads it.
    const read = binaryen.readBinary(module);
    assert.match(read.emitText(), new RegExp(`i64.const ${layout.modules[at].stack.end}\\b`));
    read.dispose();
  }
});

test('a module moved by nothing is the module, but for its memory and its entries', async () => {
  const moved = await relocate(file, 0, await getHeapBase(file));
  const spent = ({ id, name }) => id === 2 || /^(linking|reloc\.)/.test(name);
  assert.equal(Buffer.compare(without(moved, spent), without(file, spent)), 0);
});

test('every linked module is one that the engine takes, at any place', async () => {
  for (const name of ['pointers-stock', 'kernel-threads', 'threads-threads', 'threads-pic', 'kernel-recipe']) {
    for (const offset of [0, 0x10, 0x7ff0, 0x10000, 0x1000000]) {
      assert.ok(WebAssembly.validate(await relocate(fixture(name), offset, 0x4000000)), `${name} at ${offset}`);
    }
  }
  assert.ok(instantiate(await relocate(file, 0, 0x400000), new WebAssembly.Memory({ initial: 64 })));
});
