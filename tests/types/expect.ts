/** Assertions about types: they compile where the types are as said. */

/** True where two types are the same, `any` being the same as nothing but itself. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles where the type is `true`. */
export function expectType<_T extends true>(): void {}
