/** The terminal tab: a screen, a shell on it, and commands to try. */

import '@xterm/xterm/css/xterm.css';
import { element, make, token } from './dom.js';
import { duration } from './format.js';

const HOME = '/home';

/** Commands to try, and what each shows. */
const EXAMPLES: readonly (readonly [line: string, what: string])[] = [
  ['cat readme.txt', 'where you are'],
  ['ls -l', 'files of this page'],
  ['grep -n stone poem.txt', 'lines that match'],
  ['sort cities.csv | head -n 3', 'two programs, one pipe'],
  ['wc *.txt > counts; cat counts', 'a pattern, a redirection'],
  ['rhai fib.rhai 12', 'a script'],
  ["rhai -e 'loop {}'", 'for ever: press Ctrl+C'],
];

interface Face {
  /** The colours of the moment. */
  paint(): void;
}

let face: Face | undefined;

/** The theme has changed. */
export function repaintTerminal(): void {
  face?.paint();
}

/** Sets the tab up; what it needs is loaded when it is first shown. */
export function setUpTerminal(fail: (error: unknown) => void): () => void {
  let started: Promise<void> | undefined;
  return () => {
    started ??= start().catch((error: unknown) => {
      started = undefined;
      fail(error);
    });
  };
}

async function start(): Promise<void> {
  const panel = element('panel-terminal', HTMLElement);
  const screen = element('terminal-screen', HTMLDivElement);
  const outcome = element('terminal-outcome', HTMLParagraphElement);
  const [{ Terminal }, { FitAddon }, { Shell }, { furnish }] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
    import('./terminal/shell.js'),
    import('./terminal/home.js'),
  ]);
  await furnish(HOME);
  const terminal = new Terminal({
    convertEol: true,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    fontFamily: "'JetBrains Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace",
    fontSize: 14,
    lineHeight: 1.25,
    scrollback: 5000,
    theme: theme(),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(screen);
  fit.fit();
  new ResizeObserver(() => {
    // A hidden panel has no size to fit.
    if (!panel.hidden) fit.fit();
  }).observe(screen);
  face = { paint: () => (terminal.options.theme = theme()) };
  const shell = new Shell(terminal, HOME, {
    busy: (line) => {
      panel.dataset.state = 'busy';
      outcome.textContent = `Running ${line}`;
    },
    idle: (code, milliseconds) => {
      panel.dataset.state = 'idle';
      panel.dataset.code = String(code);
      outcome.textContent = `${code === 0 ? 'Done' : `Exit code ${code}`} after ${duration(milliseconds)}.`;
    },
  });
  element('terminal-examples', HTMLUListElement).replaceChildren(
    ...EXAMPLES.map(([line, what]) => {
      const button = make('button', 'example', make('code', '', line), make('span', 'muted', what));
      button.type = 'button';
      button.addEventListener('click', () => {
        shell.enter(line);
        terminal.focus();
      });
      return make('li', '', button);
    }),
  );
  terminal.writeln('\x1b[1misolith\x1b[0m \x1b[2m· programs for the command line, in this page. Type\x1b[0m help\x1b[2m.\x1b[0m');
  panel.dataset.state = 'idle';
  void shell.live();
  terminal.focus();
}

/** The page's colours, as the terminal names them. */
function theme(): Record<string, string> {
  return {
    background: token('card'),
    foreground: token('ink'),
    cursor: token('accent'),
    cursorAccent: token('card'),
    selectionBackground: token('tint'),
    black: token('ink'),
    brightBlack: token('soft'),
    white: token('soft'),
    brightWhite: token('ink'),
    red: token('danger'),
    brightRed: token('danger'),
    green: token('accent'),
    brightGreen: token('accent'),
    yellow: token('warn'),
    brightYellow: token('warn'),
    blue: token('input'),
    brightBlue: token('input'),
    magenta: token('output'),
    brightMagenta: token('output'),
    cyan: token('pixels'),
    brightCyan: token('pixels'),
  };
}
