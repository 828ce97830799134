// Sets up, builds and serves the playground; `--check` drives it headless instead and compares what it computes with Node's own figures.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, run } from './lib/run.mjs';

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    browser: { type: 'string', multiple: true, default: ['chromium', 'firefox'] },
    port: { type: 'string' },
    'no-setup': { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});

const PLAYGROUND = join(ROOT, 'examples/playground');

if (!options['no-setup']) await run('node', ['scripts/setup.mjs', ...(options.check ? [] : ['--no-browsers'])]);
if (!options['no-build']) await run('node', ['scripts/build.mjs']);
const { makeSamples, SAMPLES } = await import(join(PLAYGROUND, 'samples/make.mjs'));
await makeSamples();
const { buildPrograms } = await import(join(ROOT, 'examples/programs/build.mjs'));
await buildPrograms();

// Loaded only now: a fresh clone has them after the set-up.
const vite = await import('vite');
const config = { root: PLAYGROUND, configFile: join(PLAYGROUND, 'vite.config.ts'), logLevel: 'warn' };
const port = options.port === undefined ? {} : { port: Number(options.port), strictPort: true };

if (options.check) {
  await run('npx', ['tsc', '-p', PLAYGROUND]);
  console.log('demo: building the page');
  await vite.build(config);
  const server = await vite.preview({ ...config, preview: { port: 0, host: '127.0.0.1', ...port } });
  const { checkDemo } = await import(join(PLAYGROUND, 'check.mjs'));
  const url = `http://localhost:${server.httpServer.address().port}/`;
  const failures = await checkDemo({ url, browsers: options.browser, samples: SAMPLES });
  await server.close();
  for (const failure of failures) console.error(`demo: WRONG: ${failure}`);
  console.log(failures.length === 0 ? 'demo: all figures are right' : `demo: ${failures.length} wrong`);
  process.exit(failures.length === 0 ? 0 : 1);
} else {
  const server = await vite.createServer({ ...config, server: { ...port } });
  await server.listen();
  const { local, network } = server.resolvedUrls;
  console.log(`\ndemo: the playground is open at ${[...local, ...network].join(' and ')} (Ctrl+C ends it)`);
}
