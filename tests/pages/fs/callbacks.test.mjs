// What node:fs has beside its promises, and what comes along: callbacks, attributes, owners, pieces, copies of trees.
// modes: isolated bare
import { assert, assertEqual, assertRejects, assertThrows, test, within } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

async function fresh(name) {
  await fs.rm(`/c-${name}`, { recursive: true, force: true });
  await fs.mkdir(`/c-${name}`);
  return `/c-${name}`;
}

/** A function with a callback, called: all that it was given. */
const called = (fn, ...args) => within(15_000, new Promise((done) => fn(...args, (...given) => done(given))), fn.name);

test('functions take a callback, and without one they are promises', async () => {
  const dir = await fresh('calls');
  assertEqual(await called(fs.writeFile, `${dir}/f`, 'text'), [null, undefined]);
  assertEqual(await called(fs.readFile, `${dir}/f`, 'utf8'), [null, 'text']);
  assertEqual(await fs.readFile(`${dir}/f`, 'utf8'), 'text');
  const [error] = await called(fs.stat, `${dir}/missing`);
  assertEqual([error.code, error.path, error.syscall], ['ENOENT', `${dir}/missing`, 'stat']);
  assertEqual(await called(fs.exists, `${dir}/f`), [true]);
  assertEqual(await called(fs.exists, `${dir}/missing`), [false]);
  const [, fd] = await called(fs.open, `${dir}/f`, 'r+');
  assert(Number.isInteger(fd) && fd >= 0, `a number, not ${fd}`);
  const into = new Uint8Array(4);
  assertEqual(await called(fs.read, fd, into, 0, 2, 1), [null, 2, into]);
  assertEqual([...into], [101, 120, 0, 0]);
  assertEqual((await called(fs.read, fd, { buffer: into, position: 0 }))[1], 4);
  assertEqual((await called(fs.write, fd, 'T', 0))[1], 1);
  assertEqual((await called(fs.fstat, fd))[1].size, 4);
  assertEqual(await called(fs.close, fd), [null, undefined]);
  assertEqual((await called(fs.close, fd))[0].code, 'EBADF');
  assertEqual((await called(fs.readdir, dir))[1], ['f']);
  assertEqual(await fs.readFile(`${dir}/f`, 'utf8'), 'Text');
  assertThrows(() => fs.read(fd, into), { code: 'ERR_INVALID_ARG_TYPE' });
  assertThrows(() => fs.fstat(fd), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('watchers with a listener hear until they are closed', async () => {
  const dir = await fresh('watch');
  const heard = [];
  const first = new Promise((done) => {
    const watcher = fs.watch(dir, (eventType, filename) => {
      heard.push(`${eventType} ${filename}`);
      done(watcher);
    });
  });
  await fs.writeFile(`${dir}/f`, 'x');
  const watcher = await within(15_000, first, 'the listener');
  assertEqual(heard[0], 'rename f');
  watcher.close();
  const missing = new Promise((done) => fs.watch(`${dir}/missing`, () => {}).on('error', done));
  const { code, syscall, filename } = await within(15_000, missing, 'the error');
  assertEqual([code, syscall, filename], ['ENOENT', 'watch', `${dir}/missing`]);
  await assertRejects(fs.promises.watch(`${dir}/missing`).next(), { code: 'ENOENT' });
  const changed = new Promise((done) => fs.watchFile(`${dir}/f`, { interval: 20 }, (now, before) => done([now.size, before.size])));
  // Nothing tells when it has first looked, which may be after the first of these.
  let isHeard = false;
  void changed.then(() => (isHeard = true));
  for (let size = 2; !isHeard && size < 400; size++) {
    await fs.writeFile(`${dir}/f`, 'x'.repeat(size));
    await new Promise((done) => setTimeout(done, 40));
  }
  const [now, before] = await within(15_000, changed, 'watchFile');
  assert(before >= 1 && now > before, `${before} bytes, then ${now}`);
  fs.unwatchFile(`${dir}/f`);
});

test('owners and extended attributes stay', async () => {
  const dir = await fresh('attributes');
  await fs.writeFile(`${dir}/f`, '');
  await fs.chown(`${dir}/f`, 1000, 100);
  await fs.chown(`${dir}/f`, -1, 101);
  const { uid, gid } = await fs.stat(`${dir}/f`);
  assertEqual([uid, gid], [1000, 101]);
  assertEqual((await fs.stat(`${dir}/f`, { bigint: true })).gid, 101n);
  await assertRejects(fs.chown(`${dir}/f`, 1.5, 0), { code: 'ERR_OUT_OF_RANGE' });
  await fs.xattr.set(`${dir}/f`, 'user.type', 'text/plain');
  await fs.xattr.set(`${dir}/f`, 'user.b\u00e4r', new Uint8Array([1, 2]));
  assertEqual(await fs.xattr.list(`${dir}/f`), ['user.b\u00e4r', 'user.type']);
  assertEqual(await fs.xattr.get(`${dir}/f`, 'user.type', 'utf8'), 'text/plain');
  assertEqual(await fs.xattr.get(`${dir}/f`, 'user.b\u00e4r'), new Uint8Array([1, 2]));
  await fs.xattr.remove(`${dir}/f`, 'user.type');
  await assertRejects(fs.xattr.get(`${dir}/f`, 'user.type'), { code: 'ENODATA', syscall: 'getxattr', path: `${dir}/f` });
  await assertRejects(fs.xattr.set(`${dir}/f`, 'system.x', ''), { code: 'ENOTSUP' });
});

test('files are written piece by piece, as one change', async () => {
  const dir = await fresh('pieces');
  await fs.writeFile(`${dir}/f`, 'old');
  await fs.writeFile(`${dir}/f`, ['a', new Uint8Array([98]), 'c'], { mode: 0o600 });
  assertEqual(await fs.readFile(`${dir}/f`, 'utf8'), 'abc');
  async function* broken() {
    yield 'half';
    assertEqual(await fs.readFile(`${dir}/f`, 'utf8'), 'abc', 'nobody sees it before its end');
    throw new Error('the source ends');
  }
  await assertRejects(fs.writeFile(`${dir}/f`, broken()), { message: 'the source ends' });
  assertEqual(await fs.readFile(`${dir}/f`, 'utf8'), 'abc');
  const handle = await fs.open(`${dir}/f`, 'r+');
  await fs.writeFile(handle, 'X');
  assertEqual(await fs.readFile(handle, 'utf8'), 'bc');
  await handle.close();
  await assertRejects(handle.read(), { code: 'EBADF' });
  const { path, remove } = await fs.mkdtempDisposable(`${dir}/temp-`);
  await fs.writeFile(`${path}/g`, 'x');
  await remove();
  assertEqual(await fs.exists(path), false);
});

test('trees are copied as cp of Node.js does', async () => {
  const dir = await fresh('copy');
  await fs.mkdir(`${dir}/from/sub`, { recursive: true });
  await fs.writeFile(`${dir}/from/sub/f`, 'x', { mode: 0o640 });
  await fs.symlink('sub/f', `${dir}/from/link`);
  await assertRejects(fs.cp(`${dir}/from`, `${dir}/to`), { code: 'ERR_FS_EISDIR' });
  await assertRejects(fs.cp(`${dir}/from`, `${dir}/from/sub/to`, { recursive: true }), { code: 'ERR_FS_CP_EINVAL' });
  await assertRejects(fs.cp(`${dir}/from`, `${dir}/from`, { recursive: true }), { code: 'ERR_FS_CP_EINVAL' });
  await assertRejects(fs.cp(`${dir}/missing`, `${dir}/to`), { code: 'ENOENT' });
  await fs.utimes(`${dir}/from/sub/f`, 5, 1234.5);
  await fs.cp(`${dir}/from`, `${dir}/to`, { recursive: true, preserveTimestamps: true });
  const copy = await fs.stat(`${dir}/to/sub/f`);
  assertEqual([copy.mode & 0o777, copy.mtimeMs], [0o640, 1_234_500]);
  assertEqual(await fs.readlink(`${dir}/to/link`), `${dir}/from/sub/f`);
  await fs.writeFile(`${dir}/to/sub/f`, 'kept');
  await fs.cp(`${dir}/from`, `${dir}/to`, { recursive: true, force: false });
  assertEqual(await fs.readFile(`${dir}/to/sub/f`, 'utf8'), 'kept');
  await assertRejects(fs.cp(`${dir}/from/sub/f`, `${dir}/to/sub/f`, { force: false, errorOnExist: true }), { code: 'ERR_FS_CP_EEXIST' });
  await assertRejects(fs.cp(`${dir}/from/sub/f`, `${dir}/to/sub`), { code: 'ERR_FS_CP_NON_DIR_TO_DIR' });
  await assertRejects(fs.cp(`${dir}/from`, `${dir}/to/sub/f`, { recursive: true }), { code: 'ERR_FS_CP_DIR_TO_NON_DIR' });
  await assertRejects(fs.copyFile(`${dir}/from`, `${dir}/to/sub/f`), { code: 'EISDIR', syscall: 'copyfile' });
  assertEqual(await fs.readFile(`${dir}/to/sub/f`, 'utf8'), 'kept', 'a copy that fails leaves what was there');
  await assertRejects(fs.copyFile(`${dir}/to/sub/f`, `${dir}/new`, fs.constants.COPYFILE_FICLONE_FORCE), { code: 'ENOTSUP' });
  await fs.mkdir(`${dir}/other`);
  await fs.mount(`${dir}/other`, { store: 'memory' });
  await fs.cp(`${dir}/from`, `${dir}/other/tree`, { recursive: true, dereference: true });
  assertEqual(await fs.readFile(`${dir}/other/tree/link`, 'utf8'), 'x', 'from one store to another');
  await fs.unmount(`${dir}/other`);
});

test('arguments that make no sense are refused as Node.js refuses them', async () => {
  const dir = await fresh('arguments');
  await assertRejects(fs.readFile(5.5), { code: 'ERR_OUT_OF_RANGE' });
  await assertRejects(fs.readFile(null), { code: 'ERR_INVALID_ARG_TYPE' });
  await assertRejects(fs.readFile('/a\0b'), { code: 'ERR_INVALID_ARG_VALUE' });
  await assertRejects(fs.readFile(new URL('https://example.org/f')), { code: 'ERR_INVALID_URL_SCHEME' });
  await assertRejects(fs.readFile(new URL('file:///a%2fb')), { code: 'ERR_INVALID_FILE_URL_PATH' });
  await assertRejects(fs.open(`${dir}/f`, 'q'), { code: 'ERR_INVALID_ARG_VALUE' });
  await assertRejects(fs.writeFile(`${dir}/f`, 5), { code: 'ERR_INVALID_ARG_TYPE' });
  await assertRejects(fs.readFile(dir, 'no-encoding'), { code: 'ERR_INVALID_ARG_VALUE' });
  await assertRejects(fs.readFile(dir), { code: 'EISDIR', syscall: 'read', message: 'EISDIR: illegal operation on a directory, read' });
  await fs.writeFile(`${dir}/f`, 'bytes');
  const handle = await fs.open(`${dir}/f`);
  await assertRejects(handle.read(new Uint8Array(4), 5), { code: 'ERR_OUT_OF_RANGE' });
  await assertRejects(handle.read(new Uint8Array(4), 0, 5), { code: 'ERR_OUT_OF_RANGE' });
  await assertRejects(handle.write(new Uint8Array(4)), { code: 'EBADF' });
  await handle.close();
  assertEqual(await fs.readFile(`${dir}/f`, 'HEX'), '6279746573');
  await fs.writeFile(`${dir}/f`, ' YW-_\nYw==ignored', 'base64');
  assertEqual(await fs.readFile(`${dir}/f`, 'latin1'), 'ao\u00bfc');
  const stop = new AbortController();
  stop.abort();
  await assertRejects(fs.readFile(`${dir}/f`, { signal: stop.signal }), { name: 'AbortError' });
});
