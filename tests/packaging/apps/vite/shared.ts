// What the page and the module of tasks have in common.
export const double = (n: number): number => n * 2;
