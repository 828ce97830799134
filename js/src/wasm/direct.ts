/** The quickest way from JavaScript into a guest: one closure per exported function, for plain numbers only. */

import type { FuncType, ValueType } from './shape.js';

/**
 * Calls with so many arguments, if they are plain numbers that fit; otherwise nothing is called and nothing is
 * the answer. One by one: a list of them costs as much as the call.
 */
export type Direct = (count: number, a: unknown, b: unknown, c: unknown) => number[] | undefined;

/**
 * A closure for `callable`, if it takes up to three plain numbers and gives one; `caught` gets what it throws.
 *
 * Engines inline a closure that knows its function and the kinds of its parameters; a lookup by number with a
 * check by the names of types costs several times as much as the call (most in Firefox).
 */
export function directOf(callable: (...args: never[]) => unknown, { params, results }: FuncType, caught: (error: unknown) => number[]): Direct | undefined {
  if (params.length > 3 || !params.every(isPlain) || results.length !== 1 || !isNumber(results[0]!)) return undefined;
  const f = callable as (a?: number, b?: number, c?: number) => number;
  const [first, second, third] = params.map((type) => type === 'i32');
  const fits = (value: unknown, isInteger: boolean | undefined): value is number =>
    typeof value === 'number' && (!isInteger || (value | 0) === value);
  switch (params.length) {
    case 0:
      return (count) => {
        if (count !== 0) return undefined;
        try {
          return [f()];
        } catch (error) {
          return caught(error);
        }
      };
    case 1:
      return (count, a) => {
        if (count !== 1 || !fits(a, first)) return undefined;
        try {
          return [f(a)];
        } catch (error) {
          return caught(error);
        }
      };
    case 2:
      return (count, a, b) => {
        if (count !== 2 || !fits(a, first) || !fits(b, second)) return undefined;
        try {
          return [f(a, b)];
        } catch (error) {
          return caught(error);
        }
      };
    default:
      return (count, a, b, c) => {
        if (count !== 3 || !fits(a, first) || !fits(b, second) || !fits(c, third)) return undefined;
        try {
          return [f(a, b, c)];
        } catch (error) {
          return caught(error);
        }
      };
  }
}

/** Types whose values need a look at most. An f32 is rounded, which is the engine's to do. */
function isPlain(type: ValueType): boolean {
  return type === 'i32' || type === 'f64';
}

function isNumber(type: ValueType): boolean {
  return type === 'i32' || type === 'f32' || type === 'f64';
}
