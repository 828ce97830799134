/** Trees as tar archives: ustar with pax headers where a name or a size needs one. */

import { type Client, step } from './client.js';
import { CHUNK } from './handle.js';
import * as ops from './ops.js';
import { dirname, join, type PathLike, pathOf } from './path.js';
import * as verbs from './verbs.js';

const BLOCK = 512;
const encoder = new TextEncoder();

interface Entry {
  readonly name: string;
  readonly type: '0' | '2' | '5';
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly link: string;
}

function octal(value: number, digits: number): string {
  return Math.max(0, Math.floor(value)).toString(8).padStart(digits, '0').slice(-digits);
}

function block({ name, type, mode, size, mtime, link }: Omit<Entry, 'type'> & { readonly type: string }): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BLOCK);
  const put = (text: string, at: number, length: number): void => header.set(encoder.encode(text).subarray(0, length), at);
  put(name, 0, 100);
  put(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(Math.min(size, 0o77777777777), 11)}\0${octal(mtime / 1000, 11)}\0        ${type}`, 100, 57);
  put(link, 157, 100);
  put('ustar\0' + '00', 257, 8);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148, 8);
  return header;
}

function pad(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (bytes % BLOCK)) % BLOCK);
}

function* header(entry: Entry): Generator<Uint8Array<ArrayBuffer>> {
  const extra: [string, string][] = [['mtime', (entry.mtime / 1000).toFixed(6)]];
  if (encoder.encode(entry.name).length > 100) extra.push(['path', entry.name]);
  if (encoder.encode(entry.link).length > 100) extra.push(['linkpath', entry.link]);
  if (entry.size > 0o77777777777) extra.push(['size', String(entry.size)]);
  const records = extra.map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = encoder.encode(rest).length;
    let length = bytes + String(bytes).length;
    if (String(length).length > String(bytes).length) length = bytes + String(length).length;
    return length + rest;
  });
  const pax = encoder.encode(records.join(''));
  yield block({ name: 'PaxHeader', type: 'x', mode: 0o644, size: pax.length, mtime: entry.mtime, link: '' });
  yield pax;
  yield pad(pax.length);
  yield block(entry);
}

async function* pack(client: Client, root: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const queue = [''];
  for (let below = queue.pop(); below !== undefined; below = queue.pop()) {
    const { names, types } = await client.run(step(ops.list(below === '' ? root : join(root, below))));
    for (const [at, name] of names.entries()) {
      const type = types[at];
      const relative = below === '' ? name : `${below}/${name}`;
      const path = join(root, relative);
      const raw = await client.run(step(ops.stat(path, false)));
      const common = { mode: raw[2]! & 0o7777, mtime: raw[7]! + raw[8]! / 1e6 };
      if (type === 2) {
        yield* header({ ...common, name: `${relative}/`, type: '5', size: 0, link: '' });
        queue.push(relative);
      } else if (type === 3) {
        yield* header({ ...common, name: relative, type: '2', size: 0, link: await client.run(step(ops.readlink(path))) });
      } else yield* packFile(client, path, { ...common, name: relative, type: '0', size: raw[4]!, link: '' });
    }
  }
  yield new Uint8Array(2 * BLOCK);
}

async function* packFile(client: Client, path: string, entry: Entry): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const fd = await client.run(verbs.open(path));
  try {
    yield* header(entry);
    // The size has been announced: a file that shrinks meanwhile is filled up, one that grows is cut.
    for (let at = 0; at < entry.size; ) {
      const bytes = new Uint8Array(Math.min(CHUNK, entry.size - at));
      await client.run(verbs.read(fd, bytes, 0, bytes.length, at));
      at += bytes.length;
      yield bytes;
    }
    yield pad(entry.size);
  } finally {
    await client.run(verbs.close(fd));
  }
}

/** Everything below `path` as a tar stream. */
export function exportTar(client: Client, path: PathLike = '/'): ReadableStream<Uint8Array<ArrayBuffer>> {
  const parts = pack(client, pathOf(path));
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return();
    },
  }, { highWaterMark: 4 });
}

/** Reads a stream in pieces of wanted sizes. */
class Source {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = new Uint8Array(0) as Uint8Array;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Up to `most` bytes, as they come; none at the end. */
  async some(most: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return new Uint8Array(0);
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async exactly(count: number): Promise<Uint8Array> {
    const all = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const part = await this.some(count - at);
      if (part.length === 0) throw new Error('the archive ends in the middle of an entry');
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

function field(bytes: Uint8Array, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return new TextDecoder().decode(bytes.subarray(at, end < 0 || end > at + length ? at + length : end));
}

function paxFields(bytes: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  const text = new TextDecoder();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(text.decode(bytes.subarray(at, space)));
    if (!(length > 0)) break;
    const record = text.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    fields.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return fields;
}

/** Unpacks a tar stream below `path`. Names that lead out of it are refused. */
export async function importTar(client: Client, stream: ReadableStream<Uint8Array>, path: PathLike = '/'): Promise<void> {
  const root = pathOf(path);
  const source = new Source(stream);
  try {
    await client.run(verbs.mkdir(root, { recursive: true }));
    let pax = new Map<string, string>();
    for (;;) {
      const head = await source.exactly(BLOCK);
      if (head.every((byte) => byte === 0)) break;
      const type = String.fromCharCode(head[156]!);
      const size = Number(pax.get('size') ?? Number.parseInt(field(head, 124, 12), 8));
      const prefix = field(head, 257, 6).startsWith('ustar') ? field(head, 345, 155) : '';
      const name = pax.get('path') ?? (prefix ? `${prefix}/` : '') + field(head, 0, 100);
      if (type === 'x') {
        pax = paxFields(await source.exactly(size));
        await source.exactly(pad(size).length);
        continue;
      }
      const mode = Number.parseInt(field(head, 100, 8), 8) & 0o7777;
      const mtime = Number(pax.get('mtime') ?? Number.parseInt(field(head, 136, 12), 8));
      const parts = name.split('/').filter((part) => part !== '' && part !== '.');
      if (parts.includes('..')) throw new Error(`the archive names a place outside: ${name}`);
      const target = parts.reduce(join, root);
      if (type === '5') await client.run(verbs.mkdir(target, { recursive: true, mode: mode || 0o755 }), false);
      else if (type === '2') {
        await client.run(verbs.rm(target, { force: true }), false);
        await client.run(verbs.symlink(pax.get('linkpath') ?? field(head, 157, 100), target), false);
      } else if (type === '0' || type === '\0') await unpackFile(client, source, target, size, mode, mtime);
      else await skip(source, size);
      if (type !== '5' && type !== '2') await source.exactly(pad(size).length);
      pax = new Map();
    }
    await client.run(verbs.stat(root));
    const device = (await client.run(step(ops.stat(root, true))))[0]!;
    await client.run(step(ops.clean(device - 1)));
  } finally {
    await source.cancel();
  }
}

async function skip(source: Source, size: number): Promise<void> {
  for (let left = size; left > 0; ) left -= (await source.some(left)).length || left;
}

async function unpackFile(client: Client, source: Source, target: string, size: number, mode: number, mtime: number): Promise<void> {
  await client.run(verbs.mkdir(dirname(target), { recursive: true }), false);
  const draft = await client.run(step(ops.draft(target, false)), false);
  try {
    for (let at = 0; at < size; ) {
      const part = await source.some(size - at);
      if (part.length === 0) throw new Error('the archive ends in the middle of a file');
      await client.run(verbs.write(draft, part, at), false);
      at += part.length;
    }
    await client.run(step(ops.publish(draft, target, mode || 0o644, false)), false);
  } finally {
    await client.run(verbs.close(draft));
  }
  await client.run(step(ops.times(target, mtime * 1000, mtime * 1000)), false);
}
