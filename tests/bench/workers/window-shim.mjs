// Gives a worker the name that a library takes for granted.
globalThis.window ??= globalThis;
