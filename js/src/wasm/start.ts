/** Brings an instance to life: its imports, its place, its initialisation. */

import type { InstanceConfig } from './config.js';
import { WasmCode, WasmError } from './errors.js';
import { Instance } from './instance.js';
import type { Compiled } from './modules.js';
import { inlinePort, workerPort } from './ports.js';
import { needsThreads, prepare } from './prepare.js';

/** Makes an instance of a module. */
export async function start(moduleId: string, compiled: Compiled, config: InstanceConfig): Promise<Instance> {
  check(config);
  if (needsThreads(compiled)) {
    throw new WasmError(WasmCode.instantiate, 'the module starts threads of WASI: run it as a program (runWasi, spawnWasi)');
  }
  const prepared = await prepare(compiled, config, undefined);
  const port = prepared.inline
    ? await inlinePort(prepared, { wasi: () => ({}), exitCode: () => undefined })
    : await workerPort(prepared, async () => -1);
  return new Instance({
    moduleId,
    shape: compiled.shape,
    port,
    timeout: config.timeout,
    rule: config.bigint ?? 'auto',
    free: async () => {},
  });
}

/** Refuses what makes no sense; throws 5001. */
export function check({ inline, timeout, meter, bigint, limits }: InstanceConfig): void {
  const refuse = (what: string): never => {
    throw new WasmError(WasmCode.instantiate, what);
  };
  if (timeout !== undefined && !(timeout > 0)) refuse(`timeout is a number of milliseconds above 0, not ${String(timeout)}`);
  if (timeout !== undefined && inline) refuse('a guest on this thread cannot be timed out: leave out inline, or use fuel');
  if (meter !== undefined && meter !== 'coarse' && meter !== 'exact') refuse(`meter is "coarse" or "exact", not ${String(meter)}`);
  if (bigint !== undefined && bigint !== 'auto' && bigint !== 'always') refuse(`bigint is "auto" or "always", not ${String(bigint)}`);
  for (const [name, value] of Object.entries(limits ?? {})) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0)) refuse(`limits.${name} is a whole number, not ${String(value)}`);
  }
}
