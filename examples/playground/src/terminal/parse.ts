/** Reads a command line as a POSIX shell would: words and quotes, pipes, redirections, and what joins commands. */

/** A piece of a word; what was quoted is never expanded, what stood in double quotes only by variables. */
export interface Piece {
  readonly text: string;
  readonly quote: '' | "'" | '"';
}

export type Word = readonly Piece[];

/** Where a command reads from or writes to instead of the terminal. */
export interface Redirect {
  readonly how: '<' | '>' | '>>';
  /** 2 for errors. */
  readonly fd: 0 | 1 | 2;
  readonly target: Word;
}

export interface Command {
  readonly words: readonly Word[];
  readonly redirects: readonly Redirect[];
}

/** Commands joined by pipes, and how they follow what stands before them. */
export interface Pipeline {
  readonly after: ';' | '&&' | '||';
  readonly commands: readonly Command[];
}

type Operator = '|' | '||' | '&&' | ';' | '<' | '>' | '>>' | '2>' | '2>>';

type Token = { readonly word: Word } | { readonly operator: Operator };

const OPERATORS: readonly Operator[] = ['2>>', '2>', '||', '&&', '>>', '|', ';', '<', '>'];

/** What a command line cannot mean; the message is for the person who typed it. */
export class SyntaxFault extends Error {}

/** Reads a line; throws `SyntaxFault`. */
export function parse(line: string): Pipeline[] {
  const pipelines: Pipeline[] = [];
  let after: Pipeline['after'] = ';';
  let commands: Command[] = [];
  let words: Word[] = [];
  let redirects: Redirect[] = [];
  const endCommand = (before: string): void => {
    if (words.length === 0) throw new SyntaxFault(`a command is missing before ${before}`);
    commands.push({ words, redirects });
    [words, redirects] = [[], []];
  };
  const endPipeline = (before: string, next: Pipeline['after']): void => {
    endCommand(before);
    pipelines.push({ after, commands });
    [commands, after] = [[], next];
  };
  const tokens = tokenize(line);
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if ('word' in token) words.push(token.word);
    else if (token.operator === '|') endCommand('|');
    else if (token.operator === ';' || token.operator === '&&' || token.operator === '||') endPipeline(token.operator, token.operator);
    else {
      const target = tokens[++at];
      if (!target || !('word' in target)) throw new SyntaxFault(`a file name is missing after ${token.operator}`);
      redirects.push(redirect(token.operator, target.word));
    }
  }
  if (words.length > 0 || redirects.length > 0 || commands.length > 0) endPipeline('the end', ';');
  else if (after !== ';') throw new SyntaxFault(`a command is missing after ${after}`);
  return pipelines;
}

function redirect(operator: '<' | '>' | '>>' | '2>' | '2>>', target: Word): Redirect {
  if (operator === '<') return { how: '<', fd: 0, target };
  const errors = operator.startsWith('2');
  return { how: operator.endsWith('>>') ? '>>' : '>', fd: errors ? 2 : 1, target };
}

function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at++;
    } else if (line[at] === '#') {
      break;
    } else {
      const operator = OPERATORS.find((one) => line.startsWith(one, at));
      if (operator) {
        tokens.push({ operator });
        at += operator.length;
      } else {
        const { word, end } = readWord(line, at);
        tokens.push({ word });
        at = end;
      }
    }
  }
  return tokens;
}

function readWord(line: string, from: number): { word: Word; end: number } {
  const word: Piece[] = [];
  let bare = '';
  let at = from;
  const endBare = (): void => {
    if (bare) word.push({ text: bare, quote: '' });
    bare = '';
  };
  while (at < line.length && !/[\s|;<>&]/.test(line[at]!)) {
    const char = line[at]!;
    if (char === "'" || char === '"') {
      endBare();
      const { text, end } = readQuoted(line, at + 1, char);
      word.push({ text, quote: char });
      at = end;
    } else if (char === '\\' && at + 1 < line.length) {
      endBare();
      word.push({ text: line[at + 1]!, quote: "'" });
      at += 2;
    } else {
      bare += char;
      at++;
    }
  }
  if (at === from) throw new SyntaxFault(`${line[at]} is not understood here`);
  endBare();
  return { word, end: at };
}

function readQuoted(line: string, from: number, quote: "'" | '"'): { text: string; end: number } {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line[at]!;
    if (char === quote) return { text, end: at + 1 };
    // In double quotes a backslash takes away what the next character would mean.
    if (quote === '"' && char === '\\' && '"\\$'.includes(line[at + 1] ?? ' ')) text += line[++at];
    else text += char;
  }
  throw new SyntaxFault(`the quote ${quote} is not closed`);
}
