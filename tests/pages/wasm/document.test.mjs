// Every snippet of the document of `runtime:wasm`, as it stands there but for its files, which are ours.
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import * as wasm from 'isolith/wasm';
import { mkdir, readFile, readdir, writeFile } from 'isolith/fs';

const { compile, compileFile, dropModule, instantiate, types } = wasm;

// What the snippets call, in one module that also needs WASI.
const MODULE = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (memory (export "memory") 2 64)
  (func $add (export "add") (export "add_i32") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "add_i64") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func (export "divmod") (param i32 i32) (result i32 i32)
    (i32.div_s (local.get 0) (local.get 1)) (i32.rem_s (local.get 0) (local.get 1)))
  (func (export "process") (param i32 f64) (result f64) (f64.add (f64.convert_i32_s (local.get 0)) (local.get 1)))
  (func (export "compute") (param f32 f64) (result f64) (f64.add (f64.promote_f32 (local.get 0)) (local.get 1)))
  (func (export "process_i64") (param i64) (result i64) (local.get 0))
  (func $upper (param $at i32) (param $n i32) (param $to i32) (local $byte i32)
    (block $done (loop $on
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.and (i32.ge_u (local.get $byte) (i32.const 97)) (i32.le_u (local.get $byte) (i32.const 122)))
        (then (local.set $byte (i32.sub (local.get $byte) (i32.const 32)))))
      (i32.store8 (local.get $to) (local.get $byte))
      (local.set $at (i32.add (local.get $at) (i32.const 1))) (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $on))))
  (func (export "process_string") (param i32 i32) (call $upper (local.get 0) (local.get 1) (i32.const 1024)))
  (func (export "apply_filter") (param i32 i32 i32) (call $upper (local.get 0) (local.get 1) (local.get 2)))
  (func (export "process_batch") (export "process_item") (param i32))
  (func (export "process_all") (param i32 i32))
  (func (export "execute") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "args") (result i32) (drop (call $args (i32.const 4096) (i32.const 4100))) (i32.load (i32.const 4096)))
  (func (export "variables") (result i32) (drop (call $env (i32.const 4096) (i32.const 4100))) (i32.load (i32.const 4096)))
  (func (export "dirs") (result i32) (local i32) (local.set 0 (i32.const 3))
    (block $end (loop $on
      (br_if $end (call $prestat (local.get 0) (i32.const 4096)))
      (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $on)))
    (i32.sub (local.get 0) (i32.const 3)))
  (func (export "print") (i32.store (i32.const 4096) (i32.const 0)) (i32.store (i32.const 4100) (i32.const 5))
    (drop (call $write (i32.const 1) (i32.const 4096) (i32.const 1) (i32.const 4104)))))`;

/** The files of the snippets, where they look for them. */
let wasmBytes;
async function given() {
  if (wasmBytes) return;
  wasmBytes = await wat(MODULE);
  for (const dir of ['app-data', 'config', 'temp-storage', 'plugins', 'plugin-data']) await mkdir(`/${dir}`, { recursive: true });
  for (const name of ['/module.wasm', '/image_process.wasm', '/plugins/one.wasm', '/plugins/two.wasm']) await writeFile(name, wasmBytes);
  await writeFile('/plugins/readme.txt', 'no plugin');
  await writeFile('/input.png', new TextEncoder().encode('not quite a picture'));
}

test('quick start', async () => {
  await given();
  const wasmBytes = await readFile('module.wasm');
  const moduleId = await wasm.compile(wasmBytes);
  const instance = await wasm.instantiate(moduleId);
  const [result] = await instance.call('add', 10, 32);
  assertEqual(result, 42);
  await instance.drop();
  await wasm.dropModule(moduleId);
});

test('module compilation', async () => {
  await given();
  const wasmBytes = await readFile('module.wasm');
  const moduleId = await compile(wasmBytes);
  const moduleId2 = await compileFile('./module.wasm');
  assert(moduleId !== moduleId2);
  await Promise.all([moduleId, moduleId2].map(dropModule));
});

test('instances, calls and types', async () => {
  await given();
  const moduleId = await compile(wasmBytes);
  const instance = await instantiate(moduleId, {
    preopens: { '/data': './app-data' },
    env: { LOG_LEVEL: 'debug' },
    args: ['--verbose'],
    inheritStdout: true,
  });
  const [sum] = await instance.call('add', 10, 32);
  const [quotient, remainder] = await instance.call('divmod', 42, 5);
  const [result] = await instance.call('process', types.i32(42), types.f64(3.14159));
  assertEqual([sum, quotient, remainder, result], [42, 8, 2, 42 + 3.14159]);
  assertEqual([...(await instance.call('args')), ...(await instance.call('variables')), ...(await instance.call('dirs'))], [1, 1, 1]);
  const [small] = await instance.call('add_i32', types.i32(10), types.i32(32));
  const [largeResult] = await instance.call('add_i64', types.i64(9007199254740991n), types.i64(1n));
  const [floatResult] = await instance.call('compute', types.f32(3.14159), types.f64(2.71828));
  assertEqual([small, largeResult, floatResult], [42, 9007199254740992, Math.fround(3.14159) + 2.71828]);
  // Automatic conversion and the pitfall of large integers.
  assertEqual(await instance.call('process_i64', 42), [42]);
  assertEqual(await instance.call('process_i64', 9007199254740991), [9007199254740991]);
  assertEqual(await instance.call('process_i64', 9007199254740991n), [9007199254740991]);
  assertEqual(await instance.call('process_i64', types.i64(9007199254740992n)), [9007199254740992]);
  assertEqual(await instance.call('process_i64', 9007199254740992), [9007199254740992]);
  await instance.drop();
  await dropModule(moduleId);
});

test('memory', async () => {
  await given();
  const instance = await instantiate(await compile(wasmBytes));
  const text = 'Hello, WASM!';
  const bytes = new TextEncoder().encode(text);
  await instance.memory.write(0, bytes);
  await instance.call('process_string', 0, bytes.length);
  const resultBytes = await instance.memory.read(1024, 256);
  const result = new TextDecoder().decode(resultBytes);
  assertEqual(result.slice(0, 13), 'HELLO, WASM!\0');
  const pages = await instance.memory.size();
  assertEqual(`Memory: ${pages * 64}KB`, 'Memory: 128KB');
  if (pages < 16) await instance.memory.grow(16 - pages);
  assertEqual(await instance.memory.size(), 16);
  let failure;
  try {
    await instance.memory.grow(1000);
  } catch (error) {
    failure = error;
  }
  assertEqual(failure.code, 5006);
  await instance.drop();
});

test('WASI configuration', async () => {
  await given();
  const moduleId = await compile(wasmBytes);
  const instance = await instantiate(moduleId, {
    preopens: { '/data': './app-data', '/config': './config', '/tmp': './temp-storage' },
    env: { DATABASE_URL: 'sqlite:///data/app.db', API_KEY: 'secret-key-here', LOG_LEVEL: 'info' },
    args: ['--verbose', '--port', '3000', '--workers', '4'],
    inheritStdin: true,
    inheritStdout: true,
    inheritStderr: true,
  });
  assertEqual([...(await instance.call('dirs')), ...(await instance.call('variables')), ...(await instance.call('args'))], [3, 3, 5]);
  await instance.drop();
  const everything = await instantiate(moduleId, { preopens: { '/': '/' } });
  assertEqual(await everything.call('dirs'), [1]);
  await everything.drop();
});

test('multiple instances', async () => {
  await given();
  const batchId = 7;
  const moduleId = await compile(wasmBytes);
  const workers = await Promise.all([
    instantiate(moduleId, { env: { WORKER_ID: '1' } }),
    instantiate(moduleId, { env: { WORKER_ID: '2' } }),
    instantiate(moduleId, { env: { WORKER_ID: '3' } }),
  ]);
  await Promise.all(workers.map((worker) => worker.call('process_batch', batchId)));
  await Promise.all(workers.map((w) => w.drop()));
  await dropModule(moduleId);
});

test('exports', async () => {
  await given();
  const instance = await instantiate(await compile(wasmBytes));
  const exports = await instance.getExports();
  const functions = exports.filter((e) => e.kind === 'func');
  assert(functions.map((f) => f.name).includes('divmod'));
  assertEqual(exports.find((e) => e.kind === 'memory').name, 'memory');
  const hasAdd = exports.some((e) => e.kind === 'func' && e.name === 'add');
  assertEqual(hasAdd && (await instance.call('add', 10, 32)), [42]);
  await instance.drop();
});

test('errors', async () => {
  await given();
  const codes = [];
  const moduleId = await compile(wasmBytes);
  const instance = await instantiate(moduleId);
  const attempts = [
    () => compile(new Uint8Array([1, 2, 3, 4])),
    () => instance.call('nonexistent'),
    () => instance.memory.read(999999999, 1024),
    () => instantiate(moduleId, { preopens: { '/sensitive': '/etc' } }),
  ];
  for (const attempt of attempts) {
    try {
      await attempt();
    } catch (error) {
      codes.push(error.code);
      assert(error instanceof wasm.WasmError && error.message.startsWith(`[${error.code}] `), error.message);
    }
  }
  assertEqual(codes, [5000, 5003, 5006, 5010]);
  await instance.drop();
  await dropModule(moduleId);
});

test('performance tips', async () => {
  await given();
  for (let i = 0; i < 3; i++) {
    const moduleId = await compile(wasmBytes);
    const instance = await instantiate(moduleId);
    await instance.drop();
    await dropModule(moduleId);
  }
  const moduleId = await compile(wasmBytes);
  const instances = await Promise.all(Array(10).fill(null).map(() => instantiate(moduleId)));
  const [instance] = instances;
  let processed = 0;
  for (let i = 0; i < 1000; i++) processed += (await instance.memory.read(i, 1)).length;
  const allBytes = await instance.memory.read(0, 1000);
  assertEqual(processed, allBytes.length);
  for (let i = 0; i < 1000; i++) await instance.call('process_item', i);
  await instance.call('process_all', 0, 1000);
  await Promise.all(instances.map((one) => one.drop()));
});

test('data processing pipeline', async () => {
  await given();
  const moduleId = await compile(await readFile('image_process.wasm'));
  const instance = await instantiate(moduleId);
  const imageData = await readFile('input.png');
  await instance.memory.write(0, imageData);
  await instance.call('apply_filter', 0, imageData.length, 1024);
  const processed = await instance.memory.read(1024, imageData.length);
  await writeFile('output.png', processed);
  await instance.drop();
  assertEqual(new TextDecoder().decode(await readFile('/output.png')), 'NOT QUITE A PICTURE');
});

test('plugin system', async () => {
  await given();
  const taskId = 21;
  const pluginFiles = await readdir('./plugins', { withFileTypes: true });
  const plugins = [];
  for (const file of pluginFiles.filter((f) => f.name.endsWith('.wasm'))) {
    const moduleId = await compileFile(`./plugins/${file.name}`);
    const instance = await instantiate(moduleId, { preopens: { '/data': './plugin-data' } });
    plugins.push({ name: file.name, instance });
  }
  const results = [];
  for (const plugin of plugins) {
    const [result] = await plugin.instance.call('execute', taskId);
    results.push(`Plugin ${plugin.name} result: ${result}`);
    await plugin.instance.drop();
  }
  assertEqual(results, ['Plugin one.wasm result: 42', 'Plugin two.wasm result: 42']);
});

test('worker pool', async () => {
  await given();
  class WasmWorkerPool {
    static async create(moduleId, size) {
      const pool = new WasmWorkerPool();
      pool.workers = [];
      pool.available = [];
      for (let i = 0; i < size; i++) {
        const instance = await instantiate(moduleId);
        pool.workers.push(instance);
        pool.available.push(instance);
      }
      return pool;
    }
    async execute(funcName, ...args) {
      while (this.available.length === 0) await new Promise((r) => setTimeout(r, 10));
      const worker = this.available.pop();
      try {
        return await worker.call(funcName, ...args);
      } finally {
        this.available.push(worker);
      }
    }
    async cleanup() {
      await Promise.all(this.workers.map((w) => w.drop()));
    }
  }
  const moduleId = await compile(wasmBytes);
  const pool = await WasmWorkerPool.create(moduleId, 4);
  const results = await Promise.all([pool.execute('execute', 1), pool.execute('execute', 2), pool.execute('execute', 3)]);
  assertEqual(results, [[2], [4], [6]]);
  await pool.cleanup();
});

test('the order of cleaning up', async () => {
  await given();
  const moduleId = await compile(wasmBytes);
  const instance = await instantiate(moduleId);
  await instance.drop();
  await dropModule(moduleId);
});
