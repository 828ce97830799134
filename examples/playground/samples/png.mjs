// Writes and reads PNG files with 8 bits a channel, RGB, without interlacing: what the samples need.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function crcOf(bytes) {
  if (crc32) return crc32(bytes);
  // Node before 20.15 has no crc32 of its own.
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crcOf(body), body.length + 4);
  return out;
}

/** The file for `width * height * 3` bytes of pixels; every row is stored as its difference to the row above. */
export function encodePng(width, height, pixels) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const stride = width * 3;
  const rows = Buffer.alloc(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const out = y * (stride + 1);
    rows[out] = 2;
    for (let i = 0; i < stride; i++) rows[out + 1 + i] = pixels[y * stride + i] - (y > 0 ? pixels[(y - 1) * stride + i] : 0);
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 6 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Width, height and RGB bytes of a file that {@link encodePng} wrote. */
export function decodePng(file) {
  const width = file.readUInt32BE(16);
  const height = file.readUInt32BE(20);
  const data = [];
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(file.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const rows = inflateSync(Buffer.concat(data));
  const stride = width * 3;
  const pixels = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    if (rows[y * (stride + 1)] !== 2) throw new Error(`row ${y} has a filter that this reader does not know`);
    for (let i = 0; i < stride; i++) pixels[y * stride + i] = rows[y * (stride + 1) + 1 + i] + (y > 0 ? pixels[(y - 1) * stride + i] : 0);
  }
  return { width, height, pixels };
}
