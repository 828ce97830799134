// Seeded randomness and value noise: the same samples on every machine.

/** A generator of numbers in [0, 1) (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Smooth noise in [0, 1] over the plane, from a lattice of random values that repeats every 256. */
export function valueNoise(seed) {
  const random = seeded(seed);
  const lattice = Float32Array.from({ length: 65536 }, random);
  return (x, y) => {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const u = x - left;
    const v = y - top;
    const across = u * u * (3 - 2 * u);
    const down = v * v * (3 - 2 * v);
    const row = (top & 255) << 8;
    const next = ((top + 1) & 255) << 8;
    const here = left & 255;
    const beside = (left + 1) & 255;
    const upper = lattice[row + here] + (lattice[row + beside] - lattice[row + here]) * across;
    const lower = lattice[next + here] + (lattice[next + beside] - lattice[next + here]) * across;
    return upper + (lower - upper) * down;
  };
}

/** Noise summed over `octaves`, each twice as fine and half as strong; in [0, 1]. */
export function fractal(noise, x, y, octaves) {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    sum += noise(x, y) * weight;
    total += weight;
    weight *= 0.5;
    // Turned a little each time, so that the lattice does not show.
    [x, y] = [x * 1.8 + y * 0.9 + 17.3, y * 1.8 - x * 0.9 + 5.1];
  }
  return sum / total;
}
