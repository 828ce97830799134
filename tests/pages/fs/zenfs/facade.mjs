// Our filesystem as the suite wants it: Buffers for bytes, Node.js's streams, and `/` as working directory.
import { Readable, Writable } from '@zenfs/streams';

const ours = globalThis.fs;

/** How many leading arguments are paths, where it is not one. */
const TWO = new Set(['copyFile', 'cp', 'link', 'rename']);
const NONE = new Set(['close', 'read', 'readv', 'write', 'writev', 'fchmod', 'fchown', 'fdatasync', 'fstat', 'fsync', 'ftruncate', 'futimes']);

// The empty path stays what it is: nowhere.
const absolute = (path) => (typeof path === 'string' && path !== '' && !path.startsWith('/') ? `/${path}` : path);

function placed(name, args) {
  const base = name.replace(/Sync$/, '');
  if (NONE.has(base)) return args;
  if (base === 'symlink') return [args[0], absolute(args[1]), ...args.slice(2)];
  const count = TWO.has(base) ? 2 : 1;
  return args.map((arg, at) => (at < count ? absolute(arg) : arg));
}

const asBuffer = (value) => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.length) : value);

/** Node.js's streams over a handle's reads and writes: browsers have none. */
function readStream(opening, { start = 0, end = Infinity, highWaterMark = 65536, encoding } = {}) {
  let at = start;
  return closable(new Readable({
    highWaterMark,
    encoding,
    read(size) {
      opening.then(async (handle) => {
        const bytes = Buffer.alloc(Math.max(1, Math.min(highWaterMark, size ?? highWaterMark, end + 1 - at)));
        const { bytesRead } = at > end ? { bytesRead: 0 } : await handle.read(bytes, 0, bytes.length, at);
        at += bytesRead;
        this.push(bytesRead === 0 ? null : bytes.subarray(0, bytesRead));
      }).catch((error) => this.destroy(error));
    },
  }));
}

function writeStream(opening) {
  return closable(new Writable({
    write(chunk, encoding, done) {
      opening.then((handle) => handle.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)).then(() => done(), done);
    },
  }));
}

function closable(stream) {
  stream.close = (done) => {
    stream.once('error', () => {});
    const early = stream instanceof Readable && !stream.readableEnded;
    stream.once('close', () => done?.(early ? Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }) : null));
    stream.destroy();
  };
  return stream;
}

function open(handle) {
  if (handle.fd < 0) throw Object.assign(new RangeError('the file is closed'), { code: 'ERR_OUT_OF_RANGE' });
  return Promise.resolve(handle);
}

function asNode(handle) {
  const { readFile } = handle;
  return Object.assign(handle, {
    readFile: async (...args) => asBuffer(await readFile.apply(handle, args)),
    createReadStream: (options) => readStream(open(handle), options),
    createWriteStream: (options) => writeStream(open(handle), options),
  });
}

function wrap(functions) {
  return Object.fromEntries(Object.entries(functions).map(([name, fn]) => {
    if (typeof fn !== 'function' || /^[A-Z]/.test(name) || name === 'sync') return [name, fn];
    return [name, (...args) => {
      const answer = fn(...placed(name, args));
      if (name.startsWith('readFile')) return answer instanceof Promise ? answer.then(asBuffer) : asBuffer(answer);
      if (name === 'open' && answer instanceof Promise) return answer.then(asNode);
      return answer;
    }];
  }));
}

const promises = wrap(ours.promises);

export const fs = {
  ...wrap(ours),
  promises,
  xattr: wrap(ours.xattr),
  createReadStream: (path, options) => readStream(promises.open(path), typeof options === 'string' ? { encoding: options } : options),
  createWriteStream: (path) => writeStream(promises.open(path, 'w')),
};

/** Nothing is left out by their flags. */
export const config = () => ({});

/** Where they think that their files lie; they read them from there to know what to expect. */
export const data = '/data';

export const files = {};

export function readFileSync(path, encoding) {
  const bytes = Buffer.from(files[path.slice(path.lastIndexOf('/') + 1)], 'base64');
  return encoding ? bytes.toString(encoding) : bytes;
}
