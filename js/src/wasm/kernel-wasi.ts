/** The kernel's exports for processes, pipes and the functions of WASI, and what their statuses mean. */

import type { Kernel } from '../kernel.js';

/** Processes and pipes; see `runtime/export.rs`. */
export interface RuntimeExports {
  isolith_process_start(bytes: number): number;
  isolith_process_end(pid: number, code: number): void;
  isolith_process_free(pid: number): number;
  isolith_process_bell(pid: number): number;
  isolith_process_captured(pid: number, fd: number): void;
  isolith_pipe_make(capacity: number): number;
  isolith_pipe_bell(pipe: number): number;
  isolith_pipe_write(pipe: number, from: number, to: number): number;
  isolith_pipe_read(pipe: number, most: number): number;
  isolith_pipe_close(pipe: number, what: number): void;
}

/** A function of WASI: the process, then the guest's arguments; an error number or a status. */
export type WasiFunction = (pid: number, ...args: (number | bigint)[]) => number;

/** Statuses beyond error numbers. */
export const enum Status {
  /** What was missing has been asked for at the desk. */
  again = 0x1_0000,
  /** Sleep on the bell; number 0 of the answer: for how many ms at most, negative for no end. */
  sleep = 0x2_0000,
  /** The process has ended (number 0: its code), or the pipe's other side is gone. */
  ended = 0x3_0000,
  /** Done, but to be told only when it is durable. */
  durable = 0x4_0000,
}

/** The exports of a kernel. */
export function runtimeExports(kernel: Kernel): RuntimeExports {
  return kernel.exports as unknown as RuntimeExports;
}

/** One function of WASI of a kernel. */
export function wasiFunction(kernel: Kernel, name: string): WasiFunction {
  return (kernel.exports as unknown as Record<string, WasiFunction>)[`isolith_wasi_${name}`]!;
}
