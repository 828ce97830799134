// The functions of WASI called as a guest calls them, over the page's own kernel: nothing of it blocks here.
// modes: isolated bare
import { assert, assertEqual, assertThrows, context, test } from '/tests/pages/lib/test.mjs';
import { fs } from 'isolith/fs';
import { getKernel } from '/pkg/dist/runtime.js';
import { getClient } from '/pkg/dist/fs/current.js';
import { Process } from '/pkg/dist/wasm/process.js';
import { KernelPipe } from '/pkg/dist/wasm/pipes.js';
import { ProcExit, wasiImports } from '/pkg/dist/wasm/wasi.js';

const SUCCESS = 0, BADF = 8, FAULT = 21, PERM = 63;
const READ = 2n, WRITE = 64n;

/** What a call on the page ends with that would have to wait. */
const waits = context.shared ? { code: 5002, message: /cannot wait/ } : { code: 'ERR_NOT_ISOLATED', message: /a guest that waits/ };

/** A process with its functions and a memory, as a guest would have them. */
async function start(config = {}, name = 'wasi_snapshot_preview1') {
  const process = await Process.create(getClient(), {
    args: ['prog'], env: {}, preopens: [], stdin: { kind: 'empty' }, stdout: { kind: 'capture' }, stderr: { kind: 'capture' }, ...config,
  });
  const memory = new WebAssembly.Memory({ initial: 2 });
  const wasi = wasiImports(getKernel(), getClient(), process.pid, () => memory)[name];
  const view = () => new DataView(memory.buffer);
  const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
  /** Puts a text where paths go; its address and bytes. */
  const text = (value, at = 1024) => {
    const encoded = new TextEncoder().encode(value);
    bytes(at, encoded.length).set(encoded);
    return [at, encoded.length];
  };
  /** One buffer of a call that reads or writes. */
  const buffer = (at, length) => {
    view().setUint32(8, at, true);
    view().setUint32(12, length, true);
    return [8, 1];
  };
  const read = (at, length) => new TextDecoder().decode(bytes(at, length).slice());
  return { process, memory, wasi, view, bytes, text, buffer, read };
}

async function directory(name) {
  await fs.promises.mkdir(`/wasi-core/${name}`, { recursive: true });
  return { guest: '/', path: `/wasi-core/${name}`, readOnly: false, create: false };
}

test('what is written to standard output can be taken', async () => {
  const { process, wasi, text, buffer, view } = await start();
  assertEqual(wasi.fd_write(1, ...buffer(...text('héllo')), 16), SUCCESS);
  assertEqual(view().getUint32(16, true), 6);
  assertEqual(wasi.fd_write(2, ...buffer(...text('oh')), 16), SUCCESS);
  assertEqual(new TextDecoder().decode(process.captured(1)), 'héllo');
  assertEqual(new TextDecoder().decode(process.captured(2)), 'oh');
  assertEqual(process.captured(1).length, 0);
  await process.free();
});

test('arguments and variables are counted in UTF-8 bytes', async () => {
  const { process, wasi, view, read } = await start({ args: ['grün', ''], env: { K: 'é' } });
  assertEqual(wasi.args_sizes_get(0, 4), SUCCESS);
  assertEqual(view().getUint32(0, true), 2);
  assertEqual(view().getUint32(4, true), 'grün'.length + 1 + 1 + 1);
  assertEqual(wasi.args_get(64, 128), SUCCESS);
  assertEqual(read(view().getUint32(64, true), 7), 'grün\0\0');
  assertEqual(wasi.environ_sizes_get(0, 4), SUCCESS);
  assertEqual(view().getUint32(4, true), 5);
  assertEqual(wasi.environ_get(64, 128), SUCCESS);
  assertEqual(read(128, 5), 'K=é\0');
  await process.free();
});

test('a file is made, written, read and seen by the page', async () => {
  const { process, wasi, text, buffer, view, read } = await start({ preopens: [await directory('file')] });
  assertEqual(wasi.path_open(3, 0, ...text('a'), 1, READ | WRITE, 0n, 0, 16), SUCCESS);
  assertEqual(view().getUint32(16, true), 4);
  assertEqual(wasi.fd_write(4, ...buffer(...text('hello')), 16), SUCCESS);
  assertEqual(wasi.fd_seek(4, 1n, 0, 24), SUCCESS);
  assertEqual(wasi.fd_read(4, ...buffer(2048, 100), 16), SUCCESS);
  assertEqual(read(2048, view().getUint32(16, true)), 'ello');
  assertEqual(wasi.fd_close(4), SUCCESS);
  await process.free();
  assertEqual(await fs.promises.readFile('/wasi-core/file/a', 'utf8'), 'hello');
});

test('nothing outside of the preopen is reached', async () => {
  await fs.promises.mkdir('/wasi-core', { recursive: true });
  await fs.promises.writeFile('/wasi-core/secret', 'no');
  const { process, wasi, text } = await start({ preopens: [await directory('jail')] });
  for (const path of ['../secret', '/wasi-core/secret', 'x/../../secret', '../jail/../secret', '..']) {
    const errno = wasi.path_open(3, 1, ...text(path), 0, READ, 0n, 0, 16);
    assert(errno === PERM || errno === 44, `${path} answered ${errno}`);
  }
  assertEqual(wasi.path_symlink(...text('/wasi-core/secret'), 3, ...text('l', 1200)), PERM);
  assertEqual(wasi.path_symlink(...text('../secret'), 3, ...text('l', 1200)), SUCCESS);
  assertEqual(wasi.path_open(3, 1, ...text('l'), 0, READ, 0n, 0, 16), PERM);
  await process.free();
});

test('a missing directory is named', async () => {
  let error;
  await start({ preopens: [{ guest: '/', path: '/wasi-core/none', readOnly: false, create: false }] }).catch((thrown) => (error = thrown));
  assertEqual(error?.code, 5010);
  assert(/wasi-core\/none.*ENOENT/.test(error.message), error.message);
  const { process } = await start({ preopens: [{ guest: '/', path: '/wasi-core/made/deep', readOnly: false, create: true }] });
  assert((await fs.promises.stat('/wasi-core/made/deep')).isDirectory());
  await process.free();
});

test('addresses outside of the memory are an error and change nothing', async () => {
  const { process, wasi, text, buffer } = await start({ preopens: [await directory('fault')] });
  assertEqual(wasi.fd_write(1, -8, 1, 16), FAULT);
  assertEqual(wasi.fd_write(1, ...buffer(131_070, 10), 16), FAULT);
  assertEqual(wasi.random_get(131_072, 1), FAULT);
  assertEqual(wasi.clock_time_get(1, 0n, 131_065), FAULT);
  assertEqual(wasi.path_open(3, 0, ...text('x'), 1, READ, 0n, 0, -4), FAULT);
  assertEqual(wasi.path_open(3, 0, ...text('x'), 0, READ, 0n, 0, 16), 44);
  assertEqual(process.captured(1).length, 0);
  await process.free();
});

test('random bytes of any length', async () => {
  const { process, wasi, bytes, memory } = await start();
  memory.grow(2);
  assertEqual(wasi.random_get(1000, 200_000), SUCCESS);
  const all = bytes(1000, 200_000);
  for (let at = 0; at < 200_000; at += 1000) assert(all.subarray(at, at + 1000).some((byte) => byte !== 0), `nothing at ${at}`);
  assertEqual(bytes(201_000, 1000).some((byte) => byte !== 0), false);
  await process.free();
});

test('clocks tell their step and the time', async () => {
  const { process, wasi, view } = await start();
  assertEqual(wasi.clock_time_get(0, 0n, 0), SUCCESS);
  assert(Math.abs(Number(view().getBigUint64(0, true) / 1_000_000n) - Date.now()) < 5000, 'the wall clock');
  for (const clock of [0, 1]) {
    assertEqual(wasi.clock_res_get(clock, 0), SUCCESS);
    const step = view().getBigUint64(0, true);
    assert(step > 0n && step <= 1_000_000n, `a step of ${step}`);
  }
  assertEqual(wasi.clock_res_get(2, 0), 28);
  await process.free();
});

test('a process that has ended goes no further', async () => {
  const { process, wasi } = await start();
  const thrown = (run) => {
    try {
      run();
    } catch (error) {
      return error;
    }
  };
  assert(thrown(() => wasi.proc_exit(7)) instanceof ProcExit);
  process.end(3);
  const error = thrown(() => wasi.fd_close(1));
  assert(error instanceof ProcExit);
  assertEqual(error.code, 7);
  await process.free();
});

test('a pipe carries bytes both ways and tells its end', async () => {
  const kernel = getKernel();
  const [input, output] = [KernelPipe.create(kernel, 8), KernelPipe.create(kernel, 8)];
  const { process, wasi, text, buffer, read, view } = await start({
    stdin: { kind: 'pipe', pipe: input.id }, stdout: { kind: 'pipe', pipe: output.id },
  });
  assertThrows(() => wasi.fd_read(0, ...buffer(2048, 100), 16), waits);
  const written = input.write(new TextEncoder().encode('more than eight'));
  await Promise.resolve();
  assertEqual(wasi.fd_read(0, ...buffer(2048, 100), 16), SUCCESS);
  assertEqual(read(2048, view().getUint32(16, true)), 'more tha');
  await written;
  input.closeWrite();
  assertEqual(wasi.fd_read(0, ...buffer(2048, 100), 16), SUCCESS);
  assertEqual(read(2048, view().getUint32(16, true)), 'n eight');
  assertEqual(wasi.fd_read(0, ...buffer(2048, 100), 16), SUCCESS);
  assertEqual(view().getUint32(16, true), 0);
  assertEqual(wasi.fd_write(1, ...buffer(...text('0123456789')), 16), SUCCESS);
  assertEqual(view().getUint32(16, true), 8);
  assertEqual(new TextDecoder().decode(await output.read()), '01234567');
  const rest = output.read();
  process.end(0);
  assertEqual(await rest, undefined);
  await process.free();
  input.free();
  output.free();
});

test('the page does not sleep in a poll', async () => {
  const { process, wasi, view } = await start();
  view().setUint8(8, 0);
  view().setUint32(16, 1, true);
  view().setBigUint64(24, 1_000_000_000n, true);
  assertThrows(() => wasi.poll_oneoff(0, 256, 1, 512), waits);
  view().setBigUint64(24, 0n, true);
  assertEqual(wasi.poll_oneoff(0, 256, 1, 512), SUCCESS);
  assertEqual(view().getUint32(512, true), 1);
  assertEqual(wasi.fd_close(9), BADF);
  await process.free();
});

test('the older generation has its own layout and numbers', async () => {
  const preopen = await directory('old');
  await fs.promises.writeFile('/wasi-core/old/f', '12345');
  const { process, wasi, text, view } = await start({ preopens: [preopen] }, 'wasi_unstable');
  assertEqual(wasi.path_filestat_get(3, 0, ...text('f'), 256), SUCCESS);
  assertEqual(view().getUint32(256 + 20, true), 1);
  assertEqual(view().getBigUint64(256 + 24, true), 5n);
  assertEqual(wasi.path_open(3, 0, ...text('f'), 0, READ, 0n, 0, 16), SUCCESS);
  assertEqual(wasi.fd_seek(4, -2n, 1, 24), SUCCESS);
  assertEqual(view().getBigUint64(24, true), 3n);
  await process.free();
});

test('a pipe whose two ends are both used at once keeps every byte once', async () => {
  const pipe = KernelPipe.create(getKernel(), 1000);
  const bytes = new Uint8Array(50_000).map((_, at) => at * 13 + (at >> 8));
  const writing = pipe.write(bytes).then(() => pipe.closeWrite());
  const seen = [];
  for (let part = await pipe.read(777); part; part = await pipe.read(777)) seen.push(...part);
  await writing;
  assertEqual(new Uint8Array(seen), bytes);
  pipe.free();
});
