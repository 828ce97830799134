/** Errors of the filesystem in the shape that Node.js gives them: code, errno, syscall, path, message. */

import { IsolithError } from '../errors.js';
import { lastError } from '../kernel.js';
import type { Door } from './exports.js';

/** What failed: the call as Node.js names it, and what it was about. */
export interface Subject {
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

/** An error of a filesystem call. */
export class FsError extends IsolithError {
  readonly #words: string;
  /** The negative of the number that Linux gives the code. */
  readonly errno: number;
  readonly syscall: string;
  declare readonly path?: string;
  declare readonly dest?: string;

  constructor(code: string, errno: number, words: string, subject: Subject, options?: ErrorOptions) {
    const { syscall, path, dest } = subject;
    const about = path === undefined ? '' : ` '${path}'${dest === undefined ? '' : ` -> '${dest}'`}`;
    super(code, `${code}: ${words}, ${syscall}${about}`, options);
    this.#words = words;
    this.errno = -errno;
    this.syscall = syscall;
    if (path !== undefined) this.path = path;
    if (dest !== undefined) this.dest = dest;
  }

  /** The same error about something else: what users called, where that is made of other calls. */
  about(subject: Subject): FsError {
    return new FsError(this.code, -this.errno, this.#words, subject, { cause: this });
  }
}

/** The error that the last call of this thread left behind, about `subject`. */
export function failure(door: Door, subject: Subject): FsError {
  const errno = door.kernel.exports.isolith_error_number();
  const { code, message } = lastError(door.kernel);
  // The kernel names the path, too; here it goes to the end, as in Node.js.
  return new FsError(code, errno, message.replace(/ '[^]*'$/, ''), subject);
}

const NUMBERS: Record<string, readonly [number, string]> = {
  EPERM: [1, 'operation not permitted'],
  ENOENT: [2, 'no such file or directory'],
  EIO: [5, 'i/o error'],
  EBADF: [9, 'bad file descriptor'],
  EACCES: [13, 'permission denied'],
  EEXIST: [17, 'file already exists'],
  ENOTDIR: [20, 'not a directory'],
  EISDIR: [21, 'illegal operation on a directory'],
  EINVAL: [22, 'invalid argument'],
  EFBIG: [27, 'file too large'],
  ENOTSUP: [95, 'operation not supported on socket'],
  ETIMEDOUT: [110, 'the store did not answer in time'],
};

/** An error that JavaScript itself finds. */
export function fsError(code: string, subject: Subject, words?: string, options?: ErrorOptions): FsError {
  const [errno, standard] = NUMBERS[code] ?? [5, 'i/o error'];
  return new FsError(code, errno, words ?? standard, subject, options);
}

/** The error of Node.js for an argument that makes no sense. */
export function badArgument(name: string, value: unknown, wanted: string): TypeError {
  const error = new TypeError(`The "${name}" ${name.includes('.') ? 'property' : 'argument'} must be ${wanted}. Received ${describe(value)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** The error of Node.js for a number that is out of its range. */
export function outOfRange(name: string, value: unknown, wanted: string): RangeError {
  const error = new RangeError(`The value of "${name}" is out of range. It must be ${wanted}. Received ${inspected(value, true)}`);
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** The number, if it is an integer within the bounds; throws the errors of Node.js otherwise. */
export function integer(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw badArgument(name, value, 'of type number');
  if (!Number.isInteger(value)) throw outOfRange(name, value, 'an integer');
  if (value < least || value > most) throw outOfRange(name, value, most === Infinity ? `>= ${least}` : `>= ${least} && <= ${most}`);
  return value;
}

/** The options as an object, whose `flags` must be true or false where they are given. */
export function switches<O extends object>(options: O | undefined, ...flags: (keyof O & string)[]): Partial<O> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw badArgument('options', options, 'of type object');
  return flagged(options, ...flags);
}

/** What has these flags, each of them true or false if it is given. */
export function flagged<O extends object>(options: O, ...flags: (keyof O & string)[]): Partial<O> {
  for (const flag of flags) {
    const value = options[flag] as unknown;
    if (value !== undefined && typeof value !== 'boolean') throw badArgument(`options.${flag}`, value, 'of type boolean');
  }
  return options;
}

/** The error of Node.js for a value that is none of those allowed. */
export function badValue(name: string, value: unknown, why = 'is invalid'): TypeError {
  const error = new TypeError(`The argument '${name}' ${why}. Received ${inspected(value)}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** Error number by name, of what `cp` and `rm` find out by themselves. */
export function systemError(code: string, errno: number, words: string, syscall: string, path: string, what: string): Error {
  const error = new Error(`${words}: ${syscall} returned ${what} ${path}`);
  return Object.assign(error, { name: 'SystemError', code, errno, syscall, path });
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  if (typeof value === 'function' && value.name) return `function ${value.name}`;
  const text = inspected(value);
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

/** A value as Node.js prints it: those that are no objects, and roughly the others; large numbers `inGroups` of three digits. */
function inspected(value: unknown, inGroups = false): string {
  switch (typeof value) {
    case 'string':
      return `'${value}'`;
    case 'bigint':
      return `${value}n`;
    case 'number':
      return inGroups && Number.isInteger(value) && Math.abs(value) > 2 ** 32 ? String(value).replace(/\B(?=(\d{3})+$)/g, '_') : String(value);
    case 'function':
      return value.name ? `[Function: ${value.name}]` : '[Function (anonymous)]';
    case 'object':
      return JSON.stringify(value);
    default:
      return String(value);
  }
}
