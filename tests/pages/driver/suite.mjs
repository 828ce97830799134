// Finds the page tests and reads, from their head comments, in which modes and browsers each file runs.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../../../scripts/lib/run.mjs';
import { MODES } from './server.mjs';

const PAGES = join(ROOT, 'tests/pages');

/**
 * Reads `// needs: tests/linker/build.mjs`, a script whose `build()` makes what the page loads, and
 * `// modes: isolated bare` and `// browsers: chromium firefox — reason` from the comment lines
 * at the head of a test file. Without them a file runs isolated, in every browser.
 */
export function readHead(text, name) {
  const head = /^(?:\/\/.*\n|\s*\n)*/.exec(text)[0];
  const modes = /^\/\/ modes: (.*)$/m.exec(head)?.[1].trim().split(/\s+/) ?? ['isolated'];
  for (const mode of modes) if (!MODES[mode]) throw new Error(`${name}: there is no mode ${mode}, only ${Object.keys(MODES).join(', ')}`);
  const needs = /^\/\/ needs: (.*)$/m.exec(head)?.[1].trim();
  const line = /^\/\/ browsers: (.*)$/m.exec(head)?.[1];
  if (!line) return { modes, needs };
  const [names, reason] = line.split(/\s+—\s+/);
  if (!reason) throw new Error(`${name}: "browsers:" needs a reason after " — "`);
  return { modes, needs, only: names.trim().split(/\s+/), reason };
}

/** All page tests whose path holds `filter`, sorted: `{ file, name, modes, only?, reason? }`. */
export function findTests(filter = '', folder = PAGES) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith('.test.mjs'))
    .sort()
    .map((path) => {
      const full = join(folder, path);
      return { file: `/${relative(ROOT, full)}`, name: path.replace(/\.test\.mjs$/, ''), ...readHead(readFileSync(full, 'utf8'), path) };
    })
    .filter(({ name }) => name.includes(filter));
}
