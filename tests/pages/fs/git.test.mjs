// isomorphic-git takes our filesystem as it is and does its everyday work on it.
// modes: isolated bare
import { assert, assertEqual, openTab, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const { default: git } = await import('/made/tests/pages/fs/git');

const FILES = 500;
const dir = '/repository';
let clock = 1_700_000_000;
/** Each commit a second later: within one second the log would have no order. */
const signed = () => ({ author: { name: 'Somebody', email: 'somebody@example.org', timestamp: ++clock, timezoneOffset: 0 } });
const on = { fs, dir };
const text = (n) => `file ${n}\n${'line\n'.repeat(n % 40)}`;
const place = (n) => `src/part-${n % 20}/file-${n}.txt`;
const oids = async () => (await git.log(on)).map(({ oid }) => oid);

test('a repository is made, and five hundred files committed', async () => {
  await fs.rm(dir, { recursive: true, force: true });
  await fs.mkdir(dir);
  await git.init({ ...on, defaultBranch: 'main' });
  assertEqual(await git.currentBranch(on), 'main');
  for (let part = 0; part < 20; part++) await fs.mkdir(`${dir}/src/part-${part}`, { recursive: true });
  await Promise.all(Array.from({ length: FILES }, (_, n) => fs.writeFile(`${dir}/${place(n)}`, text(n))));
  await fs.writeFile(`${dir}/run.sh`, '#!/bin/sh\n', { mode: 0o755 });
  await fs.symlink('src/part-1', `${dir}/link`);
  await git.add({ ...on, filepath: '.' });
  await git.commit({ ...on, message: 'first', ...signed() });
  const matrix = await git.statusMatrix(on);
  assertEqual(matrix.length, FILES + 2);
  assert(matrix.every(([, head, work, stage]) => head === 1 && work === 1 && stage === 1), 'all is as committed');
}, { timeout: 90_000 });

test('status tells what was changed, added and removed', async () => {
  await fs.writeFile(`${dir}/${place(3)}`, 'changed');
  await fs.unlink(`${dir}/${place(4)}`);
  await fs.writeFile(`${dir}/new.txt`, 'new');
  const rows = new Map((await git.statusMatrix(on)).map(([name, ...row]) => [name, row]));
  assertEqual([rows.get(place(3)), rows.get(place(4)), rows.get('new.txt'), rows.get(place(5))], [[1, 2, 1], [1, 0, 1], [0, 2, 0], [1, 1, 1]]);
  assertEqual(await git.status({ ...on, filepath: place(3) }), '*modified');
  await git.checkout({ ...on, force: true });
  await fs.unlink(`${dir}/new.txt`);
  assertEqual(await fs.readFile(`${dir}/${place(4)}`, 'utf8'), text(4));
}, { timeout: 60_000 });

test('branches are made, checked out and merged', async () => {
  await git.branch({ ...on, ref: 'side', checkout: true });
  await fs.writeFile(`${dir}/${place(7)}`, 'from the side\n');
  await fs.rm(`${dir}/src/part-9`, { recursive: true });
  await git.add({ ...on, filepath: place(7) });
  for (const [name, , work] of await git.statusMatrix(on)) if (work === 0) await git.remove({ ...on, filepath: name });
  const side = await git.commit({ ...on, message: 'side', ...signed() });

  await git.checkout({ ...on, ref: 'main' });
  assertEqual(await fs.readFile(`${dir}/${place(7)}`, 'utf8'), text(7));
  assertEqual((await fs.readdir(`${dir}/src/part-9`)).length, FILES / 20);
  await fs.writeFile(`${dir}/${place(8)}`, 'from main\n');
  await git.add({ ...on, filepath: place(8) });
  const main = await git.commit({ ...on, message: 'main', ...signed() });

  const { oid } = await git.merge({ ...on, ours: 'main', theirs: 'side', ...signed() });
  await git.checkout({ ...on, ref: 'main' });
  assertEqual(await fs.readFile(`${dir}/${place(7)}`, 'utf8'), 'from the side\n');
  assertEqual(await fs.readFile(`${dir}/${place(8)}`, 'utf8'), 'from main\n');
  assertEqual(await fs.exists(`${dir}/${place(9)}`), false);
  const { commit } = await git.readCommit({ ...on, oid });
  assertEqual(commit.parent, [main, side]);
  const log = await oids();
  assertEqual([log.length, log[0]], [4, oid]);
  assert((await git.statusMatrix(on)).every(([, head, work, stage]) => head === work && work === stage), 'the work tree is clean');
  assertEqual((await fs.lstat(`${dir}/link`)).isSymbolicLink(), true);
  assertEqual((await fs.stat(`${dir}/run.sh`)).mode & 0o111, 0o111);
}, { timeout: 90_000 });

test('another tab has the same history', async () => {
  const here = await oids();
  const tab = await openTab();
  const there = await tab.run(async (dir) => {
    const { default: git } = await import('/made/tests/pages/fs/git');
    const { fs } = await import('isolith/fs');
    return (await git.log({ fs, dir })).map(({ oid }) => oid);
  }, dir);
  assertEqual(there, here);
  await tab.close();
  assertEqual(await fs.check(), []);
}, { timeout: 60_000 });
