// Measures us and our peers in real browsers and writes CSV and chart under tests/bench/results; see tests/bench/README.md.
import { parseArgs } from 'node:util';
import { run } from './lib/run.mjs';

const { values: options } = parseArgs({
  options: {
    browser: { type: 'string', multiple: true, default: ['chromium', 'firefox'] },
    only: { type: 'string', multiple: true, default: [] },
    who: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '15' },
    workers: { type: 'string', default: '2' },
    label: { type: 'string', default: 'latest' },
    'no-build': { type: 'boolean', default: false },
  },
});

if (!options['no-build']) await run('node', ['scripts/build.mjs']);
const { bench } = await import('../tests/bench/lib/runner.mjs');
await bench({
  browsers: options.browser,
  only: options.only,
  who: options.who,
  rounds: Number(options.rounds),
  workers: Number(options.workers),
  label: options.label,
});
