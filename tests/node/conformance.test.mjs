// The golden reports of tests/conformance are no one host's quirks: Node's own WASI gives them too, but for the cases named here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
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

/** Runs a case in a world of its own, in a process of its own: Node's WASI may end it. */
function report(args) {
  const base = mkdtempSync(join(tmpdir(), 'isolith-conformance-'));
  try {
    for (const path of world.directories) mkdirSync(join(base, path), { recursive: true });
    for (const [path, text] of Object.entries(world.files)) writeFileSync(join(base, path), text);
    for (const [path, target] of Object.entries(world.links)) symlinkSync(target, join(base, path));
    const preopens = Object.fromEntries(Object.entries(world.preopens).map(([guest, path]) => [guest, join(base, path)]));
    const config = { module, args: [...world.args, ...args], env: world.env, preopens };
    const { stdout } = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', RUN, JSON.stringify(config)], {
      encoding: 'utf8', input: world.stdin, timeout: 30_000,
    });
    return stdout;
  } finally {
    rmSync(base, { recursive: true });
  }
}

for (const name of report([]).trim().split('\n').slice(0, -1)) {
  const golden = readFileSync(new URL(`golden/${name}.txt`, HERE), 'utf8');
  const reason = DIFFERENT[name];
  // Whoever mends Node shall be told: what is listed must still differ.
  if (reason !== undefined) test(`${name} differs: ${reason}`, () => assert.notEqual(report([name]), golden));
  else test(name, () => assert.equal(report([name]), golden));
}
