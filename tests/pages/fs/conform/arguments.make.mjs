// Plays calls with odd arguments on the real filesystem of Node.js, and says which version that is.
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playArguments } from './arguments.mjs';

export default async function make({ sync }) {
  const top = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'isolith-arguments-'));
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    const outcomes = await playArguments(sync ? fs : fs.promises, join(top, 'root'), { sync: Boolean(sync) });
    return { type: '.json', body: JSON.stringify({ major: Number.parseInt(process.versions.node), outcomes }) };
  } finally {
    process.emitWarning = emitWarning;
    fs.rmSync(top, { recursive: true });
  }
}
