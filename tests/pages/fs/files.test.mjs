// Files in one line each: written, read back, listed and deleted, and still there after a reload and in another tab.
// modes: isolated bare
import { assertEqual, assertRejects, openTab, test } from '/tests/pages/lib/test.mjs';
import { deleteFile, exists, listFiles, readFile, readText, writeFile, writeText } from 'isolith';

test('text and bytes come back as they were written', async () => {
  await writeText('/hello.txt', 'Hello Forge');
  assertEqual(await readText('/hello.txt'), 'Hello Forge');
  await writeFile('/image.bin', new Uint8Array([1, 2, 3]));
  assertEqual(await readFile('/image.bin'), new Uint8Array([1, 2, 3]));
  await writeText('/deep/er/ünicode.txt', 'ßtraße \u{1f600}');
  assertEqual(await readText('/deep/er/ünicode.txt'), 'ßtraße \u{1f600}');
  await writeText('/empty', '');
  assertEqual((await readFile('/empty')).length, 0);
});

test('files are found, listed by prefix and deleted', async () => {
  await writeText('/list/a.txt', 'a');
  await writeText('/list/b/c.txt', 'c');
  await writeText('/listing', 'l');
  assertEqual(await listFiles('/list/'), ['/list/a.txt', '/list/b/c.txt']);
  assertEqual(await listFiles('/list'), ['/list/a.txt', '/list/b/c.txt', '/listing']);
  assertEqual(await exists('/list/a.txt'), true);
  await deleteFile('/list/a.txt');
  assertEqual(await exists('/list/a.txt'), false);
  await assertRejects(readText('/list/a.txt'), { code: 'ENOENT', errno: -2, syscall: 'open', path: '/list/a.txt', message: "ENOENT: no such file or directory, open '/list/a.txt'" });
  await assertRejects(deleteFile('/list/a.txt'), { code: 'ENOENT', syscall: 'unlink' });
  await assertRejects(writeText('relative', ''), { code: 'EINVAL' });
});

test('a large file is read back whole', async () => {
  const bytes = new Uint8Array(20 * 2 ** 20 + 17);
  for (let at = 0; at < bytes.length; at += 997) bytes[at] = at;
  await writeFile('/large', bytes);
  assertEqual(await readFile('/large'), bytes);
});

test('what was written is there in a tab opened later', async () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  await writeFile('/tabs/first', bytes);
  const tab = await openTab();
  const seen = await tab.run(async () => {
    const { readFile, writeText } = await import('isolith');
    const found = await readFile('/tabs/first');
    await writeText('/tabs/second', 'from the other tab');
    return found;
  });
  assertEqual(seen, bytes);
  assertEqual(await readText('/tabs/second'), 'from the other tab');
  await tab.close();
});
