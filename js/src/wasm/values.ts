/** Numbers between JavaScript and wasm: converted by the signature, exactly, or refused with 5007. */

import { WasmCode, WasmError } from './errors.js';
import type { FuncType, ValueType } from './shape.js';

/** A value whose type is said: it must be the parameter's. */
export interface TypedValue {
  readonly type: 'i32' | 'i64' | 'f32' | 'f64';
  readonly value: number | bigint;
}

/** What a call takes: numbers convert by the signature; references only where the guest is `inline`. */
export type Argument = number | bigint | TypedValue | object | null | undefined;

/** How i64 results come: as numbers where those are exact (`auto`), or always as bigints. */
export type BigintRule = 'auto' | 'always';

/** Says an argument's type: `types.i64(1n)`. */
export const types = {
  i32: (value: number | bigint): TypedValue => ({ type: 'i32', value }),
  i64: (value: number | bigint): TypedValue => ({ type: 'i64', value }),
  f32: (value: number | bigint): TypedValue => ({ type: 'f32', value }),
  f64: (value: number | bigint): TypedValue => ({ type: 'f64', value }),
} as const;

/** Integers up to here are exact as numbers. */
const EXACT = 2 ** 53;

/** The arguments as the engine takes them. Throws 5007. */
export function toWasm(name: string, { params }: FuncType, args: readonly Argument[], inline: boolean): unknown[] {
  if (args.length !== params.length) {
    throw new WasmError(WasmCode.type, `${name} takes ${params.length} arguments (${params.join(', ')}), ${args.length} were given`);
  }
  // What most calls consist of needs no conversion, and no copy.
  let at = 0;
  while (at < args.length && isPlain(params[at]!, args[at])) at++;
  if (at === args.length) return args as unknown[];
  const values: unknown[] = args.slice(0, at);
  for (; at < args.length; at++) values.push(convert(name, at, params[at]!, args[at], inline));
  return values;
}

function isPlain(type: ValueType, arg: Argument): boolean {
  return typeof arg === 'number' && (type === 'f64' || (type === 'i32' && (arg | 0) === arg));
}

function convert(name: string, at: number, type: ValueType, arg: Argument, inline: boolean): unknown {
  const wrong = (why: string): WasmError => new WasmError(WasmCode.type, `argument ${at + 1} of ${name} is ${type}: ${why}`);
  if (type === 'v128') throw wrong('JavaScript cannot pass vectors');
  if (type === 'externref' || type === 'funcref' || type === 'ref') {
    if (inline) return arg;
    throw wrong('references reach guests on this thread only ({ inline: true })');
  }
  let value: unknown = arg;
  if (typeof arg === 'object' && arg !== null && 'type' in arg && 'value' in arg) {
    if (arg.type !== type) throw wrong(`not ${String(arg.type)}`);
    ({ value } = arg);
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrong(`a ${value === null ? 'null' : typeof value} is no number`);
  switch (type) {
    case 'i32': {
      const number = Number(value);
      if (!Number.isInteger(number)) throw wrong(`${value} is no integer`);
      // Addresses are unsigned, most other integers are not: both are taken.
      if (number < -(2 ** 31) || number >= 2 ** 32) throw wrong(`${value} is out of range`);
      return number | 0;
    }
    case 'i64': {
      if (typeof value === 'number') {
        if (!Number.isInteger(value)) throw wrong(`${value} is no integer`);
        if (Math.abs(value) > EXACT) throw wrong(`${value} is not exact, pass a bigint`);
        value = BigInt(value);
      }
      if (BigInt.asIntN(64, value as bigint) !== value && BigInt.asUintN(64, value as bigint) !== value) throw wrong(`${value} is out of range`);
      return value;
    }
    default:
      if (typeof value === 'bigint' && BigInt(Number(value)) !== value) throw wrong(`${value} is not exact as a float`);
      return Number(value);
  }
}

/** The results of a call as callers get them: what the engine returned for none, one, or several. */
export function fromWasm({ results }: FuncType, returned: unknown, rule: BigintRule): (number | bigint)[] {
  if (typeof returned === 'number') return [returned];
  if (results.length === 0 || returned === undefined) return [];
  if (results.length > 1) return (returned as (number | bigint)[]).map((value) => result(value, rule));
  return [result(returned as number | bigint, rule)];
}

function result(value: number | bigint, rule: BigintRule): number | bigint {
  if (typeof value !== 'bigint' || rule === 'always') return value;
  return value >= -EXACT && value <= EXACT ? Number(value) : value;
}
