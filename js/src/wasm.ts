/** isolith/wasm: WebAssembly guests in workers of their own, with WASI on our files, fuel and deadlines. */

import './start.js';
import { type PathLike, pathOf } from './fs/path.js';
import { getClient } from './fs/service.js';
import { readAll } from './fs/whole.js';
import type { InstanceConfig } from './wasm/config.js';
import { WasmCode, WasmError } from './wasm/errors.js';
import { type Instance, instanceOf } from './wasm/instance.js';
import { addModule, type ModuleBytes, moduleOf, removeModule } from './wasm/modules.js';
import { start } from './wasm/start.js';
import type { ExportType } from './wasm/shape.js';
import type { Argument } from './wasm/values.js';

/**
 * Compiles a module; the id by which it is instantiated. The same bytes are compiled once.
 *
 * Rejects with 5000 for bytes that are no module, 5008 for what cannot be loaded.
 */
export const compile = (source: ModuleBytes): Promise<string> => addModule(source);

/** Compiles a file of `isolith/fs`. Rejects with 5008 if it cannot be read. */
export async function compileFile(path: PathLike): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await getClient().run(readAll(pathOf(path)));
  } catch (cause) {
    throw new WasmError(WasmCode.io, `${String(path)} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return addModule(bytes);
}

/** Forgets a module; its instances live on. Rejects with 5004 for an id that is none. */
export async function dropModule(id: string): Promise<void> {
  removeModule(id);
}

/**
 * Makes an instance, in a worker of its own unless `inline`.
 *
 * Rejects with 5004 for an unknown module, 5001 for imports that are missing and limits that are
 * exceeded, 5010 for a WASI configuration that does not hold.
 */
export const instantiate = async (moduleId: string, config: InstanceConfig = {}): Promise<Instance> =>
  start(moduleId, moduleOf(moduleId), config);

/** Calls a function of an instance by its id. */
export const call = async (instanceId: string, name: string, values: readonly Argument[] = []): Promise<(number | bigint)[]> =>
  instanceOf(instanceId).call(name, ...values);

/** What an instance exports, by its id. */
export const getExports = async (instanceId: string): Promise<ExportType[]> => instanceOf(instanceId).getExports();

/** Lets go of an instance, by its id. */
export const dropInstance = async (instanceId: string): Promise<void> => instanceOf(instanceId).drop();

/** The memory of instances, by their ids. */
export const memory = {
  read: async (instanceId: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> =>
    instanceOf(instanceId).memory.read(offset, length),
  write: async (instanceId: string, offset: number, bytes: Uint8Array | ArrayBuffer): Promise<void> =>
    instanceOf(instanceId).memory.write(offset, bytes),
  size: async (instanceId: string): Promise<number> => instanceOf(instanceId).memory.size(),
  grow: async (instanceId: string, pages: number): Promise<number> => instanceOf(instanceId).memory.grow(pages),
} as const;

export { pipeline, runWasi, spawnWasi, type WasiProcess } from './wasm/command.js';
export type { OnFuel } from './wasm/fuel.js';
export { stdio } from './wasm/stdio.js';
export { types } from './wasm/values.js';
export { WasmCode, WasmError } from './wasm/errors.js';
export type { WasmErrorCode } from './wasm/errors.js';
export type { GuestLimits, HostFunction, Imports, InstanceConfig, Preopen, RunConfig, WasiConfig } from './wasm/config.js';
export type { PipelineResult, ProgramConfig, RunResult, RunWasiConfig, Runnable, Stage } from './wasm/command.js';
export type { Input, Output, StdioConfig } from './wasm/stdio.js';
export type { Instance, InstanceMemory } from './wasm/instance.js';
export type { ModuleBytes } from './wasm/modules.js';
export type { ExportType, ExternType, FuncType, Limits, ValueType } from './wasm/shape.js';
export type { Argument, BigintRule, TypedValue } from './wasm/values.js';
