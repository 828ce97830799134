// Uses the playground as a person would, in real browsers, and compares what it shows with Node's own figures.
import { startBrowser } from '../../tests/pages/driver/browser.mjs';
import { expectedEdges, expectedTable } from './samples/expected.mjs';

/** How soft the photo's edges are filtered, in pixels: what the page begins with. */
const RADIUS = 4;

/** WebDriver's names of keys. */
const [RIGHT, DOWN] = ['\uE014', '\uE015'];

/** How long loading or a run may take. */
const DEADLINE = 120_000;

/** Resolves to a sentence per thing that was wrong. */
export async function checkDemo({ url, browsers, samples }) {
  console.log('demo: computing both samples in Node');
  const expected = { edges: await expectedEdges(samples.photo, RADIUS), table: await expectedTable(samples.table, 'category', 'price') };
  const failures = [];
  for (const name of browsers) {
    console.log(`demo: ${name}`);
    const browser = await startBrowser(name);
    const wrong = (what) => failures.push(`${name}: ${what}`);
    try {
      const page = new Page(browser.session);
      await page.open(url);
      await checkPhoto(page, samples.photo, expected.edges, wrong);
      await checkTable(page, expected.table, wrong);
      await checkTrace(page, wrong);
      await checkCancel(page, wrong);
      await checkHeap(page, wrong);
      await checkTerminal(page, wrong);
      const { errors, alert } = await page.errors();
      for (const error of errors) wrong(`page error: ${error}`);
      if (alert) wrong(`the page says: ${alert}`);
    } catch (error) {
      wrong(error.stack);
    } finally {
      await browser.close();
    }
  }
  return failures;
}

/** The playground's page in one browser. */
class Page {
  constructor(session) {
    this.session = session;
  }

  async open(url) {
    await this.session.setSize(1400, 1000);
    await this.session.navigate(url);
    const state = await this.session.waitFor(() => {
      const { state } = document.getElementById('status').dataset;
      return state !== 'busy' && state;
    });
    if (state !== 'ready') throw new Error(`the page did not start: ${(await this.errors()).alert}`);
  }

  click(id) {
    return this.session.click(`#${id}`);
  }

  /** Waits until a tab is idle again and resolves to how its last work ended, and its note. */
  async settled(tab) {
    const state = await this.session.waitFor(
      (id) => {
        const { state } = document.getElementById(`${id}-form`).dataset;
        return !['busy', 'empty'].includes(state) && state;
      },
      { args: [tab], timeout: DEADLINE, what: `the ${tab} to be done` },
    );
    return { state, note: await this.session.execute((id) => document.getElementById(`${id}-note`).textContent, tab) };
  }

  errors() {
    return this.session.execute(() => ({ errors: window.pageErrors, alert: document.getElementById('alert').textContent }));
  }

  speedup(tab) {
    return this.session.execute((id) => Number(document.getElementById(`${id}-speed`).dataset.speedup), tab);
  }
}

async function checkPhoto(page, path, expected, wrong) {
  await page.session.type('#photo-file', path);
  const loaded = await page.settled('photo');
  if (loaded.state !== 'done') return wrong(`the photo was not loaded: ${loaded.note}`);
  await page.click('photo-run');
  const { state, note } = await page.settled('photo');
  if (state !== 'done') return wrong(`the photo was not filtered: ${note}`);
  const hash = await page.session.execute(() => document.getElementById('photo-result').dataset.sha256);
  console.log(`  photo: edges ${hash.slice(0, 16)}…  ${note}  ${(await page.speedup('photo')).toFixed(2)}×`);
  if (hash !== expected) wrong(`the filtered photo is ${hash}, not ${expected}`);
}

async function checkTable(page, expected, wrong) {
  await page.click('tab-table');
  await page.click('table-sample');
  await page.session.waitFor(() => document.getElementById('table-result').dataset.rows, { timeout: DEADLINE, what: 'the table’s figures' });
  const { state, note } = await page.settled('table');
  if (state !== 'done') return wrong(`the table was not added up: ${note}`);
  const shown = await page.session.execute(() => ({
    rows: Number(document.getElementById('table-result').dataset.rows),
    skipped: Number(document.getElementById('table-result').dataset.skipped),
    groups: [...document.querySelectorAll('#table-sheet tbody tr')].map((row) => {
      const figure = (name) => Number(row.querySelector(`[data-${name}]`).dataset[name]);
      return { key: row.dataset.group, ...Object.fromEntries(['count', 'sum', 'mean', 'min', 'max'].map((name) => [name, figure(name)])) };
    }),
  }));
  console.log(`  table: ${shown.rows} rows, ${shown.groups.length} groups  ${note}  ${(await page.speedup('table')).toFixed(2)}×`);
  if (shown.rows !== expected.rows || shown.skipped !== 0) wrong(`${shown.rows} rows and ${shown.skipped} left out, not ${expected.rows} and 0`);
  if (shown.groups.length !== expected.groups.size) wrong(`${shown.groups.length} groups, not ${expected.groups.size}`);
  for (const { key, count, sum, mean, min, max } of shown.groups) {
    console.log(`    ${key.padEnd(12)} ${String(count).padStart(8)}  sum ${sum.toFixed(2).padStart(14)}  mean ${mean.toFixed(2).padStart(8)}  ${min} – ${max}`);
    const right = expected.groups.get(key);
    if (!right) {
      wrong(`there is no group ${key}`);
      continue;
    }
    // Sums of a million doubles may differ from whole numbers in the last digits; nothing else may differ.
    const close = (a, b) => Math.abs(a - b) <= Math.abs(b) * 1e-9;
    const total = Number(right.sum) / 100;
    const exact = count === right.count && min === Number(right.min) / 100 && max === Number(right.max) / 100;
    if (!exact || !close(sum, total) || !close(mean, total / right.count)) {
      wrong(`${key}: ${JSON.stringify({ count, sum, mean, min, max })}, not count ${right.count}, sum ${total}, ${Number(right.min) / 100} to ${Number(right.max) / 100}`);
    }
  }
}

/** The timeline tells of each task by keyboard, and the trace that is saved is one that viewers read. */
async function checkTrace(page, wrong) {
  const hint = () => page.session.execute(() => document.getElementById('timeline-hint').textContent);
  const rest = await hint();
  const press = async (key) => {
    await page.session.type('#timeline', key);
    return hint();
  };
  const [first, second] = [await press(RIGHT), await press(RIGHT)];
  for (const words of [first, second]) {
    if (!/^Worker \d+ · \S.* · ran .* · queued .* · page woken in .* · done$/.test(words)) wrong(`the timeline says of a task: ${words}`);
  }
  if (first === second || (await press(DOWN)) === second) wrong(`the arrow keys do not go from task to task: ${second}`);
  await page.session.execute(() => document.getElementById('timeline').blur());
  if ((await hint()) !== rest) wrong('the timeline tells of a task that is not chosen any more');
  await page.session.execute(() => {
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      blob.text().then((text) => (window.savedTrace = text));
      URL.createObjectURL = make;
      return make.call(URL, blob);
    };
  });
  await page.click('timeline-save');
  const text = await page.session.waitFor(() => window.savedTrace, { what: 'the saved trace' });
  const { traceEvents } = JSON.parse(text);
  const tasks = traceEvents.filter(({ ph }) => ph === 'X');
  const named = new Set(traceEvents.filter(({ name }) => name === 'thread_name').map(({ pid, tid }) => `${pid} ${tid}`));
  const right = ({ name, pid, tid, ts, dur, args }) => name !== '' && named.has(`${pid} ${tid}`) && ts > 0 && dur >= 0 && args.ok === true && args.queuedMs >= 0 && args.wakeMs >= 0;
  console.log(`  trace: ${tasks.length} tasks on ${named.size} workers; ${first}`);
  if (tasks.length < 10 || !tasks.every(right)) wrong(`the saved trace has ${tasks.length} tasks, of which ${JSON.stringify(tasks.find((task) => !right(task)))}`);
}

/** A cancelled run says so, and the next one is right again. */
async function checkCancel(page, wrong) {
  const before = await page.session.execute(() => document.getElementById('photo-result').dataset.sha256);
  await page.click('tab-photo');
  await page.session.execute(() => {
    document.getElementById('photo-run').click();
    setTimeout(() => document.getElementById('photo-cancel').click(), 60);
  });
  const cancelled = await page.settled('photo');
  if (cancelled.state !== 'cancelled') wrong(`a cancelled run ended as ${cancelled.state}: ${cancelled.note}`);
  await page.click('photo-run');
  const { state } = await page.settled('photo');
  const after = await page.session.execute(() => document.getElementById('photo-result').dataset.sha256);
  if (state !== 'done' || after !== before) wrong(`the run after a cancelled one ended as ${state} with ${after}`);
}

/** The map shows the blocks, and scratch blocks come and go. */
async function checkHeap(page, wrong) {
  const blocks = () =>
    page.session.execute(() => {
      const figures = [...document.querySelectorAll('#memory-figures div')].map((one) => one.innerText.split(/\n+/));
      return Number(Object.fromEntries(figures).Blocks);
    });
  const before = await blocks();
  await page.click('memory-alloc');
  const with1 = await blocks();
  await page.click('memory-free');
  const after = await blocks();
  console.log(`  heap: ${before} blocks, ${with1} with a scratch block, ${after} without`);
  if (!(before >= 6) || with1 !== before + 1 || after !== before) wrong(`the heap map counts ${before}, ${with1}, ${after} blocks`);
}

/** What a line typed in the terminal must leave on the screen, and how it must end. */
const TERMINAL = [
  { line: 'grep -n stone poem.txt | head -n 1', shows: /^1:One stone lay in the river's bend,$/m, code: 0 },
  { line: 'sort cities.csv | grep Oslo > found && cat found', shows: /^Oslo,Norway,709000$/m, code: 0 },
  { line: 'wc -l < cities.csv', shows: /^\s+9$/m, code: 0 },
  { line: 'mkdir -p a/b; cp poem.txt a/b; mv a/b/poem.txt a/x; tree a; rm -r a found', shows: /└── x\n\n1 directory, 1 file/, code: 0 },
  { line: 'rhai fib.rhai 12 | tail -n 1', shows: /^89$/m, code: 0 },
  { line: 'cat missing.txt', shows: /^cat: missing\.txt: No such file or directory$/m, code: 1 },
  { line: 'nosuchprogram', shows: /^nosuchprogram: no such program/m, code: 127 },
];

/** Programs run, joined by pipes and redirections; one that reads what is typed, and one that never ends, as a person meets them. */
async function checkTerminal(page, wrong) {
  await page.click('tab-terminal');
  await page.session.waitFor(() => document.getElementById('panel-terminal').dataset.state === 'idle', { timeout: DEADLINE, what: 'the terminal to start' });
  const type = (text) => page.session.type('.xterm-helper-textarea', text);
  const screen = () => page.session.execute(() => [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.replaceAll('\u00a0', ' ').trimEnd()).join('\n'));
  const shows = (pattern, what) => page.session.waitFor(([source, flags]) => {
    const rows = [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.replaceAll('\u00a0', ' ').trimEnd());
    return new RegExp(source, flags).test(rows.join('\n'));
  }, { args: [[pattern.source, pattern.flags]], timeout: DEADLINE, what });
  const ended = async (line) => {
    const code = await page.session.waitFor(() => {
      const { state, code } = document.getElementById('panel-terminal').dataset;
      return state === 'idle' && code !== '' && code;
    }, { timeout: DEADLINE, what: `an end of ${line}` });
    return Number(code);
  };
  const enter = async (line) => {
    await page.session.execute(() => (document.getElementById('panel-terminal').dataset.code = ''));
    await type(`${line}\n`);
  };
  for (const { line, shows: pattern, code } of TERMINAL) {
    await enter('clear');
    await ended('clear');
    await enter(line);
    const got = await ended(line);
    if (got !== code) wrong(`${line} ended with ${got}, not ${code}`);
    await shows(pattern, `what ${line} writes`).catch(async () => wrong(`${line} left on the screen: ${await screen()}`));
  }
  await enter('rhai');
  await shows(/^rhai> $|^rhai>$/m, 'the prompt of rhai');
  await type('let a = 6\na * 7\n');
  // What is typed ahead stands before the prompt that it answers.
  await shows(/(^|> )42$/m, 'an answer of rhai');
  await type('\uE009d\uE000');
  if ((await ended('rhai')) !== 0) wrong('rhai did not end well at Ctrl+D');
  await enter("rhai -e 'loop {}'");
  await new Promise((done) => setTimeout(done, 300));
  await type('\uE009c\uE000');
  const interrupted = await ended('an endless loop');
  if (interrupted !== 130) wrong(`an interrupted program ended with ${interrupted}, not 130`);
  console.log(`  terminal: ${TERMINAL.length + 2} lines, pipes and redirections, input while running, Ctrl+C`);
}
