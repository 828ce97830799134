// A listing that a thread keeps is never an old one: whoever changes the directory, and in whatever way its path comes to mean another.
// modes: isolated bare
import { assert, assertEqual, assertRejects, openTab, test } from '/tests/pages/lib/test.mjs';
import { createPool, listFiles } from 'isolith';
import fs from 'isolith/fs';

const shared = { shared: true, reason: 'workers share the filesystem only where they share memory' };

async function fresh(name) {
  await fs.rm(`/l-${name}`, { recursive: true, force: true });
  await fs.mkdir(`/l-${name}`);
  return `/l-${name}`;
}

/** Asked twice, so that the second answer is one that is kept. */
async function listed(dir) {
  const first = await fs.readdir(dir);
  assertEqual(await fs.readdir(dir), first);
  return first;
}

test('every change of names is seen by the next listing', async () => {
  const dir = await fresh('changes');
  assertEqual(await listed(dir), []);
  await fs.writeFile(`${dir}/b`, '');
  assertEqual(await listed(dir), ['b']);
  await fs.mkdir(`${dir}/a`);
  assertEqual(await listed(dir), ['a', 'b']);
  await fs.rename(`${dir}/b`, `${dir}/c`);
  assertEqual(await listed(dir), ['a', 'c']);
  await fs.link(`${dir}/c`, `${dir}/d`);
  await fs.symlink('nowhere', `${dir}/e`);
  assertEqual(await listed(dir), ['a', 'c', 'd', 'e']);
  await fs.rename(`${dir}/c`, `${dir}/a/c`);
  assertEqual(await listed(dir), ['a', 'd', 'e']);
  assertEqual(await listed(`${dir}/a`), ['c']);
  await fs.unlink(`${dir}/d`);
  await fs.rm(`${dir}/a`, { recursive: true });
  assertEqual(await listed(dir), ['e']);
  const draft = await fs.createWritable(`${dir}/f`);
  const writer = draft.getWriter();
  await writer.write('unseen until it is whole');
  assertEqual(await listed(dir), ['e']);
  await writer.close();
  assertEqual(await listed(dir), ['e', 'f']);
  assertEqual(await listFiles(`${dir}/`), [`${dir}/e`, `${dir}/f`]);
});

test('a name that means something else has another type', async () => {
  const dir = await fresh('types');
  const types = async () => (await fs.readdir(dir, { withFileTypes: true })).map((entry) => [entry.isFile(), entry.isDirectory(), entry.isSymbolicLink()].indexOf(true));
  await fs.writeFile(`${dir}/x`, '');
  assertEqual(await types(), [0]);
  await fs.unlink(`${dir}/x`);
  await fs.mkdir(`${dir}/x`);
  assertEqual(await types(), [1]);
  await fs.rmdir(`${dir}/x`);
  await fs.symlink('nowhere', `${dir}/x`);
  assertEqual(await types(), [2]);
  await fs.writeFile(`${dir}/y`, '');
  await fs.rename(`${dir}/y`, `${dir}/x`);
  assertEqual(await types(), [0]);
});

test('a path that comes to mean another directory has that one\'s names', async () => {
  const dir = await fresh('paths');
  for (const name of ['one', 'two']) {
    await fs.mkdir(`${dir}/${name}`);
    await fs.writeFile(`${dir}/${name}/${name}`, '');
  }
  await fs.symlink('one', `${dir}/link`);
  assertEqual(await listed(`${dir}/link`), ['one']);
  await fs.unlink(`${dir}/link`);
  await fs.symlink('two', `${dir}/link`);
  assertEqual(await listed(`${dir}/link`), ['two']);
  assertEqual(await listed(`${dir}/one`), ['one']);
  await fs.rename(`${dir}/one`, `${dir}/old`);
  await assertRejects(fs.readdir(`${dir}/one`), { code: 'ENOENT' });
  await fs.rename(`${dir}/two`, `${dir}/one`);
  assertEqual(await listed(`${dir}/one`), ['two']);
  await assertRejects(fs.readdir(`${dir}/link`), { code: 'ENOENT' });
  await fs.mkdir(`${dir}/two`);
  assertEqual(await listed(`${dir}/link`), []);
  await fs.rm(`${dir}/two`, { recursive: true });
  await fs.writeFile(`${dir}/two`, '');
  await assertRejects(fs.readdir(`${dir}/two`), { code: 'ENOTDIR' });
});

test('a mount covers what was there, and uncovers it', async () => {
  const dir = await fresh('mounts');
  await fs.writeFile(`${dir}/below`, '');
  assertEqual(await listed(dir), ['below']);
  for (const name of ['first', 'second']) {
    await fs.mount(dir, { store: 'memory' });
    assertEqual(await listed(dir), []);
    await fs.writeFile(`${dir}/${name}`, '');
    assertEqual(await listed(dir), [name]);
    await fs.unmount(dir);
    assertEqual(await listed(dir), ['below']);
  }
  await fs.mount(dir, { store: 'bundle', files: { 'of/a': 'bundle' } });
  assertEqual(await listed(dir), ['of']);
  await fs.unmount(dir);
});

test('what is answered is the caller\'s own', async () => {
  const dir = await fresh('own');
  await fs.writeFile(`${dir}/a`, '');
  const names = await listed(dir);
  names.push('mine');
  names[0] = 'changed';
  assertEqual(await fs.readdir(dir), ['a']);
});

test('names in any script, and many directories', async () => {
  const dir = await fresh('names');
  const names = ['\ufeffbom', 'a b', 'ascii', 'grün', '日本', '🦀'];
  for (const name of names) await fs.writeFile(`${dir}/${name}`, '');
  assertEqual((await listed(dir)).sort(), [...names].sort());
  assertEqual(await fs.readFile(`${dir}/\ufeffbom`, 'utf8'), '');
  // More than a thread keeps, over and over.
  const many = Array.from({ length: 40 }, (_, at) => `${dir}/many/${at}`);
  await Promise.all(many.map((path) => fs.mkdir(`${path}/in-${path.split('/').pop()}`, { recursive: true })));
  for (let round = 0; round < 3; round++) {
    for (const path of many) assertEqual(await fs.readdir(path), [`in-${path.split('/').pop()}`]);
  }
});

test('threads see each other\'s changes at once', async () => {
  const dir = await fresh('threads');
  const pool = createPool(1);
  const change = ({ dir, round }, { fs }) => {
    const before = fs.readdirSync(dir);
    fs.writeFileSync(`${dir}/worker-${round}`, '', { flush: false });
    return [before, fs.readdirSync(dir)];
  };
  const names = [];
  for (let round = 0; round < 20; round++) {
    await fs.writeFile(`${dir}/page-${round}`, '', { flush: false });
    names.push(`page-${round}`);
    const [before, after] = await pool.run(change, { dir, round });
    assertEqual(before, [...names].sort());
    names.push(`worker-${round}`);
    assertEqual(after, [...names].sort());
    assertEqual(await fs.readdir(dir), [...names].sort());
    if (round % 3 === 0) {
      await pool.run((path, { fs }) => fs.unlinkSync(path), `${dir}/${names.shift()}`);
      assertEqual(await fs.readdir(dir), [...names].sort());
    }
  }
  pool.destroy();
}, { ...shared, timeout: 60_000 });

test('another tab\'s changes are seen', async () => {
  const dir = await fresh('tabs');
  const tab = await openTab();
  const names = [];
  for (let round = 0; round < 10; round++) {
    names.push(`tab-${round}`);
    await tab.run(async (path) => (await import('isolith/fs')).writeFile(path, ''), `${dir}/tab-${round}`);
    assertEqual(await fs.readdir(dir), [...names].sort());
    names.push(`page-${round}`);
    await fs.writeFile(`${dir}/page-${round}`, '');
    assertEqual(await tab.run(async (dir) => (await import('isolith/fs')).readdir(dir), dir), [...names].sort());
  }
  await tab.run(async ([from, to]) => (await import('isolith/fs')).rename(from, to), [`${dir}/tab-0`, `${dir}/zzz`]);
  assert((await fs.readdir(dir)).at(-1) === 'zzz', 'the new name');
  await tab.close();
}, { timeout: 60_000 });
