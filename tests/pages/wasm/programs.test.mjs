// WASI programs as users run them: runWasi, spawnWasi, pipelines, instances with files, and how each of them ends.
// modes: isolated bare
import { assert, assertEqual, assertRejects, sleep, test, within } from '/tests/pages/lib/test.mjs';
import { cat, exits, kinds, reactor, told, wild } from '/tests/pages/wasm/guests.mjs';
import { compile, instantiate, pipeline, runWasi, spawnWasi, stdio } from 'isolith/wasm';
import { mkdir, readFile, writeFile } from 'isolith/fs';

const shared = { shared: true, reason: 'without shared memory guests run on the page and cannot wait' };
const code = (number) => ({ name: 'WasmError', code: number });
const text = async (stream) => new Response(stream).text();

test('a program reads its input, writes its output, and ends with its exit code', async () => {
  assertEqual(await runWasi(await cat(), { stdin: 'some text, ä€𝄞\n' }), { exitCode: 0, stdout: 'some text, ä€𝄞\n', stderr: '' });
  assertEqual(await runWasi(await cat()), { exitCode: 0, stdout: '', stderr: '' });
  assertEqual((await runWasi(await exits())).exitCode, 0);
  assertEqual((await runWasi(await exits(), { args: ['a', 'b', 'c'] })).exitCode, 3);
});

test('it is told its arguments and environment, and nothing else', async () => {
  const result = await runWasi(await told(), { args: ['prog', 'with space', 'ünï'], env: { A: '1', PATH: '/x=y' } });
  assertEqual(result.stdout.split('\0'), ['prog', 'with space', 'ünï', '']);
  assertEqual(result.stderr.split('\0').sort(), ['', 'A=1', 'PATH=/x=y']);
  assertEqual(await runWasi(await told()), { exitCode: 0, stdout: '', stderr: '' });
});

test('its streams are a terminal to it if the configuration says so', async () => {
  assertEqual((await runWasi(await kinds())).exitCode, 0);
  assertEqual((await runWasi(await kinds(), { terminal: true })).exitCode, 0x222);
  await assertRejects(runWasi(await kinds(), { terminal: 'vt100' }), code(5010));
});

test('input and output as bytes', async () => {
  const bytes = new Uint8Array(300_000).map((_, at) => at * 7 + (at >> 8));
  const result = await runWasi(await cat(), { stdin: bytes, encoding: 'bytes' });
  assertEqual(result.stdout, bytes);
  assertEqual(result.stderr, new Uint8Array(0));
  assertEqual((await runWasi(await cat(), { stdin: bytes.buffer, encoding: 'bytes' })).stdout, bytes);
});

test('a module by its id, compiled once', async () => {
  const id = await compile(await cat());
  for (const stdin of ['one', 'two']) assertEqual((await runWasi(id, { stdin })).stdout, stdin);
});

test('what is no program is 5003, a component 5000, a missing directory 5010 by its name', async () => {
  const library = await assertRejects(runWasi(await reactor()), code(5003));
  assert(/library/.test(library.message), library.message);
  await assertRejects(runWasi(new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])), code(5000));
  const missing = await assertRejects(runWasi(await cat(), { preopens: { '/data': '/not-there' } }), code(5010));
  assert(/not-there/.test(missing.message), missing.message);
  await assertRejects(instantiate(await compile(await reactor()), { preopens: { '/data': '/not-there' } }), code(5010));
  for (const config of [{ args: ['a\0b'] }, { env: { A: 5 } }, { preopens: { '/x': 5 } }]) await assertRejects(runWasi(await cat(), config), code(5010));
});

test('a trap rejects with 5002 and what was written so far', async () => {
  const error = await assertRejects(runWasi(await wild()), code(5002));
  assertEqual(error.stdout, 'before\n');
  assertEqual(error.cause.name, 'RuntimeError');
  const deep = await assertRejects(runWasi(await wild(), { args: ['1'] }), code(5002));
  assert(/overflowed the stack/.test(deep.message), deep.message);
});

test('fuel ends a program with 5011', async () => {
  const error = await assertRejects(runWasi(await wild(), { args: ['1', '2'], fuel: 100_000 }), code(5011));
  assertEqual(error.stdout, 'before\n');
  assertEqual((await runWasi(await cat(), { stdin: 'x', fuel: 100_000 })).stdout, 'x');
});

test('a deadline ends a program that spins or writes for ever', async () => {
  const spins = await assertRejects(within(10_000, runWasi(await wild(), { args: ['1', '2'], timeout: 200 })), code(5002));
  assertEqual(spins.stdout, 'before\n');
  assertEqual(spins.cause.name, 'TimeoutError');
  const pieces = [];
  await assertRejects(within(10_000, runWasi(await wild(), { args: ['1', '2', '3'], timeout: 200, stdout: (bytes) => pieces.push(bytes.length) })), code(5002));
  assert(pieces.reduce((a, b) => a + b, 0) > 7);
}, shared);

test('a library with files: initialised once, opens what it is given, says what it says', async () => {
  await mkdir('/library', { recursive: true });
  await writeFile('/library/hello.txt', 'from a file');
  const heard = [];
  const id = await compile(await reactor());
  const instance = await instantiate(id, { preopens: { '/data': './library' }, stdout: (bytes) => heard.push(new TextDecoder().decode(bytes)) });
  assertEqual(await instance.call('ready'), [1]);
  assertEqual(await instance.call('open'), [0]);
  const [length] = await instance.call('read');
  assertEqual(new TextDecoder().decode(await instance.memory.read(1024, length)), 'from a file');
  await instance.call('say');
  await instance.call('say');
  await instance.drop();
  assertEqual(heard.join(''), 'said\nsaid\n', 'all is delivered when it is dropped');
  const blind = await instantiate(id);
  assert((await blind.call('open'))[0] !== 0, 'without preopens there is nothing to open');
  await blind.drop();
});

test('preopens are made if that is wanted', async () => {
  const { exitCode } = await runWasi(await exits(), { preopens: { '/new': { path: '/made/by/preopen', create: true } } });
  assertEqual(exitCode, 0);
  await writeFile('/made/by/preopen/file', 'x');
  assertEqual(new TextDecoder().decode(await readFile('/made/by/preopen/file')), 'x');
});

test('inherited output goes where the page says, line by line to the console unless it does', async () => {
  const seen = [];
  stdio.stdout = (bytes) => seen.push(new TextDecoder().decode(bytes));
  stdio.stdin = () => 'from the page';
  try {
    const result = await runWasi(await cat(), { inheritStdin: true, inheritStdout: true });
    assertEqual(result, { exitCode: 0, stdout: '', stderr: '' });
    assertEqual(seen.join(''), 'from the page');
  } finally {
    stdio.stdout = undefined;
    stdio.stdin = undefined;
  }
  const { log } = console;
  const lines = [];
  console.log = (line) => lines.push(line);
  try {
    await runWasi(await cat(), { stdin: 'first\nsecond\n\nlast', inheritStdout: true });
  } finally {
    console.log = log;
  }
  assertEqual(lines, ['first', 'second', '', 'last']);
});

test('streams: a program between a readable and a writable one', async () => {
  const bytes = new Uint8Array(500_000).map((_, at) => at * 13);
  const { readable, writable } = new TransformStream();
  const [seen, result] = await Promise.all([
    new Response(readable).arrayBuffer(),
    runWasi(await cat(), { stdin: new Blob([bytes]).stream(), stdout: writable }),
  ]);
  assertEqual(new Uint8Array(seen), bytes);
  assertEqual(result.stdout, '');
}, shared);

test('a process talks while it runs', async () => {
  const process = spawnWasi(await cat());
  const writer = process.stdin.getWriter();
  const reader = process.stdout.getReader();
  for (const line of ['one\n', 'two\n', 'three\n']) {
    await writer.write(line);
    const { value } = await within(15_000, reader.read(), 'the echo');
    assertEqual(new TextDecoder().decode(value), line);
  }
  await writer.close();
  assertEqual((await within(15_000, reader.read())).done, true);
  assertEqual(await within(15_000, process.wait()), { exitCode: 0 });
  assertEqual(await text(process.stderr), '');
}, shared);

test('a process is killed whatever it does, and exits with 137', async () => {
  for (const args of [['1', '2'], ['1', '2', '3']]) {
    const process = spawnWasi(await wild(), { args });
    assertEqual(new TextDecoder().decode((await within(15_000, process.stdout.getReader().read())).value).slice(0, 7), 'before\n');
    process.kill();
    assertEqual(await within(15_000, process.wait()), { exitCode: 137 });
    process.kill();
  }
  const reading = spawnWasi(await cat());
  await sleep(30);
  reading.kill();
  assertEqual(await within(15_000, reading.wait()), { exitCode: 137 });
  assertEqual(await within(15_000, text(reading.stdout)), '');
  await assertRejects(reading.stdin.getWriter().write('x'));
}, shared);

test('what cannot be started is told by wait, and its streams end', async () => {
  const process = spawnWasi(new Uint8Array([1, 2, 3]));
  await assertRejects(within(15_000, process.wait()), code(5000));
  assertEqual(await within(15_000, text(process.stdout)), '');
  const connected = spawnWasi(await cat(), { stdin: 'given' });
  assertEqual(await within(15_000, text(connected.stdout)), 'given');
  await assertRejects(connected.stdin.getWriter().write('x'));
  assertEqual(await connected.wait(), { exitCode: 0 });
}, shared);

test('a pipeline hands bytes on, also more than fits between', async () => {
  const bytes = new Uint8Array(400_000).map((_, at) => at * 3);
  const module = await cat();
  const result = await within(10_000, pipeline([[module, { stdin: bytes }], { module }, [module]], { encoding: 'bytes' }));
  assertEqual(result.stdout, bytes);
  assertEqual(result.exitCodes, [0, 0, 0]);
  const ended = await within(10_000, pipeline([[await wild(), { args: ['1', '2', '3'] }], [await exits(), { args: ['a', 'b'] }]]));
  assertEqual(ended.exitCode, 2, 'the last one counts');
  await assertRejects(within(10_000, pipeline([[module], [await wild()]])), code(5002));
  await assertRejects(within(10_000, pipeline([[module], [new Uint8Array(3)]])), code(5000));
}, shared);

test('many programs at once', async () => {
  const module = await cat();
  const results = await Promise.all(Array.from({ length: 12 }, (_, n) => runWasi(module, { stdin: `program ${n}` })));
  assertEqual(results.map(({ stdout }) => stdout), results.map((_, n) => `program ${n}`));
}, { timeout: 60_000 });
