// Makes the sample files of the playground in public/generated, unless they are there already.
import { existsSync } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { paint } from './photo.mjs';
import { encodePng } from './png.mjs';
import { writeTable } from './table.mjs';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../public/generated');

/** Where the samples lie. Raise the number in a name when what it holds changes. */
export const SAMPLES = { photo: join(FOLDER, 'lake-1.png'), table: join(FOLDER, 'orders-1.csv') };

const PHOTO = { width: 2400, height: 1600 };
const TABLE_BYTES = 64e6;

/** Makes what is missing; a file appears under its name only when it is whole. */
export async function makeSamples() {
  await mkdir(FOLDER, { recursive: true });
  if (!existsSync(SAMPLES.photo)) {
    console.log('samples: painting the photo');
    await writeFile(`${SAMPLES.photo}.part`, encodePng(PHOTO.width, PHOTO.height, paint(PHOTO.width, PHOTO.height)));
    await rename(`${SAMPLES.photo}.part`, SAMPLES.photo);
  }
  if (!existsSync(SAMPLES.table)) {
    console.log('samples: writing the table');
    await writeTable(`${SAMPLES.table}.part`, TABLE_BYTES);
    await rename(`${SAMPLES.table}.part`, SAMPLES.table);
  }
  for (const path of Object.values(SAMPLES)) console.log(`samples: ${path} (${((await stat(path)).size / 1e6).toFixed(1)} MB)`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await makeSamples();
