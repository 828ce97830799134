/** Commands that are the shell's own: they change the shell, which no program can. */

import { isDirectory, PROGRAMS } from './programs.js';
import { absolute } from './paths.js';

/** What a command of the shell may look at and change. */
export interface State {
  cwd: string;
  readonly home: string;
  readonly variables: Map<string, string>;
  readonly history: string[];
}

/** What a command of the shell writes and ends with. */
export interface Said {
  readonly out?: string;
  readonly err?: string;
  readonly code: number;
}

type Builtin = (args: readonly string[], state: State) => Said | Promise<Said>;

const HELP = `Programs, each a WebAssembly module with WASI, on this page's own files:
  ${PROGRAMS.slice(0, 11).join('  ')}
  ${PROGRAMS.slice(11).join('  ')}
  or a module of your own by its path: ./program.wasm
The shell's own: cd  clear  exit  export  help  history  pwd
  a | b   a > file   a >> file   a < file   a 2> file   a && b   a || b   a ; b
  *.txt   $NAME   $?   "two words"   Tab   ↑ ↓   Ctrl+C   Ctrl+D
`;

/** What each command does. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  async cd([to = '~'], state) {
    const path = absolute(state.cwd, to === '~' ? state.home : to === '-' ? (state.variables.get('OLDPWD') ?? '.') : to);
    if (!(await isDirectory(path))) return { err: `cd: ${to}: no such directory\n`, code: 1 };
    state.variables.set('OLDPWD', state.cwd);
    state.cwd = path;
    return { code: 0 };
  },
  clear: () => ({ out: '\x1b[2J\x1b[3J\x1b[H', code: 0 }),
  exit: ([code = '0']) => ({ code: Number.parseInt(code, 10) & 0xff }),
  export(args, state) {
    for (const arg of args) {
      const [, name, value] = /^(\w+)=(.*)$/s.exec(arg) ?? [];
      if (name === undefined || value === undefined) return { err: `export: ${arg}: NAME=VALUE is needed\n`, code: 1 };
      state.variables.set(name, value);
    }
    return { out: args.length === 0 ? [...state.variables].map(([name, value]) => `${name}=${value}\n`).join('') : '', code: 0 };
  },
  help: () => ({ out: HELP, code: 0 }),
  history: (_, { history }) => ({ out: history.map((line, at) => `${String(at + 1).padStart(4)}  ${line}\n`).join(''), code: 0 }),
  pwd: (_, { cwd }) => ({ out: `${cwd}\n`, code: 0 }),
};
