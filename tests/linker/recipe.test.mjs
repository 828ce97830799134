// The route without relocation entries: the document's example, stripped names, and what it warns of.

import assert from 'node:assert/strict';
import test from 'node:test';
import { combine, getHeapBase, inspect, relocate } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, fixture, instantiate, memoryFor, renamed, without, textOf } from './support.mjs';

build();

const nameless = (bytes) => without(bytes, ({ name }) => name === 'name');

for (const way of ['recipe', 'stock', 'imported', 'pic', 'debug']) {
  test(`the document's example, linked as ${way}`, async () => {
    const [libcommon, liba, libb] = ['common', 'a', 'b'].map((name) => fixture(`${name}-${way}`));
    const { modules, neededPages, warnings } = await combine([libcommon, liba, libb]);
    const memory = new WebAssembly.Memory({ initial: neededPages });
    const { instance: icommon } = await WebAssembly.instantiate(modules[0], { env: { memory } });
    const { instance: ia } = await WebAssembly.instantiate(modules[1], { env: { memory } });
    const { instance: ib } = await WebAssembly.instantiate(modules[2], { env: { memory } });
    const object = icommon.exports.create_object(1337n);
    assert.equal(ia.exports.get_value(object), 1337n);
    ib.exports.double(object);
    assert.equal(ia.exports.get_value(object), 2674n);
    if (way !== 'recipe') assert.deepEqual(warnings, []);
  });
}

test('code without pointers in data answers anywhere, with or without names', async () => {
  for (const strip of [(bytes) => bytes, nameless]) {
    const file = strip(fixture('common-recipe'));
    const expected = instantiate(file).exports.create_object(5n);
    const { modules, neededPages, layout } = await combine([fixture('a-recipe'), file, fixture('b-recipe')]);
    assert.equal(layout.modules[1].route, 'pic');
    const memory = new WebAssembly.Memory({ initial: neededPages });
    const made = modules.map((module) => instantiate(module, memory));
    const object = made[1].exports.create_object(5n);
    assert.equal(made[0].exports.get_value(object), 5n);
    assert.ok(object >= layout.heapBase, `${object} is on the heap, as ${expected} was`);
  }
});

test('names or not, the same numbers change', async () => {
  for (const name of ['common-recipe', 'pointers-recipe', 'kernel-recipe']) {
    const file = fixture(name);
    const named = without(await relocate(file, 0x10000, 0x800000), (section) => section.name === 'name');
    const stripped = await relocate(nameless(file), 0x10000, 0x800000);
    assert.deepEqual(Buffer.compare(named, stripped), 0, name);
  }
});

test('pointers in data are warned of, with the advice to use --emit-relocs', async () => {
  const { warnings } = await combine([fixture('a-recipe'), fixture('pointers-recipe')]);
  const about = warnings.filter((line) => line.includes('words in data look like addresses'));
  assert.equal(about.length, 1);
  assert.match(about[0], /^module 1: \d+ words .* byte 0x[0-9a-f]+.*--emit-relocs/);
});

test('a module placed where it was linked for is whole, warnings or not', async () => {
  const file = fixture('pointers-recipe');
  const combined = await combine([file, fixture('a-recipe')]);
  const memory = memoryFor(combined);
  const [first] = combined.modules.map((module) => instantiate(module, memory));
  assert.deepEqual([3, 4].map((seed) => textOf(first, memory, seed)), alone(file, [3, 4]));
});

test('a missing __heap_base is told with the flag that exports it', async () => {
  const refused = { code: 'ERR_MISSING_HEAP_BASE', message: /--export=__heap_base/ };
  // As today's compilers leave it, which do not export the symbol unasked.
  const forgotten = nameless(renamed(fixture('kernel-recipe'), '__heap_base', '__heap_less'));
  await assert.rejects(combine([fixture('a-recipe'), forgotten]), { ...refused, module: 1 });
  await assert.rejects(getHeapBase(forgotten), refused);
  const { relocation } = await inspect(forgotten);
  assert.equal(relocation.route, 'none');
  assert.equal(relocation.code, 'ERR_MISSING_HEAP_BASE');
});

test('code that is not position-independent is refused at the byte that shows it', async () => {
  const file = fixture('kernel-absolute');
  const error = await relocate(file, 0x10000, 0x800000).catch((error) => error);
  assert.equal(error.code, 'ERR_NOT_RELOCATABLE');
  assert.match(error.message, /--emit-relocs/);
  const code = (await inspect(file)).sections.find(({ name }) => name === 'code');
  assert.ok(error.offset > code.offset && error.offset < code.offset + code.size);
});
