// The three tasks that every pool runs, and the object that one of them is given.

/** The trivial task. */
export const trivial = (x) => x + 1;

/** Looks at every part of the object and answers with a number. */
export const visit = (object) => object.items.reduce((sum, item) => sum + item.id + item.tags.length + item.name.length, 0);

/** Changes its part of a shared memory in place: words from `from` to `to`. */
export function flip(buffer, from, to) {
  const words = new Int32Array(buffer);
  for (let at = from; at < to; at++) {
    // Enough arithmetic per word that it is the cores that are measured, not the memory they share; all of it in
    // 32-bit integers, so that engines do not compile it anew when the words get larger.
    let word = words[at];
    for (let turn = 0; turn < 3; turn++) word = (Math.imul(word ^ (word >>> 15), 0x2c1b3c6d) + turn) | 0;
    words[at] = word;
  }
  return to - from;
}

/** All three by name, with their arguments as one array. */
export function perform({ task, args }) {
  return { trivial, visit, flip }[task](...args);
}

/** An object of about 10 KiB as JSON. */
export function tenKilobytes(seed) {
  const items = Array.from({ length: 64 }, (_, index) => ({
    id: seed + index,
    name: `item ${index} of the order with the number ${seed + index}`,
    price: index * 1.25,
    tags: ['shared', 'memory', `tag-${index}`],
    at: { x: index, y: seed, label: 'on the second shelf' },
  }));
  return { id: seed, items };
}
