// Types of isolith/wasm as a user meets them: each line must compile, each `@ts-expect-error` must be an error.
import { compile, instantiate, memory, pipeline, runWasi, spawnWasi, stdio, types, WasmError, type Instance } from 'isolith/wasm';
import { expectType, type Same } from './expect.js';

const id = await compile(new Uint8Array(8));
expectType<Same<typeof id, string>>();
const instance: Instance = await instantiate(id, {
  preopens: { '/data': './data', '/etc': { path: '/etc', readOnly: true, create: true } },
  env: { A: '1' },
  args: ['program'],
  imports: { env: { log: (at: number, length: number) => console.log(at, length), later: async (n: bigint) => n, base: 1024 } },
  fuel: 1000n,
  meter: 'exact',
  timeout: 100,
  limits: { memoryPages: 10, tableElements: 5 },
});
const results = await instance.call('f', 1, 2n, types.f32(3));
expectType<Same<typeof results, (number | bigint)[]>>();
// @ts-expect-error a text is no argument
await instance.call('f', 'text');
// @ts-expect-error there are two ways to meter
await instantiate(id, { meter: 'fine' });
// @ts-expect-error a module is bytes, a Response or a URL
await compile('text');
const bytes = await instance.memory.read(0, 4);
expectType<Same<typeof bytes, Uint8Array<ArrayBuffer>>>();
for (const one of await instance.getExports()) if (one.kind === 'func') expectType<Same<(typeof one)['name'], string>>();
await memory.write(instance.id, 0, bytes);

const text = await runWasi(id, { stdin: 'x', args: ['a'] });
expectType<Same<typeof text.stdout, string>>();
const raw = await runWasi(new Uint8Array(8), { encoding: 'bytes' });
expectType<Same<typeof raw.stdout, Uint8Array>>();
const process = spawnWasi(id, { stdout: new WritableStream<Uint8Array>() });
expectType<Same<Awaited<ReturnType<typeof process.wait>>['exitCode'], number>>();
await process.stdin.getWriter().write('text');
const piped = await pipeline([{ module: id, stdin: 'x' }, [id, { args: ['b'] }], [id]]);
expectType<Same<typeof piped.exitCodes, readonly number[]>>();
stdio.stdout = (piece) => void piece.length;
export const code: number = new WasmError(5003, 'x').code;

{
  using short = await instantiate(id);
  await using long = await instantiate(id);
  await Promise.all([short.call('f'), long.call('f')]);
}
