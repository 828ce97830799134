// Sequences of file operations, made up from a seed, and what comes of them: played on Node.js and in the browser alike.

/** Pseudo-random numbers in [0, 1) that are the same everywhere: mulberry32. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = ['a', 'b', 'c', 'd'];
const FLAGS = ['r', 'r+', 'w', 'w+', 'wx', 'a', 'a+', 'ax', 'rs+', 'wx+'];

/** A sequence of `length` operations: each a name and its arguments, paths below the root without it. */
export function sequence(seed, length) {
  const next = random(seed);
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  const path = () => {
    const parts = Array.from({ length: 1 + below(next() < 0.7 ? 2 : 3) }, () => pick(NAMES));
    // Only behind a name: the root's own surroundings are not alike.
    if (next() < 0.08) parts.splice(1, 0, pick(['.', '..']));
    return parts.join('/') + (next() < 0.06 ? '/' : '');
  };
  const size = () => pick([0, 1, 5, 100, 4096, 5000, 70_000, below(300_000)]);
  const content = () => ({ bytes: [below(1000), size()] });
  const mode = () => pick([0o700, 0o755, 0o777]);
  const file = () => ({ file: below(4) });
  const makers = [
    [8, () => ['mkdir', path()]],
    [3, () => ['mkdir', path(), { recursive: true, mode: mode() }]],
    [3, () => ['rmdir', path()]],
    [3, () => ['unlink', path()]],
    // Node.js removes `a/..`, and with it the root.
    [2, () => ['rm', path().replace(/\.\.?/, 'a'), { recursive: next() < 0.6, force: next() < 0.5 }]],
    [6, () => ['rename', path(), path()]],
    [3, () => ['link', path(), path()]],
    [4, () => ['symlink', next() < 0.3 ? { root: path() } : path(), path()]],
    [2, () => ['readlink', path()]],
    [3, () => ['stat', path()]],
    [3, () => ['lstat', path()]],
    [3, () => ['readdir', path()]],
    [1, () => ['readdir', path(), { recursive: true }]],
    [1, () => ['readdir', path(), { withFileTypes: true }]],
    [1, () => ['opendir', path()]],
    [2, () => ['realpath', path()]],
    [2, () => ['truncate', path(), size()]],
    [9, () => ['writeFile', path(), content(), { flag: pick(['w', 'w', 'w', 'wx', 'a', 'r+']) }]],
    [2, () => ['writeFile', path(), 'text: \u00fc\u{1f600}', pick(['utf8', 'latin1', 'utf16le', { encoding: 'hex' }])]],
    [3, () => ['appendFile', path(), content()]],
    [4, () => ['readFile', path()]],
    [2, () => ['readFile', path(), pick(['utf8', 'latin1', 'base64', 'base64url', 'hex', 'utf16le', 'ascii'])]],
    [3, () => ['copyFile', path(), path(), pick([0, 0, 1])]],
    [2, () => ['access', path(), pick([0, 4, 6])]],
    [2, () => ['chmod', path(), mode()]],
    [2, () => ['utimes', path(), 1000 + below(1000), 2000 + below(1000)]],
    [1, () => ['lutimes', path(), 1000 + below(1000), 2000 + below(1000)]],
    [6, () => ['open', path(), pick(FLAGS)]],
    [2, () => ['close', file()]],
    [4, () => ['read', file(), size(), next() < 0.5 ? null : below(6000)]],
    [5, () => ['write', file(), content(), next() < 0.5 ? null : below(100_000)]],
    [2, () => ['ftruncate', file(), size()]],
    [1, () => ['fstat', file()]],
  ];
  const bag = makers.flatMap(([weight, make]) => Array.from({ length: weight }, () => make));
  return Array.from({ length }, () => pick(bag)());
}

/** Bytes that tell where they come from. */
function bytesOf([seed, length]) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (seed + Math.imul(at, 31) + (at >> 8)) & 0xff;
  return bytes;
}

function digest(bytes) {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return { length: bytes.length, sum };
}

const kind = (it) => (it.isDirectory() ? 'dir' : it.isSymbolicLink() ? 'link' : 'file');

/** Sizes and link counts of directories, times that nobody has set, and those of access, are each filesystem's own matter. */
const statOf = (it) => ({
  kind: kind(it), mode: it.mode,
  ...(it.isDirectory() ? {} : { nlink: it.nlink }),
  // A link from the root is as long as the root's own name.
  ...(it.isFile() ? { size: it.size } : {}),
  ...(it.mtimeMs < 1e7 ? { mtime: it.mtimeMs } : {}),
});

const byName = (list) => list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** What is compared of an answer. */
function projected(name, value) {
  if (name === 'stat' || name === 'lstat' || name === 'fstat') return statOf(value);
  if (name === 'readdir' || name === 'opendir') return byName(value.map((it) => (typeof it === 'string' ? it : { name: it.name, kind: kind(it) })));
  return value instanceof Uint8Array ? digest(value) : (value ?? null);
}

/** Where Node.js is not of one mind: what then counts of an error. */
const LOOSE = {
  // Made of several calls, of other ones in each version.
  rm: () => 'it failed',
  // opendirSync forgets the path.
  opendir: ({ code, syscall }) => ({ code, syscall }),
};

function failureOf(name, args, error, root) {
  const bare = (text) => (typeof text === 'string' ? text.replaceAll(root, '') : text);
  const { code, errno, syscall } = error;
  if (name in LOOSE) return LOOSE[name](error);
  // Of a link on the way that leads nowhere the promises say ENOTDIR and mkdirSync ENOENT.
  if (name === 'mkdir' && args[1]?.recursive && (code === 'ENOTDIR' || code === 'ENOENT')) return { code: 'ENOENT or ENOTDIR' };
  return { code, errno, syscall, path: bare(error.path), dest: bare(error.dest), message: bare(error.message) };
}

/**
 * Plays a sequence below the directory `root`; what came of each operation. `api` has functions as `node:fs/promises`, or
 * with `sync` as `node:fs`, blocking.
 */
export async function play(api, root, operations, { sync = false } = {}) {
  const files = [];
  const call = sync ? blocking(api) : promising(api);
  const place = (arg) => {
    if (typeof arg === 'object' && arg !== null && 'bytes' in arg) return bytesOf(arg.bytes);
    if (typeof arg === 'object' && arg !== null && 'root' in arg) return `${root}/${arg.root}`;
    return arg;
  };
  const outcomes = [];
  for (const [name, ...args] of operations) {
    const made = args.map(place);
    const byFile = typeof args[0] === 'object' && args[0] !== null && 'file' in args[0];
    if (byFile) {
      if (files.length === 0) {
        outcomes.push('no file is open');
        continue;
      }
      const at = args[0].file % files.length;
      made[0] = files[at];
      if (name === 'close') files.splice(at, 1);
    } else {
      // A link says what it is told; all else is below the root.
      if (name !== 'symlink') made[0] = `${root}/${made[0]}`;
      if (['rename', 'link', 'symlink', 'copyFile'].includes(name)) made[1] = `${root}/${made[1]}`;
    }
    if (name === 'copyFile' && (await isDirectory(call, made[0]))) {
      outcomes.push('not played: Node.js deletes the destination when the source is a directory');
      continue;
    }
    try {
      const value = await call(name, made);
      if (name === 'open') {
        files.push(value);
        outcomes.push('open');
      } else outcomes.push(projected(name, typeof value === 'string' ? value.replaceAll(root, '') : value));
    } catch (error) {
      if (!error?.code) throw error;
      outcomes.push(failureOf(name, args, error, root));
    }
  }
  for (const file of files) await call('close', [file]);
  outcomes.push(await picture(call, root, ''));
  return JSON.parse(JSON.stringify(outcomes));
}

const isDirectory = (call, path) => call('stat', [path]).then((stat) => stat.isDirectory(), () => false);

/** The tree at the end, contents included. */
async function picture(call, root, below) {
  const seen = [];
  for (const name of (await call('readdir', [`${root}/${below}`])).sort()) {
    const path = `${below}/${name}`;
    const stat = await call('lstat', [root + path]);
    const content = stat.isFile() ? digest(await call('readFile', [root + path])) : stat.isSymbolicLink() ? (await call('readlink', [root + path])).replaceAll(root, '') : null;
    seen.push([path, kind(stat), content], ...(stat.isDirectory() ? await picture(call, root, path) : []));
  }
  return seen;
}

function promising(api) {
  return async (name, args) => {
    const [handle, ...rest] = args;
    switch (name) {
      case 'close':
        return handle.close();
      case 'read': {
        const buffer = new Uint8Array(Math.max(1, rest[0]));
        return buffer.slice(0, (await handle.read(buffer, 0, buffer.length, rest[1])).bytesRead);
      }
      case 'write':
        return (await handle.write(rest[0], 0, rest[0].length, rest[1])).bytesWritten;
      case 'ftruncate':
        return handle.truncate(...rest);
      case 'fstat':
        return handle.stat();
      case 'opendir': {
        const entries = [];
        for await (const entry of await api.opendir(...args)) entries.push(entry);
        return entries;
      }
      default:
        return api[name](...args);
    }
  };
}

function blocking(api) {
  return async (name, args) => {
    const [fd, ...rest] = args;
    switch (name) {
      case 'read': {
        const buffer = new Uint8Array(Math.max(1, rest[0]));
        return buffer.slice(0, api.readSync(fd, buffer, 0, buffer.length, rest[1]));
      }
      case 'write':
        return api.writeSync(fd, rest[0], 0, rest[0].length, rest[1]);
      case 'realpath':
        // Node.js's own takes paths apart as text.
        return (api.realpathSync.native ?? api.realpathSync)(...args);
      case 'opendir': {
        const dir = api.opendirSync(...args);
        const entries = [];
        for (let entry = dir.readSync(); entry; entry = dir.readSync()) entries.push(entry);
        dir.closeSync();
        return entries;
      }
      default:
        return api[`${name}Sync`](...args);
    }
  };
}
