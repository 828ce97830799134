// What Node.js says to arguments that make no sense is what we say: the same classes, codes and messages, awaited and blocking.
// modes: isolated
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';
import { playArguments } from './conform/arguments.mjs';

const PLAY = new URL('./conform/arguments.mjs', import.meta.url).href;

/** The version whose messages ours are; others put some of them differently, so that only classes and codes are compared. */
const MAJOR = 20;

/** Where we differ on purpose: calls as written, what is compared all the same, and why. */
const OURS = [
  [/^(access|copyFile)\(.*, 1\.5\)/, 'nothing', 'Node.js cuts the mode off'],
  [/^(access|copyFile)\(/, 'code', 'Node.js words its complaints about these modes unlike all others'],
  [/'buffer'\)$/, 'nothing', 'Node.js takes this encoding in blocking calls only'],
  [/^open\(.*, -1, /, 'nothing', 'these flags contradict each other'],
  [/^realpath\(.*hex/, 'nothing', 'the root has another name there'],
  [/^realpath\((?!'\/link')/, 'nothing', 'realpathSync of Node.js makes a path of anything'],
  [/^truncate\([^']/, 'nothing', 'truncateSync of Node.js still takes numbers of files'],
  [/^read\(bytes, 0, (undefined|null|1099511627776), 0\)/, 'nothing', 'readSync of Node.js takes them for no bytes'],
  [/^readdir\(.*"recursive":"yes"/, 'nothing', 'Node.js looks at it in blocking calls only'],
  [/^symlink\(.*, .*, .*\)/, 'nothing', 'the kind of a link has no meaning but on Windows'],
];

/** What counts of an outcome. */
function counted([call, outcome], major) {
  if (!outcome?.code) return outcome;
  const { name, code, message } = outcome;
  if (major !== MAJOR || OURS.some(([pattern, only]) => only === 'code' && pattern.test(call))) return { name, code };
  // Objects are printed otherwise.
  return { name, code, message: message.replace(/Received [{[].*/, '') };
}

async function compare(ours, sync) {
  const response = await fetch(`/made/tests/pages/fs/conform/arguments?${sync ? 'sync=1' : ''}`);
  if (!response.ok) throw new Error(`the oracle: ${await response.text()}`);
  const { major, outcomes } = await response.json();
  assertEqual(ours.length, outcomes.length);
  const differences = [];
  outcomes.forEach(([call, theirs], at) => {
    const mine = ours[at][1];
    // Without a code it is no error that Node.js meant to throw.
    if ((theirs?.code === null && theirs.name) || OURS.some(([pattern, only]) => only === 'nothing' && pattern.test(call))) return;
    if (JSON.stringify(counted([call, theirs], major)) !== JSON.stringify(counted([call, mine], major))) differences.push(`${call}\n  Node.js: ${JSON.stringify(theirs)}\n  here:    ${JSON.stringify(mine)}`);
  });
  assert(differences.length === 0, `${differences.length} of ${outcomes.length} differ:\n${differences.slice(0, 20).join('\n')}`);
}

test('awaited on the page', async () => {
  await fs.mkdir('/arguments', { recursive: true });
  await fs.mount('/arguments', { store: 'memory' });
  const ours = await playArguments(fs.promises, '/arguments/root');
  await compare(JSON.parse(JSON.stringify(ours)), false);
}, { timeout: 120_000 });

test('blocking in a worker', async () => {
  const pool = createPool(1);
  const ours = await pool.run(async ({ url }) => (await import(url)).playArguments(globalThis.fs.sync, '/arguments/root', { sync: true }), { url: PLAY });
  await pool.destroy();
  await compare(JSON.parse(JSON.stringify(ours)), true);
}, { timeout: 120_000, shared: true, reason: 'workers share the filesystem only where memory is shared' });
