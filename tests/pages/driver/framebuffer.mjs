// Pictures of a virtual display: reads Xvfb's frame buffer file (XWD) and writes PNG, as WebKitWebDriver answers no screenshots.
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';

/** Words of an XWD header that matter, by index. */
const [HEADER_SIZE, WIDTH, HEIGHT, BITS_PER_PIXEL, BYTES_PER_LINE, COLORS] = [0, 4, 5, 11, 12, 19];

/** Bytes of an entry of the colour map that stands between header and pixels. */
const COLOR_ENTRY = 12;

/** The display's picture as PNG bytes. */
export function framebufferToPng(file) {
  const data = readFileSync(file);
  const word = (index) => data.readUInt32BE(index * 4);
  const [width, height, stride] = [word(WIDTH), word(HEIGHT), word(BYTES_PER_LINE)];
  if (word(BITS_PER_PIXEL) !== 32) throw new Error(`the display has ${word(BITS_PER_PIXEL)} bits per pixel, expected 32`);
  const start = word(HEADER_SIZE) + word(COLORS) * COLOR_ENTRY;
  // Each PNG row begins with its filter, 0 for none; the display's pixels are blue, green, red, unused.
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0, to = 0; y < height; y += 1) {
    to += 1;
    for (let x = 0, from = start + y * stride; x < width; x += 1, from += 4, to += 3) {
      rows[to] = data[from + 2];
      rows[to + 1] = data[from + 1];
      rows[to + 2] = data[from];
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, body) {
  const framed = Buffer.alloc(12 + body.length);
  framed.writeUInt32BE(body.length, 0);
  framed.write(type, 4, 'latin1');
  framed.set(body, 8);
  framed.writeUInt32BE(checksum(framed.subarray(4, 8 + body.length)), 8 + body.length);
  return framed;
}

/** The CRC-32 of PNG; `zlib.crc32` came only after Node 20's first releases. */
function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
