/** What the failure of a guest is to its caller: a trap, an overflow, an exit, or what was thrown. */

import { WasmError } from './errors.js';
import type { World } from './load.js';

/** What a guest's failure is to its caller. */
export function failure(error: unknown, world: Pick<World, 'exitCode'>, code: 5001 | 5002, what: string): unknown {
  const exitCode = world.exitCode(error);
  if (exitCode !== undefined) {
    return Object.assign(new WasmError(code, `${what} ended the process with exit code ${exitCode}`, { cause: error }), { exitCode });
  }
  if (error instanceof WasmError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (isOverflow(error)) return overflow(code, what, error);
  if (error instanceof WebAssembly.RuntimeError) return new WasmError(code, `${what} trapped: ${message}`, { cause: error });
  return new WasmError(code, `${what} failed: ${message}`, { cause: error });
}

/** The error of a stack that was too short. */
export function overflow(code: 5001 | 5002, what: string, cause: unknown): WasmError {
  return new WasmError(code, `${what} overflowed the stack: it recursed too deeply`, { cause });
}

/** Engines say it differently, and all but Firefox say it as a RangeError. */
function isOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack|too much recursion|stack overflow/i.test(error.message);
}
