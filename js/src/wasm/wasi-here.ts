/** WASI on this thread: its functions for a process, and how guests end by it. */

import type { Client } from '../fs/client.js';
import type { Kernel } from '../kernel.js';
import type { World } from './load.js';
import { ProcExit, wasiImports } from './wasi.js';

/** How guests on this thread reach WASI; the filesystem is asked for when the first of them does. */
export function wasiOf(kernel: Kernel, client: () => Client): Pick<World, 'wasi' | 'exitCode'> {
  return {
    wasi: (pid, memory) => wasiImports(kernel, client(), pid, memory) as unknown as WebAssembly.Imports,
    exitCode: (thrown) => (thrown instanceof ProcExit ? thrown.code : undefined),
  };
}
