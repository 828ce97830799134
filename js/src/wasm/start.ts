/** Brings an instance to life: its process, its imports, its place, its initialisation. */

import { getClient } from '../fs/service.js';
import { getKernel } from '../runtime.js';
import { requireShared } from '../support.js';
import type { InstanceConfig } from './config.js';
import { WasmCode, WasmError } from './errors.js';
import { Reserve } from './fuel.js';
import { Instance } from './instance.js';
import type { Compiled } from './modules.js';
import { inlinePort, type Port, workerPort } from './ports.js';
import { needsThreads, needsWasi, prepare } from './prepare.js';
import { createProcess } from './program.js';
import { Stdio } from './stdio.js';
import { wasiOf } from './wasi-here.js';

/** Makes an instance of a module. */
export async function start(moduleId: string, compiled: Compiled, wanted: InstanceConfig): Promise<Instance> {
  check(wanted);
  if (needsThreads(compiled)) {
    throw new WasmError(WasmCode.instantiate, 'the module starts threads of WASI: run it as a program (runWasi, spawnWasi)');
  }
  if (wanted.onFuel === 'wait') requireShared('a guest that waits for fuel');
  const reserve = wanted.onFuel === 'wait' ? new Reserve() : undefined;
  const config = reserve ? { ...wanted, onFuel: reserve.take } : wanted;
  const given = { moduleId, shape: compiled.shape, timeout: config.timeout, rule: config.bigint ?? 'auto', reserve } as const;
  if (!needsWasi(compiled) && config.preopens === undefined) {
    return new Instance({ ...given, port: await portOf(compiled, config, undefined), free: async () => {} });
  }
  const kernel = getKernel();
  // Without shared memory a guest has its files only where they are.
  const inline = config.inline ?? !kernel.shared;
  if (inline && config.timeout !== undefined) requireShared('a timeout');
  const connected = new Stdio(kernel, config, 'discard');
  const process = await createProcess(config, connected).catch(async (error: unknown) => {
    await connected.finish();
    throw error;
  });
  connected.start();
  const free = async (): Promise<void> => {
    process.end(0);
    await connected.finish();
    await process.free();
  };
  try {
    return new Instance({ ...given, port: await portOf(compiled, { ...config, inline }, process.pid), free });
  } catch (error) {
    await free();
    throw error;
  }
}

async function portOf(compiled: Compiled, config: InstanceConfig, pid: number | undefined): Promise<Port> {
  const prepared = await prepare(compiled, config, pid);
  return prepared.inline ? inlinePort(prepared, wasiOf(getKernel(), getClient)) : workerPort(prepared, async () => -1);
}

/** Refuses what makes no sense; throws 5001. */
export function check({ inline, timeout, fuel, onFuel, meter, bigint, limits }: InstanceConfig): void {
  const refuse = (what: string): never => {
    throw new WasmError(WasmCode.instantiate, what);
  };
  if (timeout !== undefined && !(timeout > 0)) refuse(`timeout is a number of milliseconds above 0, not ${String(timeout)}`);
  if (timeout !== undefined && inline) refuse('a guest on this thread cannot be timed out: leave out inline, or use fuel');
  if (onFuel !== undefined && typeof onFuel !== 'function' && onFuel !== 'wait') refuse(`onFuel is a function or "wait", not ${String(onFuel)}`);
  if (onFuel !== undefined && fuel === undefined) refuse('onFuel is asked when fuel is spent: give fuel too, if only 0');
  if (onFuel === 'wait' && inline) refuse('a guest on this thread cannot wait for fuel: leave out inline, or give a function');
  if (meter !== undefined && meter !== 'coarse' && meter !== 'exact') refuse(`meter is "coarse" or "exact", not ${String(meter)}`);
  if (bigint !== undefined && bigint !== 'auto' && bigint !== 'always') refuse(`bigint is "auto" or "always", not ${String(bigint)}`);
  for (const [name, value] of Object.entries(limits ?? {})) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0)) refuse(`limits.${name} is a whole number, not ${String(value)}`);
  }
}
