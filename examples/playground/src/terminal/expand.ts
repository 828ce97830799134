/** Turns words as typed into arguments: variables, the home directory, and patterns of file names. */

import { readdir } from 'isolith/fs';
import type { Word } from './parse.js';
import { absolute } from './paths.js';

/** What expansion looks at. */
export interface Surroundings {
  readonly cwd: string;
  readonly home: string;
  variable(name: string): string | undefined;
}

/** Arguments that the words stand for; a pattern that matches nothing stands for itself. */
export async function expand(words: readonly Word[], around: Surroundings): Promise<string[]> {
  const args: string[] = [];
  for (const word of words) args.push(...(await expandWord(word, around)));
  return args;
}

/** The one file name that a word stands for. */
export async function expandTarget(word: Word, around: Surroundings): Promise<string> {
  const [first, ...others] = await expandWord(word, around);
  if (first === undefined || others.length > 0) throw new Error('a redirection needs one file name');
  return absolute(around.cwd, first);
}

async function expandWord(word: Word, around: Surroundings): Promise<string[]> {
  let text = '';
  let pattern = '';
  let magic = false;
  word.forEach(({ text: raw, quote }, index) => {
    let piece = quote === "'" ? raw : variables(raw, around);
    if (index === 0 && quote === '' && /^~(\/|$)/.test(piece)) piece = around.home + piece.slice(1);
    text += piece;
    if (quote === '') {
      magic ||= /[*?[]/.test(piece);
      pattern += piece;
    } else {
      pattern += piece.replace(/[*?[\\]/g, '\\$&');
    }
  });
  if (!magic) return text === '' && word.every(({ quote }) => quote === '') ? [] : [text];
  const found = await match(pattern, around.cwd);
  return found.length > 0 ? found : [text];
}

function variables(text: string, around: Surroundings): string {
  return text.replace(/\$(\?|\w+|\{\w+\})/g, (_, name: string) => around.variable(name.replace(/[{}]/g, '')) ?? '');
}

/** Paths that a pattern matches, sorted; a segment without magic is taken as it is. */
async function match(pattern: string, cwd: string): Promise<string[]> {
  const rooted = pattern.startsWith('/');
  let found = [rooted ? '/' : ''];
  for (const segment of pattern.split('/').filter((one) => one !== '')) {
    const next: string[] = [];
    for (const base of found) {
      if (!/[*?[]/.test(segment)) {
        next.push(base + (base && base !== '/' ? '/' : '') + segment.replace(/\\(.)/g, '$1'));
        continue;
      }
      const names = await readdir(absolute(cwd, base || '.')).catch(() => [] as string[]);
      const regex = toRegex(segment);
      const hidden = segment.startsWith('.');
      for (const name of names) {
        if (regex.test(name) && (hidden || !name.startsWith('.'))) next.push(base + (base && base !== '/' ? '/' : '') + name);
      }
    }
    found = next;
  }
  return found.sort();
}

function toRegex(glob: string): RegExp {
  const source = glob.replace(/\\(.)|\[(!?)([^\]]+)\]|[*?]|[.+^${}()|[\]\\]/g, (whole, escaped: string | undefined, not: string | undefined, set: string | undefined) => {
    if (escaped !== undefined) return `\\${escaped}`;
    if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`;
    if (whole === '*') return '.*';
    if (whole === '?') return '.';
    return `\\${whole}`;
  });
  return new RegExp(`^${source}$`, 'su');
}
