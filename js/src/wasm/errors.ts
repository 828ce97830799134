/** The error of the wasm runtime: a number from 5000 to 5011, which its message repeats in brackets. */

/** What can go wrong, by name. */
export const WasmCode = {
  /** The bytes are no module that this engine compiles. */
  compile: 5000,
  /** The module could not be instantiated: an import is missing, a limit is exceeded, its start trapped. */
  instantiate: 5001,
  /** A call trapped, overflowed the stack, timed out, or a host function threw. */
  call: 5002,
  /** There is no export of that name and kind. */
  exportNotFound: 5003,
  /** No module has this id, or it was dropped. */
  moduleHandle: 5004,
  /** No instance has this id, or it was dropped or ended. */
  instanceHandle: 5005,
  /** An address is outside of the memory, or it cannot grow so far. */
  memory: 5006,
  /** An argument does not fit the signature. */
  type: 5007,
  /** A file could not be read, or a response was not ok. */
  io: 5008,
  /** The capability system refuses. */
  permission: 5009,
  /** The WASI configuration is wrong: a directory is missing, for example. */
  wasi: 5010,
  /** The fuel is spent. */
  fuel: 5011,
} as const;

/** One of the numbers of `WasmCode`. */
export type WasmErrorCode = (typeof WasmCode)[keyof typeof WasmCode];

/** What `isolith/wasm` rejects with; traps have the engine's own error as `cause`. */
export class WasmError extends Error {
  /** 5000 to 5011, see `WasmCode`. */
  readonly code: WasmErrorCode;

  constructor(code: WasmErrorCode, text: string, options?: ErrorOptions) {
    super(`[${code}] ${text}`, options);
    this.name = 'WasmError';
    this.code = code;
  }
}

/** The error that came from another thread, of its class again; others as they are. */
export function revived(error: unknown): unknown {
  if (error instanceof WasmError || !(error instanceof Error) || error.name !== 'WasmError') return error;
  const { code } = error as unknown as { code: WasmErrorCode };
  const made = new WasmError(code, error.message.replace(/^\[\d+\] /, ''), 'cause' in error ? { cause: error.cause } : undefined);
  if (error.stack !== undefined) made.stack = error.stack;
  const { exitCode } = error as { exitCode?: unknown };
  return exitCode === undefined ? made : Object.assign(made, { exitCode });
}
