// Calls with arguments of every wrong kind, and what comes of them: played on Node.js and in the browser alike.

const odd = function odd() {};
/** What is tried in the place of each argument. */
const ODD = [undefined, null, 5, -1, 1.5, NaN, 2 ** 40, 'nope', '', true, {}, [], odd, 5n, { encoding: 'nope' }, { encoding: 5 }, { encoding: 'hex' }, 'latin1', 'buffer', { signal: 'no' }, { flag: 'nope' }, { flag: 5 }, { mode: 'nope' }, { mode: -1 }, { recursive: 'yes' }, { force: 1 }, { bigint: true }, { withFileTypes: true }];

/** Each function with arguments that suit it; places below the root are functions of it. */
const at = (name) => (root) => `${root}/${name}`;
const CALLS = {
  access: [at('file'), 0],
  appendFile: [at('file'), 'x', null],
  chmod: [at('file'), 0o600],
  chown: [at('file'), -1, -1],
  copyFile: [at('file'), at('copy'), 0],
  cp: [at('file'), at('copied'), undefined],
  lchown: [at('link'), -1, -1],
  link: [at('file'), at('second')],
  lstat: [at('link'), undefined],
  lutimes: [at('link'), 1, 2],
  mkdir: [at('made'), undefined],
  mkdtemp: [at('temp-'), undefined],
  open: [at('file'), 'r', undefined],
  opendir: [at('dir'), undefined],
  readFile: [at('file'), undefined],
  readdir: [at('dir'), undefined],
  readlink: [at('link'), undefined],
  realpath: [at('link'), undefined],
  rename: [at('moving'), at('moved')],
  rm: [at('doomed'), undefined],
  rmdir: [at('doomed-dir'), undefined],
  stat: [at('file'), undefined],
  statfs: [at('file'), undefined],
  symlink: ['file', at('new-link'), undefined],
  truncate: [at('file'), 3],
  unlink: [at('doomed'), ],
  utimes: [at('file'), 1, 2],
  writeFile: [at('file'), 'hello', undefined],
};

/** As above, of an open file: a method of its handle, or a function of its number. */
const FILE_CALLS = {
  appendFile: ['x', undefined],
  chmod: [0o600],
  chown: [-1, -1],
  read: [() => new Uint8Array(4), 0, 4, 0],
  readFile: [undefined],
  readv: [() => [new Uint8Array(2)], 0],
  stat: [undefined],
  truncate: [3],
  utimes: [1, 2],
  write: [() => new Uint8Array(2), 0, 2, 0],
  writeFile: ['hello', undefined],
  writev: [() => [new Uint8Array(2)], 0],
};

/** Where an open file's function has another name than its method. */
const BY_NUMBER = { chmod: 'fchmod', chown: 'fchown', stat: 'fstat', truncate: 'ftruncate', utimes: 'futimes' };

/** What changes nothing: after these, as after a call that fails, the files are still as they were prepared. */
const READS = new Set(['access', 'lstat', 'opendir', 'read', 'readFile', 'readdir', 'readlink', 'readv', 'realpath', 'stat', 'statfs']);

/** How a call is written in a message: its name and what it was given. */
const written = (name, args, root) => `${name}(${args.map((arg) => (typeof arg === 'function' && arg !== odd ? typeof arg(root) === 'string' ? `'${arg('')}'` : 'bytes' : typeof arg === 'object' && arg ? JSON.stringify(arg) : typeof arg === 'string' ? `'${arg}'` : arg === odd ? 'odd' : String(arg))).join(', ')})`;

/** What does not bring Node.js itself down where it wants a number of bytes. */
const NUMBERS = [undefined, null, 5, -1, 2 ** 40];

function variants(args, moves = false) {
  const all = [args];
  args.forEach((_, place) => {
    for (const one of moves && place > 0 ? NUMBERS : ODD) all.push(args.with(place, one));
  });
  return all;
}

async function prepare(call, root) {
  await call('rm', [root, { recursive: true, force: true }]);
  await call('mkdir', [`${root}/dir`, { recursive: true }]);
  await call('mkdir', [`${root}/doomed-dir`]);
  for (const name of ['file', 'moving', 'doomed', 'dir/\u00fc']) await call('writeFile', [`${root}/${name}`, 'hello']);
  await call('symlink', ['file', `${root}/link`]);
}

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function projected(name, value, root) {
  if (name === 'mkdtemp') return typeof value === 'string' ? 'a name' : `${typeof value}`;
  if (typeof value === 'string') return value.replaceAll(root, '');
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${new TextDecoder().decode(value).replaceAll(root, '') || hex(value)}`;
  if (Array.isArray(value)) return value.map((one) => projected(name, one, root)).sort();
  if (typeof value === 'object' && value !== null) {
    if (name === 'stat' || name === 'lstat' || name === 'fstat' || name === 'statfs') return typeof value.ino === 'bigint' || typeof value.bsize === 'bigint' ? 'bigints' : 'numbers';
    if ('bytesRead' in value || 'bytesWritten' in value) return [value.bytesRead ?? value.bytesWritten];
    return typeof value.name === 'string' || value.name instanceof Uint8Array ? { name: projected('', value.name, root) } : 'an object';
  }
  return typeof value === 'number' && name === 'open' ? 'an object' : (value ?? null);
}

/** An error without a code is none that Node.js meant to throw. */
function failed({ name, code, message }, root) {
  return { name: name === 'IsolithError' || name === 'FsError' ? 'Error' : name, code: code ?? null, message: message.replaceAll(root, '') };
}

/** What comes of all those calls below the directory `root`: pairs of a call as written and its outcome. */
export async function playArguments(api, root, { sync = false } = {}) {
  const call = sync ? async (name, args) => api[`${name}Sync`](...args) : async (name, args) => api[name](...args);
  const outcomes = [];
  let asPrepared = false;
  const prepared = async () => {
    if (!asPrepared) await prepare(call, root);
    asPrepared = true;
  };
  const play = async (name, args, run) => {
    const text = written(name, args, root);
    try {
      const value = await run(args.map((arg) => (typeof arg === 'function' && arg !== odd ? arg(root) : arg)));
      asPrepared = READS.has(name);
      outcomes.push([text, projected(name, value, root)]);
      if (name === 'open') await (sync ? call('close', [value]) : value.close());
      if (name === 'opendir') await (sync ? value.closeSync() : value.close());
    } catch (error) {
      outcomes.push([text, failed(error, root)]);
    }
  };
  for (const [name, base] of Object.entries(CALLS)) {
    for (const args of variants(base)) {
      // A path that is a number is an open file's, a relative one is of another directory in Node.js; what is no path at all stays.
      const others = name === 'symlink' ? args.slice(1, 2) : ['rename', 'link', 'copyFile', 'cp'].includes(name) ? args.slice(0, 2) : args.slice(0, 1);
      // Node.js takes a function there for a callback, and its promise never settles.
      if (name === 'opendir' && args[1] === odd) continue;
      if (others.some((arg) => typeof arg === 'string') || ((name === 'readFile' || name === 'writeFile' || name === 'appendFile') && typeof args[0] === 'number')) continue;
      await prepared();
      await play(name, args, (made) => call(name, made));
    }
  }
  for (const [name, base] of Object.entries(FILE_CALLS)) {
    for (const args of variants(base, /^(read|write)v?$/.test(name))) {
      await prepared();
      const file = await call('open', [`${root}/file`, 'r+']);
      await play(name, args, (made) => (sync ? call(BY_NUMBER[name] ?? name, [file, ...made]) : file[name](...made)));
      if (sync) await call('close', [file]);
      else await file.close().catch(() => {});
    }
  }
  return outcomes;
}
