// The functions of node:fs/promises do what they do in Node.js, with its errors and its answers.
// modes: isolated bare
import { assert, assertEqual, assertNotEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import fs, { mkdir, readFile, writeFile } from 'isolith/fs';

const fresh = async (name) => {
  await fs.rm(`/p-${name}`, { recursive: true, force: true });
  await mkdir(`/p-${name}`);
  return `/p-${name}`;
};

test('a directory tells names of all lengths and letters as they were given', async () => {
  const dir = await fresh('letters');
  const names = ['a', 'ü', '€uro', 'mi😀ed', '\x7f', '\x80\x9f', 'n'.repeat(127), 'n'.repeat(128), 'n'.repeat(255), 'ü'.repeat(127)].sort();
  for (const name of names) await writeFile(`${dir}/${name}`, '');
  assertEqual((await fs.readdir(dir)).sort(), names);
  const bytes = (await fs.readdir(dir, { encoding: 'buffer' })).map((name) => new TextDecoder().decode(name));
  assertEqual(bytes.sort(), names);
});

test('directories are made, read and removed', async () => {
  const dir = await fresh('dirs');
  assertEqual(await mkdir(`${dir}/a/b/c`, { recursive: true }), `${dir}/a`);
  assertEqual(await mkdir(`${dir}/a/b/c`, { recursive: true }), undefined);
  await assertRejects(mkdir(`${dir}/a`), { code: 'EEXIST', message: `EEXIST: file already exists, mkdir '${dir}/a'` });
  await writeFile(`${dir}/a/file`, 'x');
  assertEqual(await fs.readdir(`${dir}/a`), ['b', 'file']);
  const entries = await fs.readdir(dir, { withFileTypes: true, recursive: true });
  assertEqual(entries.map((entry) => [entry.parentPath, entry.name, entry.isDirectory()]), [
    [dir, 'a', true], [`${dir}/a`, 'b', true], [`${dir}/a`, 'file', false], [`${dir}/a/b`, 'c', true],
  ]);
  assertEqual(await fs.readdir(dir, { recursive: true }), ['a', 'a/b', 'a/file', 'a/b/c']);
  const names = [];
  for await (const entry of await fs.opendir(`${dir}/a`)) names.push(entry.name);
  assertEqual(names, ['b', 'file']);
  await assertRejects(fs.rmdir(`${dir}/a`), { code: 'ENOTEMPTY', syscall: 'rmdir' });
  await assertRejects(fs.rm(`${dir}/a`), { code: 'ERR_FS_EISDIR' });
  await assertRejects(fs.readdir(`${dir}/a/file`), { code: 'ENOTDIR', syscall: 'scandir' });
  await fs.rm(`${dir}/a`, { recursive: true });
  assertEqual(await fs.readdir(dir), []);
  await assertRejects(fs.rm(`${dir}/a`), { code: 'ENOENT' });
  await fs.rm(`${dir}/a`, { force: true });
  const temp = await fs.mkdtemp(`${dir}/tmp-`);
  assert(/tmp-\w{6}$/.test(temp) && (await fs.stat(temp)).isDirectory());
});

test('names move, multiply and point elsewhere', async () => {
  const dir = await fresh('names');
  await writeFile(`${dir}/a`, 'a');
  await fs.rename(`${dir}/a`, `${dir}/b`);
  await assertRejects(readFile(`${dir}/a`), { code: 'ENOENT' });
  await fs.link(`${dir}/b`, `${dir}/c`);
  assertEqual((await fs.stat(`${dir}/c`)).nlink, 2);
  await fs.symlink('b', `${dir}/s`);
  assertEqual(await fs.readlink(`${dir}/s`), 'b');
  assertEqual(await readFile(`${dir}/s`, 'utf8'), 'a');
  assertEqual(await fs.realpath(`${dir}/s`), `${dir}/b`);
  assert((await fs.lstat(`${dir}/s`)).isSymbolicLink() && (await fs.stat(`${dir}/s`)).isFile());
  await fs.symlink(`${dir}/loop`, `${dir}/loop`);
  await assertRejects(readFile(`${dir}/loop`), { code: 'ELOOP' });
  await assertRejects(fs.rename(dir, `${dir}/x`), { code: 'EINVAL', path: dir, dest: `${dir}/x`, message: `EINVAL: invalid argument, rename '${dir}' -> '${dir}/x'` });
  await fs.unlink(`${dir}/b`);
  assertEqual(await readFile(`${dir}/c`, 'utf8'), 'a');
  await fs.copyFile(`${dir}/c`, `${dir}/d`);
  await assertRejects(fs.copyFile(`${dir}/c`, `${dir}/d`, fs.constants.COPYFILE_EXCL), { code: 'EEXIST' });
  await fs.cp(dir, '/p-names-copy', { recursive: true });
  assertEqual((await fs.readdir('/p-names-copy')).sort(), ['c', 'd', 'loop', 's']);
  await fs.rm('/p-names-copy', { recursive: true });
});

test('open files read and write where told', async () => {
  const dir = await fresh('handles');
  const file = await fs.open(`${dir}/f`, 'w+');
  assertEqual((await file.write('hello world')).bytesWritten, 11);
  await file.write(new Uint8Array([87]), 0, 1, 6);
  const { bytesRead, buffer } = await file.read(new Uint8Array(5), 0, 5, 6);
  assertEqual([bytesRead, new TextDecoder().decode(buffer)], [5, 'World']);
  assertEqual((await file.stat()).size, 11);
  await file.truncate(5);
  await file.writev([new Uint8Array([33]), new Uint8Array([63])], 5);
  await file.sync();
  assertEqual(await readFile(`${dir}/f`, 'utf8'), 'hello!?');
  await fs.unlink(`${dir}/f`);
  assertEqual((await file.read(new Uint8Array(9), 0, 9, 0)).bytesRead, 7);
  await file.close();
  await assertRejects(file.read(), { code: 'EBADF' });
  await fs.appendFile(`${dir}/log`, 'one\n');
  await fs.appendFile(`${dir}/log`, 'two\n');
  const log = await fs.open(`${dir}/log`);
  const lines = [];
  for await (const line of log.readLines()) lines.push(line);
  assertEqual(lines, ['one', 'two']);
  await log.close();
  await assertRejects(fs.open(`${dir}/log`, 'wx'), { code: 'EEXIST' });
  await assertRejects(writeFile(`${dir}/log`, 'x', { flag: 'wx' }), { code: 'EEXIST' });
});

test('attributes are kept, to the nanosecond', async () => {
  const dir = await fresh('attributes');
  await writeFile(`${dir}/f`, 'abc', { mode: 0o600 });
  const before = Date.now();
  const stat = await fs.stat(`${dir}/f`);
  assertEqual([stat.mode & 0o777, stat.size, stat.isFile()], [0o600, 3, true]);
  assert(Math.abs(stat.mtimeMs - before) < 60_000 && stat.mtime instanceof Date);
  await fs.chmod(`${dir}/f`, 0o444);
  await fs.utimes(`${dir}/f`, 1000, new Date(1_600_000_000_123));
  const exact = await fs.stat(`${dir}/f`, { bigint: true });
  assertEqual([exact.atimeNs, exact.mtimeNs, exact.mode & 0o777n], [1_000_000_000_000n, 1_600_000_000_123_000_000n, 0o444n]);
  await fs.access(`${dir}/f`, fs.constants.R_OK);
  await assertRejects(fs.access(`${dir}/f`, fs.constants.W_OK), { code: 'EACCES', syscall: 'access' });
  await fs.truncate(`${dir}/f`, 1);
  assertEqual(await readFile(`${dir}/f`, 'latin1'), 'a');
  assert((await fs.statfs('/')).bsize > 0);
});

test('text comes in all encodings', async () => {
  const dir = await fresh('encodings');
  for (const [encoding, text] of [['utf8', 'ü€😀'], ['latin1', 'ü'], ['hex', '00ff10'], ['base64', 'AP8Q'], ['utf16le', 'ü€']]) {
    await writeFile(`${dir}/${encoding}`, text, encoding);
    assertEqual(await readFile(`${dir}/${encoding}`, encoding), text);
    assertEqual(await readFile(`${dir}/${encoding}`, { encoding }), text);
  }
});

test('streams read ranges, and replace a file only when closed', async () => {
  const dir = await fresh('streams');
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, at) => at % 251);
  await writeFile(`${dir}/f`, bytes);
  const part = await new Response(await fs.createReadable(`${dir}/f`, { start: 10, end: 600_009 })).bytes?.()
    ?? new Uint8Array(await new Response(await fs.createReadable(`${dir}/f`, { start: 10, end: 600_009 })).arrayBuffer());
  assertEqual(part, bytes.slice(10, 600_010));
  const writer = (await fs.createWritable(`${dir}/f`)).getWriter();
  await writer.write('new ');
  await writer.write(new Uint8Array([49]));
  assertEqual((await fs.stat(`${dir}/f`)).size, 1_000_000);
  await writer.close();
  assertEqual(await readFile(`${dir}/f`, 'utf8'), 'new 1');
  const aborted = (await fs.createWritable(`${dir}/f`)).getWriter();
  await aborted.write('never');
  await aborted.abort();
  assertEqual(await readFile(`${dir}/f`, 'utf8'), 'new 1');
});

test('a tree goes into an archive and comes out the same', async () => {
  const dir = await fresh('tar');
  const long = `${'directory-with-a-long-name/'.repeat(6)}file`;
  await mkdir(`${dir}/from/${long}`.replace(/\/file$/, ''), { recursive: true });
  await writeFile(`${dir}/from/${long}`, 'deep', { mode: 0o640 });
  await writeFile(`${dir}/from/ü`, new Uint8Array(300_000).fill(7));
  await fs.symlink('ü', `${dir}/from/link`);
  await fs.utimes(`${dir}/from/ü`, 5, 1_234_567.891);
  await fs.import(fs.export(`${dir}/from`), `${dir}/to`);
  assertEqual((await fs.readdir(`${dir}/to`, { recursive: true })).sort(), (await fs.readdir(`${dir}/from`, { recursive: true })).sort());
  assertEqual(await readFile(`${dir}/to/${long}`, 'utf8'), 'deep');
  assertEqual(await readFile(`${dir}/to/link`), new Uint8Array(300_000).fill(7));
  const copy = await fs.stat(`${dir}/to/ü`);
  assertEqual([copy.mtimeMs, (await fs.stat(`${dir}/to/${long}`)).mode & 0o777], [1_234_567_891, 0o640]);
});

test('a mapped file is its bytes', async () => {
  const dir = await fresh('map');
  await writeFile(`${dir}/f`, new Uint8Array(500_000).fill(1));
  const file = await fs.map(`${dir}/f`);
  assertEqual([file.size, file.memory[499_999]], [500_000, 1]);
  file.memory[400_000] = 9;
  await file.sync(400_000, 1);
  assertEqual((await readFile(`${dir}/f`))[400_000], 9);
  await file.unmap();
  assertEqual([file.ptr, file.size, file.memory], [null, 0, null]);
});

test('watchers are told what changes', async () => {
  const dir = await fresh('watch');
  const stop = new AbortController();
  const seen = [];
  const watching = (async () => {
    for await (const event of fs.watch(dir, { signal: stop.signal })) {
      seen.push(`${event.eventType} ${event.filename}`);
      if (seen.length === 1) await writeFile(`${dir}/f`, 'again');
      if (seen.some((event) => event === 'change f')) stop.abort();
    }
  })();
  await new Promise((done) => setTimeout(done, 50));
  await writeFile(`${dir}/f`, 'once');
  await assertRejects(watching, { name: 'AbortError' });
  assertEqual(seen[0], 'rename f');
});

test('a memory store is mounted over a directory and taken away again', async () => {
  const dir = await fresh('mount');
  await mkdir(`${dir}/m`);
  await fs.mount(`${dir}/m`, { store: 'memory' });
  await writeFile(`${dir}/m/f`, 'in memory');
  assertEqual(await readFile(`${dir}/m/f`, 'utf8'), 'in memory');
  assertNotEqual((await fs.stat(`${dir}/m`)).dev, (await fs.stat(dir)).dev);
  await assertRejects(fs.rename(`${dir}/m/f`, `${dir}/f`), { code: 'EXDEV' });
  await fs.unmount(`${dir}/m`);
  assertEqual(await fs.readdir(`${dir}/m`), []);
});

test('each change has a later time, however fast they come', async () => {
  const dir = await fresh('clock');
  let last = 0;
  for (let n = 0; n < 200; n++) {
    await fs.writeFile(`${dir}/f`, 'x', { flush: false });
    const { mtimeMs } = await fs.stat(`${dir}/f`);
    assert(mtimeMs > last, `${mtimeMs} after ${last}`);
    last = mtimeMs;
  }
});

test('the tree is sound, and its size is known', async () => {
  assertEqual(await fs.check(), []);
  const { files, cached, durable } = await fs.usage();
  assert(files > 5 && cached > 0 && durable);
  await fs.sync();
});
