// The same imports as plain exports.

export const env = { told: (x) => x };
export const host = { seed: () => 5 };
