// Computes in Node what the playground must come to, by other means than its workers: plain loops, whole numbers, no ranges.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodePng } from './png.mjs';

/** Rows, and figures per value of column `group`, of column `value`, in hundredths as whole numbers. */
export async function expectedTable(path, group, value) {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const titles = lines[0].split(',');
  const [by, of] = [titles.indexOf(group), titles.indexOf(value)];
  const groups = new Map();
  let rows = 0;
  for (const line of lines.slice(1)) {
    if (line === '') continue;
    rows++;
    // A comma inside quotes does not divide.
    const fields = line.includes('"') ? line.match(/("[^"]*"|[^,]*)(,|$)/g).map((field) => field.replace(/,$/, '').replaceAll('"', '')) : line.split(',');
    const [whole, part] = fields[of].split('.');
    const hundredths = BigInt(whole) * 100n + BigInt(part);
    let found = groups.get(fields[by]);
    if (!found) groups.set(fields[by], (found = { count: 0, sum: 0n, min: hundredths, max: hundredths }));
    found.count++;
    found.sum += hundredths;
    if (hundredths < found.min) found.min = hundredths;
    if (hundredths > found.max) found.max = hundredths;
  }
  return { rows, groups };
}

/** SHA-256 of the RGBA bytes of the photo after the blur of this radius and the edge filter. */
export async function expectedEdges(path, radius) {
  const { width, height, pixels } = decodePng(await readFile(path));
  const sigma = radius / 2 + 0.5;
  const bell = [];
  for (let i = -radius; i <= radius; i++) bell.push(Math.exp(-(i * i) / (2 * sigma * sigma)));
  const total = bell.reduce((a, b) => a + b);
  const weights = bell.map((one) => Math.round((one * 65536) / total));
  weights[radius] += 65536 - weights.reduce((a, b) => a + b);

  const inside = (at, size) => Math.min(size - 1, Math.max(0, at));
  const blurred = (from, dx, dy) => {
    const to = new Uint8Array(from.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let part = 0; part < 3; part++) {
          let sum = 32768;
          for (let k = -radius; k <= radius; k++) {
            sum += weights[k + radius] * from[(inside(y + k * dy, height) * width + inside(x + k * dx, width)) * 3 + part];
          }
          to[(y * width + x) * 3 + part] = sum >> 16;
        }
      }
    }
    return to;
  };
  const soft = blurred(blurred(pixels, 1, 0), 0, 1);
  const light = new Uint8Array(width * height);
  for (let i = 0; i < light.length; i++) light[i] = (soft[i * 3] * 77 + soft[i * 3 + 1] * 150 + soft[i * 3 + 2] * 29) >> 8;
  const at = (x, y) => light[inside(y, height) * width + inside(x, width)];
  const out = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const right = at(x + 1, y - 1) + 2 * at(x + 1, y) + at(x + 1, y + 1);
      const left = at(x - 1, y - 1) + 2 * at(x - 1, y) + at(x - 1, y + 1);
      const down = at(x - 1, y + 1) + 2 * at(x, y + 1) + at(x + 1, y + 1);
      const up = at(x - 1, y - 1) + 2 * at(x, y - 1) + at(x + 1, y - 1);
      const paper = Math.max(0, 255 - 3 * (Math.abs(right - left) + Math.abs(down - up)));
      out.fill(paper, (y * width + x) * 4, (y * width + x) * 4 + 3);
      out[(y * width + x) * 4 + 3] = 255;
    }
  }
  return createHash('sha256').update(out).digest('hex');
}
