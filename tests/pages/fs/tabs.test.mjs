// Several tabs on one tree: no update is lost, nothing is torn, and what one has written the others see.
// modes: isolated bare
import { assertEqual, openTab, test, within } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const FILES = 8;

/** Each tab appends its own lines to every file and rewrites one file as a whole, over and over. */
async function hammer(name, files, rounds) {
  const fs = await import('isolith/fs');
  for (let round = 0; round < rounds; round++) {
    await fs.appendFile(`/hammer/log-${round % files}`, `${name}:${round}\n`);
    const bytes = new Uint8Array(40_000).fill(name.charCodeAt(0));
    await fs.writeFile('/hammer/whole', bytes);
    const seen = await fs.readFile('/hammer/whole');
    if (seen.length !== 40_000 || seen.some((byte) => byte !== seen[0])) throw new Error(`torn: ${seen.length} bytes`);
  }
  return (await fs.check()).concat(JSON.stringify(globalThis.__pageErrors ?? []) === '[]' ? [] : globalThis.__pageErrors);
}

async function storm(count, rounds) {
  await fs.rm('/hammer', { recursive: true, force: true });
  await fs.mkdir('/hammer');
  const tabs = await Promise.all(Array.from({ length: count - 1 }, () => openTab()));
  const names = ['A', ...tabs.map((_, at) => String.fromCharCode(66 + at))];
  const results = await Promise.all([hammer('A', FILES, rounds), ...tabs.map((tab, at) => tab.run(hammer, names[at + 1], FILES, rounds))]);
  assertEqual(results.flat(), []);
  const lines = [];
  for (let at = 0; at < FILES; at++) lines.push(...(await fs.readFile(`/hammer/log-${at}`, 'utf8')).trimEnd().split('\n'));
  const wanted = names.flatMap((name) => Array.from({ length: rounds }, (_, round) => `${name}:${round}`));
  assertEqual(lines.sort(), wanted.sort());
  for (const tab of tabs) await tab.close();
}

test('two tabs hammer one tree', () => storm(2, 25), { timeout: 60_000 });

test('five tabs hammer one tree', () => storm(5, 8), { timeout: 120_000 });

test('a read that follows a write in another tab sees it', async () => {
  const tab = await openTab();
  for (let round = 0; round < 20; round++) {
    await tab.run(async (round) => (await import('isolith/fs')).writeFile('/seen', `tab ${round}`), round);
    assertEqual(await fs.readFile('/seen', 'utf8'), `tab ${round}`);
    await fs.writeFile('/seen', `page ${round}`);
    assertEqual(await tab.run(async () => (await import('isolith/fs')).readFile('/seen', 'utf8')), `page ${round}`);
  }
  await tab.close();
}, { timeout: 60_000 });

test('a tab that closes while it may write leaves the right to others', async () => {
  const tab = await openTab();
  await tab.run(async () => (await import('isolith/fs')).writeFile('/closing', 'from the tab'));
  await tab.close();
  await writeSoon('/closing', 'from the page');
  assertEqual(await fs.readFile('/closing', 'utf8'), 'from the page');
});

/** Writes with a deadline: who holds the right to write does not answer. */
function writeSoon(path, text) {
  return within(15_000, fs.writeFile(path, text), 'the right to write');
}

test('a frozen tab that may write is passed over', async () => {
  const tab = await openTab();
  await tab.run(async () => (await import('isolith/fs')).writeFile('/frozen', 'from the tab'));
  await tab.freeze();
  await writeSoon('/frozen', 'from the page');
  assertEqual(await fs.readFile('/frozen', 'utf8'), 'from the page');
  await tab.drop();
}, { timeout: 30_000, only: ['chromium'], reason: 'only Chromium freezes a tab on request' });

test('a tab that is gone in the middle of its writes is passed over', async () => {
  const tab = await openTab();
  await tab.run(async () => {
    const fs = await import('isolith/fs');
    await fs.writeFile('/dropped', 'from the tab');
    void (async () => { for (let round = 0; ; round++) await fs.writeFile('/dropped-on', `${round}`); })();
  });
  await tab.drop();
  await writeSoon('/dropped', 'from the page');
  assertEqual(await fs.readFile('/dropped', 'utf8'), 'from the page');
}, {
  timeout: 30_000,
  only: ['chromium', 'firefox'],
  reason: 'WebKit now and then keeps the open transaction of a closed tab for ever, and so the database from everybody',
});

test('a tab that is stuck while it may write is passed over', async () => {
  const tab = await openTab();
  await tab.run(async () => {
    const fs = await import('isolith/fs');
    await fs.writeFile('/stuck', 'from the tab');
    // A thread that no longer answers: where the stores live on the page, that is the page.
    if (!crossOriginIsolated) setTimeout(() => { for (const end = Date.now() + 4_000; Date.now() < end; ); }, 10);
  });
  await new Promise((done) => setTimeout(done, 50));
  await fs.writeFile('/stuck', 'from the page');
  assertEqual(await fs.readFile('/stuck', 'utf8'), 'from the page');
  // Until it no longer is, and has heard of what happened meanwhile.
  if (!crossOriginIsolated) await new Promise((done) => setTimeout(done, 4_500));
  assertEqual(await tab.run(async () => (await import('isolith/fs')).readFile('/stuck', 'utf8')), 'from the page');
  await tab.run(async () => (await import('isolith/fs')).writeFile('/stuck', 'from the tab again'));
  assertEqual(await fs.readFile('/stuck', 'utf8'), 'from the tab again');
  await tab.close();
}, { timeout: 60_000 });

test('watchers hear of other tabs', async () => {
  await fs.mkdir('/watched', { recursive: true });
  const tab = await openTab();
  const stop = new AbortController();
  const first = (async () => {
    for await (const event of fs.watch('/watched', { signal: stop.signal })) return event.filename;
    return undefined;
  })();
  await tab.run(async () => (await import('isolith/fs')).writeFile('/watched/from-afar', 'x'));
  assertEqual(await first, 'from-afar');
  await tab.close();
});
