// Writes the sample table: orders of a shop as CSV, with skewed cities, prices that differ by category, and quoted names.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { seeded } from './random.mjs';

const CITIES = [
  'Lisbon', 'Oslo', 'Nairobi', 'Kyoto', 'Montréal', 'Valparaíso', 'Tallinn', 'Hanoi', 'Kraków', 'Accra', 'Wellington', 'Porto Alegre',
];

/** Name, how common, typical price, spread of the price, products. */
const CATEGORIES = [
  ['Books', 24, 14, 0.5, ['Atlas of lakes', '"Stones, a field guide"', 'Night sky almanac', 'Letters from the coast']],
  ['Kitchen', 17, 32, 0.7, ['Cast-iron pan', '"Knife, 20 cm"', 'Mortar and pestle', 'Tea kettle']],
  ['Garden', 12, 21, 0.9, ['Watering can', '"Seeds, wild meadow"', 'Pruning shears', 'Bird bath']],
  ['Lighting', 9, 58, 0.6, ['"Desk lamp, brass"', 'Paper lantern', 'Reading light']],
  ['Furniture', 5, 240, 0.8, ['Oak stool', '"Shelf, five boards"', 'Writing desk', 'Armchair']],
  ['Outdoor', 10, 74, 0.85, ['Rain jacket', 'Two-person tent', '"Rope, 40 m"', 'Headlamp']],
  ['Music', 7, 27, 0.55, ['Kalimba', '"Strings, nylon"', 'Metronome', 'Songbook']],
  ['Toys', 8, 19, 0.6, ['Wooden blocks', '"Kite, red"', 'Marble run']],
  ['Office', 11, 9, 0.8, ['Notebook', '"Pencils, dozen"', 'Tape dispenser', 'Paper clips']],
  ['Instruments', 2, 410, 0.5, ['Barometer', '"Theodolite, used"', 'Sextant']],
];

/** Chooses by weight: a table of 1,024 answers, one random number a choice. */
function chooser(weights, random) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const table = [];
  weights.forEach((weight, index) => {
    while (table.length < ((index + 1 === weights.length ? total : weights.slice(0, index + 1).reduce((a, b) => a + b, 0)) / total) * 1024) table.push(index);
  });
  return () => table[Math.floor(random() * 1024)];
}

const two = (number) => String(number).padStart(2, '0');

/** Writes at least `bytes` bytes of whole lines to `path`. */
export async function writeTable(path, bytes) {
  const random = seeded(1815);
  const city = chooser(CITIES.map((_, index) => 14 - index), random);
  const category = chooser(CATEGORIES.map(([, common]) => common), random);
  const out = createWriteStream(path);
  const failed = once(out, 'error').then(([error]) => {
    throw error;
  });
  let text = 'order,date,city,category,product,quantity,price\n';
  let written = 0;
  for (let order = 100_001; written + text.length < bytes; order++) {
    const [name, , typical, spread, products] = CATEGORIES[category()];
    const normal = random() + random() + random() + random() - 2;
    const cents = Math.max(50, Math.round(typical * Math.exp(spread * 1.7 * normal) * 100));
    const day = Math.floor(random() * 365);
    const quantity = 1 + Math.floor(random() ** 3 * 6);
    const product = products[Math.floor(random() * products.length)];
    text += `${order},2025-${two(1 + Math.floor(day / 31))}-${two(1 + (day % 28))},${CITIES[city()]},${name},${product},${quantity},${Math.floor(cents / 100)}.${two(cents % 100)}\n`;
    if (text.length > 1 << 20) {
      written += Buffer.byteLength(text);
      if (!out.write(text)) await Promise.race([once(out, 'drain'), failed]);
      text = '';
    }
  }
  out.end(text);
  await Promise.race([once(out, 'close'), failed]);
}
