// Guests whose memory grows between calls of WASI, and the kernel's between them: addresses in what is new are good, beyond it not.
// modes: isolated bare
import { assert, assertEqual, context, test } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { allocMemory, freeMemory } from 'isolith';
import * as fs from 'isolith/fs';
import { compile, instantiate } from 'isolith/wasm';

const EFAULT = 21;
const PAGE = 65536;

const guest = (memory) => wat(`(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  ${memory}
  (data (i32.const 64) "grown")
  (func (export "open") (result i32)
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 1)
      (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 16)))
    (i32.load (i32.const 16)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "fill") (param $at i32) (param $byte i32) (param $length i32)
    (memory.fill (local.get $at) (local.get $byte) (local.get $length)))
  (func (export "byte") (param $at i32) (result i32) (i32.load8_u (local.get $at)))
  (func $list (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length)))
  (func (export "write") (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (call $list (local.get $at) (local.get $length))
    (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
  (func (export "read") (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (call $list (local.get $at) (local.get $length))
    (call $fd_pread (local.get $fd) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 8)))
  (func (export "random") (param $at i32) (param $length i32) (result i32)
    (call $random_get (local.get $at) (local.get $length))))`);

/** Grows by a page six times, and each time uses the last bytes that are there and those that are not yet. */
async function grows(memory, config) {
  await fs.mkdir('/growth', { recursive: true });
  const id = await compile(await guest(memory));
  const instance = await instantiate(id, { preopens: { '/': '/growth' }, ...config });
  const ask = async (name, ...args) => (await instance.call(name, ...args))[0];
  try {
    const fd = await ask('open');
    for (let pages = 1; pages < 7; pages++) {
      const end = pages * PAGE;
      assertEqual(await ask('random', end, 8), EFAULT, `random bytes beyond ${pages} pages`);
      assertEqual(await ask('write', fd, end - 4, 8), EFAULT, `bytes that end beyond ${pages} pages`);
      assertEqual(await ask('grow', 1), pages, 'pages before');
      // In pages without isolation this moves the kernel's memory away from under its views.
      const blocks = [allocMemory(3 << 20), allocMemory(3 << 20)];
      await ask('fill', end - 4, pages, 4096);
      assertEqual(await ask('write', fd, end - 4, 4096), 0, 'bytes across the old end');
      assertEqual(await ask('read', fd, end + 8192, 4096), 0, 'into what is new');
      assertEqual(await ask('byte', end + 8192), 1, 'the first byte of the file');
      assertEqual(await ask('random', end + PAGE - 8, 8), 0, 'random bytes up to the new end');
      for (const block of blocks) if (pages % 2 === 0) freeMemory(block);
    }
    const bytes = await fs.readFile('/growth/grown');
    assertEqual(bytes.length, 6 * 4096, 'bytes of the file');
    for (let at = 0; at < bytes.length; at += 1024) assertEqual(bytes[at], 1 + Math.floor(at / 4096), `byte ${at}`);
  } finally {
    await instance.drop();
    await fs.rm('/growth/grown');
  }
}

const OWN = '(memory (export "memory") 1 16)';
test('a memory of its own, here', () => grows(OWN, { inline: true }));
test('a memory of its own, in a worker', () => grows(OWN, {}), { shared: true, reason: 'guests in workers have no files without shared memory' });
test('a memory that is shared', async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 16, shared: true });
  assert(context.shared, 'shared memory');
  await grows('(import "env" "memory" (memory 1 16 shared))', { inline: true, imports: { env: { memory } } });
}, { shared: true, reason: 'without shared memory there is none to import' });
