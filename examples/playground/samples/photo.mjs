// Paints the sample photo: a mountain lake at dusk, out of noise, with the grain and vignette of a camera.
import { fractal, seeded, valueNoise } from './random.mjs';

const noise = valueNoise(20);
const fine = valueNoise(77);

const mix = (a, b, t) => a + (b - a) * t;
const blend = (a, b, t) => [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];
const clamp01 = (t) => Math.min(1, Math.max(0, t));
const smooth = (from, to, t) => {
  const u = clamp01((t - from) / (to - from));
  return u * u * (3 - 2 * u);
};

/** Where the lake begins, and the sun: in parts of the picture's height and width. */
const SHORE = 0.64;
const SUN = { x: 0.66, y: 0.5 };

const SKY = [
  [0, [30, 44, 92]],
  [0.22, [66, 82, 140]],
  [0.38, [148, 128, 168]],
  [0.48, [226, 158, 146]],
  [0.56, [252, 196, 138]],
  [0.66, [255, 218, 160]],
];

/** Ranges from far to near: base line, height, scale of the profile, colour, how much haze lies over it. */
const RANGES = [
  { base: 0.58, rise: 0.3, scale: 3.1, seed: 3, colour: [112, 110, 148], haze: 0.34, snow: true },
  { base: 0.6, rise: 0.17, scale: 4.2, seed: 41, colour: [74, 78, 112], haze: 0.26, snow: false },
  { base: 0.615, rise: 0.1, scale: 5.2, seed: 90, colour: [44, 56, 76], haze: 0.16, snow: false },
  { base: 0.64, rise: 0.055, scale: 8.5, seed: 140, colour: [24, 36, 42], haze: 0.05, snow: false },
];

/** Noise folded at its middle, so that it has crests like rock; in [0, 1]. */
function crests(x, y, octaves) {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    const folded = 1 - Math.abs(2 * fine(x, y) - 1);
    sum += folded * folded * weight;
    total += weight;
    weight *= 0.52;
    [x, y] = [x * 1.9 + y * 0.6 + 31.7, y * 1.9 - x * 0.6 + 8.3];
  }
  return sum / total;
}

/** Height of a range's ridge at `x`: a few large summits, with crests on them. */
function ridge(range, x) {
  const summits = noise(x * range.scale * 0.9 + range.seed * 3, 9.5) ** 1.4;
  const jagged = crests(x * range.scale * 1.6 + range.seed, range.seed * 1.7, 6);
  return range.base - range.rise * (0.12 + 0.62 * summits + 0.42 * jagged * (0.35 + summits));
}

function sky(x, y) {
  let stop = 1;
  while (stop < SKY.length - 1 && SKY[stop][0] < y) stop++;
  const [from, below] = SKY[stop - 1];
  const [to, above] = SKY[stop];
  let colour = blend(below, above, clamp01((y - from) / (to - from)));
  const dx = x - SUN.x;
  const dy = (y - SUN.y) * 1.5;
  const far = Math.sqrt(dx * dx * 0.62 + dy * dy);
  colour = blend(colour, [255, 226, 170], Math.exp(-far * 5.2) * 0.85);
  // Clouds: flat banks, thicker high up, lit from below by the sun.
  const bank = fractal(noise, x * 3.1 + 40, y * 11 + 3, 6);
  const veil = fractal(noise, x * 1.4 + 7, y * 5.2 + 60, 5);
  const cover = smooth(0.5, 0.72, bank * 0.66 + veil * 0.42) * smooth(0.62, 0.3, y);
  const lit = Math.exp(-far * 2.3);
  const cloud = blend([96, 92, 132], [255, 176, 128], clamp01(lit * 1.5 + (0.5 - bank) * 1.4));
  return blend(colour, cloud, cover * 0.82);
}

/** Rock, snow and woods of a range at a point below its ridge, with light from the sun's side. */
function slope(range, x, y, top) {
  const depth = (y - top) / range.rise;
  const grain = 5.5 * range.scale;
  // Gullies run downhill: the rock is finer across than along, and leans with the ridge above it.
  const lean = x + (y - top) * 0.35 * (noise(x * range.scale * 2, range.seed) - 0.5);
  const here = crests(lean * grain, y * grain * 0.62, 6);
  const beside = crests((lean - 0.0024) * grain, (y + 0.0016) * grain * 0.62, 6);
  const light = clamp01(0.46 + (here - beside) * 3.4);
  let colour = range.colour.map((part) => part * (0.55 + 0.85 * light));
  if (range.snow) {
    const white = smooth(0.62, 0.12, depth + (0.42 - here) * 1.1);
    colour = blend(colour, [126 + 122 * light, 128 + 84 * light, 172 + 36 * light], white * 0.9);
  }
  const warm = Math.exp(-Math.abs(x - SUN.x) * 2.6);
  colour = blend(colour, [236, 170, 134], range.haze * (0.45 + 0.55 * warm));
  return blend(colour, [228, 186, 160], smooth(0.25, 1.15, depth) * range.haze * 0.8);
}

/** What stands above the shore line at a point: the nearest range, or the sky. */
function land(x, y, tops) {
  for (let near = RANGES.length - 1; near >= 0; near--) if (y >= tops[near]) return slope(RANGES[near], x, y, tops[near]);
  return sky(x, y);
}

/** The lake: the land upside down, broken by waves that grow towards the viewer. */
function lake(x, y, topsAt) {
  const near = (y - SHORE) / (1 - SHORE);
  const wave = fractal(fine, x * mix(60, 16, near) + 11, y * mix(620, 120, near), 4) - 0.5;
  const shift = wave * (0.012 + near * 0.085);
  const mirrored = Math.max(0.02, SHORE - (y - SHORE) * 0.92 + shift);
  const across = clamp01(x + wave * 0.012 * (0.4 + near));
  const tint = 0.2 + 0.42 * near;
  const colour = blend(land(across, mirrored, topsAt(across)), [18, 36, 62], tint);
  const sparkle = smooth(0.12, 0.3, wave) * Math.exp(-Math.abs(x - SUN.x) * 9) * (1 - near * 0.4);
  return blend(colour, [255, 214, 158], sparkle * 0.75);
}

/** Firs on the near bank: for each column, how high the dark of the bank reaches. */
function bank(width) {
  const random = seeded(5);
  const tops = new Float32Array(width);
  for (let i = 0; i < width; i++) {
    const x = i / width;
    const side = Math.abs(x - 0.46) * 2;
    tops[i] = 1.02 - 0.16 * side ** 3 - 0.045 * fractal(noise, x * 9 + 300, 2, 5);
  }
  const firs = [];
  for (let tree = 0; tree < 74; tree++) {
    const left = random() < 0.56;
    const x = left ? random() ** 1.7 * 0.34 : 1 - random() ** 1.9 * 0.27;
    firs.push({ x, height: (0.1 + 0.3 * random()) * (1 - 0.75 * (left ? x / 0.36 : (1 - x) / 0.29)) + 0.04 });
  }
  return { tops, firs };
}

function drawFirs(mask, width, height, { tops, firs }) {
  for (let i = 0; i < width; i++) for (let y = Math.floor(tops[i] * height); y < height; y++) if (y >= 0) mask[y * width + i] = 1;
  for (const [number, fir] of firs.entries()) {
    const centre = fir.x * width;
    const foot = Math.min(height, (tops[Math.min(width - 1, Math.floor(centre))] + 0.02) * height);
    const tall = fir.height * height;
    for (let y = Math.max(0, Math.floor(foot - tall)); y < foot; y++) {
      const down = (y - (foot - tall)) / tall;
      const tier = (down * 11) % 1;
      const rough = fine(y * 0.35, number * 13.7);
      const half = tall * 0.17 * down * (0.42 + 0.58 * tier) * (0.65 + 0.6 * rough) + 1;
      const sway = (fine(y * 0.06, number * 3.1) - 0.5) * 3;
      const from = Math.max(0, Math.floor(centre + sway - half));
      const to = Math.min(width - 1, Math.ceil(centre + sway + half * (0.8 + 0.4 * fine(y * 0.4, number))));
      for (let x = from; x <= to; x++) mask[y * width + x] = 1;
    }
  }
}

/** RGB bytes of the picture. */
export function paint(width, height) {
  const pixels = new Uint8Array(width * height * 3);
  const random = seeded(99);
  const ridges = RANGES.map((range) => Float32Array.from({ length: width + 1 }, (_, i) => ridge(range, i / width)));
  const topsAt = (x) => ridges.map((tops) => tops[Math.round(x * width)]);
  const mask = new Uint8Array(width * height);
  drawFirs(mask, width, height, bank(width));
  for (let column = 0; column < width; column++) {
    const x = column / width;
    const tops = topsAt(x);
    for (let row = 0; row < height; row++) {
      const y = row / height;
      let colour = y < SHORE ? land(x, y, tops) : lake(x, y, topsAt);
      // A little mist where land and water meet.
      colour = blend(colour, [246, 206, 172], Math.exp(-Math.abs(y - SHORE) * 70) * 0.36);
      if (mask[row * width + column]) {
        const leaf = fine(x * 420, y * 420);
        colour = [9 + 12 * leaf, 15 + 16 * leaf, 20 + 11 * leaf];
      }
      const edge = 1.04 - 0.3 * ((x - 0.5) ** 2 * 1.7 + (y - 0.5) ** 2 * 1.5);
      const grain = (random() + random() - 1) * 5;
      const at = (row * width + column) * 3;
      for (let part = 0; part < 3; part++) pixels[at + part] = Math.min(255, Math.max(0, colour[part] * edge + grain));
    }
  }
  return pixels;
}
