// Plays sequences on the real filesystem of Node.js: what comes of them is what they shall come to anywhere.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { play, sequence } from './play.mjs';

/** Plays the sequence of a seed, or one that is given. */
export default async function make({ seed, length, operations, sync }) {
  const chosen = operations ? JSON.parse(operations) : sequence(Number(seed), Number(length));
  const top = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'isolith-oracle-'));
  // Two directories deep, as in the page: what lies around is alike.
  const root = join(top, 'around/root');
  const umask = process.umask(0);
  fs.mkdirSync(root, { recursive: true, mode: 0o755 });
  try {
    const outcomes = await play(sync ? fs : fs.promises, root, chosen, { sync: Boolean(sync) });
    return { type: '.json', body: JSON.stringify(outcomes) };
  } finally {
    process.umask(umask);
    fs.rmSync(top, { recursive: true });
  }
}
