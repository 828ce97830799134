// The golden reports of tests/conformance are no one host's quirks: Node's own WASI gives them too, but for the cases named here.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildGuests } from '../conformance/build.mjs';

const HERE = new URL('../conformance/', import.meta.url);
const world = JSON.parse(readFileSync(new URL('world.json', HERE), 'utf8'));

/** Where Node answers otherwise, and why that is no argument against the golden report. */
const RIGHTS = 'it enforces rights, and answers ENOTCAPABLE where others know a better reason';
const EMPTY = 'it calls an empty path invalid, not missing';
const DIFFERENT = {
  'bad-pointers': 'it calls pointers that lie EOVERFLOW, not EFAULT',
  'list-changing': 'it leaves "." and ".." out',
  sockets: 'it asks for rights before it knows that there is no socket',
  'poll-clocks': 'it takes a far deadline for one that is past',
  'poll-files': 'it cannot wait for regular files',
  'poll-wrong': 'a descriptor that is none becomes a clock',
  preopens: 'it calls descriptors that are no preopens invalid',
  stdio: RIGHTS,
  renumber: 'it tells flags of the operating system that are no flags of WASI',
  flags: 'it tells flags of the operating system that are no flags of WASI',
  'close-preopen': 'it calls descriptors that are no preopens invalid',
  seek: RIGHTS,
  sizes: RIGHTS,
  'read-only-file': RIGHTS,
  'write-only-file': RIGHTS,
  'directory-as-file': RIGHTS,
  'open-missing': EMPTY,
  'open-directory': RIGHTS,
  'open-names': 'it takes names that are no UTF-8',
  'open-dots': 'it takes "missing/.." out of a path as if it were text',
  'open-through-file': 'it takes "file/.." out of a path as if it were text',
  'make-directory': EMPTY,
  list: 'it leaves "." and ".." out',
  'list-cookies': 'it leaves "." and ".." out',
  symlinks: EMPTY,
  dangling: 'it follows a link that must not be followed',
  nofollow: 'it follows links that must not be followed',
  readlink: 'it refuses a short buffer instead of filling it',
  'hard-links-wrong': 'it follows a link that must not be followed',
  times: 'it keeps times to the second',
  'times-links': 'it keeps times to the second',
  'times-wrong': EMPTY,
  filestat: EMPTY,
  escapes: 'it lets guests out of their directories, which its documentation says',
  'read-only': 'it knows no directories that may only be read',
};

const RUN = `
  import { WASI } from 'node:wasi';
  import { readFileSync } from 'node:fs';
  const { module, ...config } = JSON.parse(process.argv[1]);
  const wasi = new WASI({ version: 'preview1', returnOnExit: true, ...config });
  const { instance } = await WebAssembly.instantiate(readFileSync(module), wasi.getImportObject());
  console.log('exit ' + wasi.start(instance));
`;

const module = await buildGuests();

/** How long a case may take that must be as its golden report, in milliseconds. */
const DEADLINE = 60_000;

/** The same for one that must differ. Some never end in Node, and one that is cut short by a slow machine differs too. */
const PATIENCE = 5000;

/** Runs a case in a world of its own, in a process of its own (Node's WASI may end it); resolves to what it printed until `timeout`. */
async function report(args, timeout = DEADLINE) {
  const base = mkdtempSync(join(tmpdir(), 'isolith-conformance-'));
  try {
    for (const path of world.directories) mkdirSync(join(base, path), { recursive: true });
    for (const [path, text] of Object.entries(world.files)) writeFileSync(join(base, path), text);
    for (const [path, target] of Object.entries(world.links)) symlinkSync(target, join(base, path));
    const preopens = Object.fromEntries(Object.entries(world.preopens).map(([guest, path]) => [guest, join(base, path)]));
    const config = { module, args: [...world.args, ...args], env: world.env, preopens };
    return await new Promise((done) => {
      const flags = ['--no-warnings', '--input-type=module', '-e', RUN, JSON.stringify(config)];
      const { stdin } = execFile(process.execPath, flags, { timeout }, (_, stdout) => done(stdout));
      // Who ends without having read it closes the pipe.
      stdin.on('error', () => {});
      stdin.end(world.stdin);
    });
  } finally {
    rmSync(base, { recursive: true });
  }
}

const names = (await report([])).trim().split('\n').slice(0, -1);

describe('cases', { concurrency: availableParallelism() }, () => {
  for (const name of names) {
    const golden = readFileSync(new URL(`golden/${name}.txt`, HERE), 'utf8');
    const reason = DIFFERENT[name];
    // Whoever mends Node shall be told: what is listed must still differ.
    if (reason !== undefined) test(`${name} differs: ${reason}`, async () => assert.notEqual(await report([name], PATIENCE), golden));
    else test(name, async () => assert.equal(await report([name]), golden));
  }
});
