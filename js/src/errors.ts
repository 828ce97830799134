/** The one error class of the package, and how errors of tasks travel between threads whole. */

/** What the package throws and rejects with where no built-in class says it better. */
export class IsolithError extends Error {
  /** Stable name of what went wrong: an errno name such as `ENOMEM`, or `ERR_…`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IsolithError';
    this.code = code;
  }
}

/** The error for a value that no transport takes. */
export function notSerializable(what: string, cause: unknown): IsolithError {
  return new IsolithError('ERR_NOT_SERIALIZABLE', `${what} cannot be sent to another thread: ${String(cause)}`, { cause });
}

/** An error as plain data: what structured clone would lose of its class, code and fields is kept. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: unknown;
  readonly errors?: unknown[];
  readonly kind: 'error' | 'dom' | 'isolith';
  readonly fields: Record<string, unknown>;
}

const CLASSES: Record<string, ErrorConstructor> = {
  EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
};

const MARK = 'isolith:error';

/** A thrown value as something that postMessage takes: errors become data, the rest stays. */
export function packError(thrown: unknown): unknown {
  return pack(thrown, 0);
}

function pack(thrown: unknown, depth: number): unknown {
  if (!isErrorLike(thrown) || depth > 16) return cloneable(thrown);
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(thrown)) {
    if (key !== 'name' && key !== 'cause') fields[key] = cloneable((thrown as unknown as Record<string, unknown>)[key]);
  }
  const dom = typeof DOMException !== 'undefined' && thrown instanceof DOMException;
  const data: ErrorData = {
    name: String(thrown.name),
    message: String(thrown.message),
    kind: dom ? 'dom' : thrown instanceof IsolithError ? 'isolith' : 'error',
    fields,
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...('cause' in thrown ? { cause: pack(thrown.cause, depth + 1) } : {}),
    ...(thrown instanceof AggregateError ? { errors: thrown.errors.map((it) => pack(it, depth + 1)) } : {}),
  };
  return { [MARK]: data };
}

/** The value that `packError` was given; errors are of their class again, with their own stack. */
export function unpackError(packed: unknown): unknown {
  if (typeof packed !== 'object' || packed === null || !(MARK in packed)) return packed;
  const data = (packed as { [MARK]: ErrorData })[MARK];
  const options = 'cause' in data ? { cause: unpackError(data.cause) } : undefined;
  const error = create(data, options);
  if (data.stack !== undefined) define(error, 'stack', data.stack);
  if (data.kind !== 'dom') {
    if (error.name !== data.name) define(error, 'name', data.name);
    Object.assign(error, data.fields);
  }
  return error;
}

function create(data: ErrorData, options: ErrorOptions | undefined): Error {
  if (data.kind === 'dom') return new DOMException(data.message, data.name);
  if (data.kind === 'isolith') return new IsolithError(String(data.fields['code']), data.message, options);
  if (data.errors) return new AggregateError(data.errors.map(unpackError), data.message, options);
  const Class = CLASSES[data.name] ?? Error;
  return new Class(data.message, options);
}

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}

function isErrorLike(thrown: unknown): thrown is Error {
  return thrown instanceof Error || (typeof DOMException !== 'undefined' && thrown instanceof DOMException);
}

/** The value if structured clone takes it, else a description of it. */
function cloneable(value: unknown): unknown {
  try {
    structuredClone(value);
    return value;
  } catch {
    return String(value);
  }
}
