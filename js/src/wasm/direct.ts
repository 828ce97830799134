/** The quickest way from JavaScript into a guest: one closure per exported function, for plain numbers only. */

import type { FuncType, ValueType } from './shape.js';

/** Calls with the arguments, if they are plain numbers that fit; otherwise nothing is called and nothing is the answer. */
export type Direct = (args: readonly unknown[]) => number[] | undefined;

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
      return (args) => {
        if (args.length !== 0) return undefined;
        try {
          return [f()];
        } catch (error) {
          return caught(error);
        }
      };
    case 1:
      return (args) => {
        const a = args[0];
        if (args.length !== 1 || !fits(a, first)) return undefined;
        try {
          return [f(a)];
        } catch (error) {
          return caught(error);
        }
      };
    case 2:
      return (args) => {
        const a = args[0];
        const b = args[1];
        if (args.length !== 2 || !fits(a, first) || !fits(b, second)) return undefined;
        try {
          return [f(a, b)];
        } catch (error) {
          return caught(error);
        }
      };
    default:
      return (args) => {
        const a = args[0];
        const b = args[1];
        const c = args[2];
        if (args.length !== 3 || !fits(a, first) || !fits(b, second) || !fits(c, third)) return undefined;
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
