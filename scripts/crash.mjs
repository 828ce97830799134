// Kills browsers that write files, far more often than `npm test` does: `npm run crash -- --kills 200 --browser chromium`.
import { parseArgs } from 'node:util';
import { run } from './lib/run.mjs';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, browser: { type: 'string', default: 'chromium' } },
});
if (!(Number(values.kills) > 0)) throw new Error(`--kills is a number, not ${values.kills}`);
await run('node', ['tests/pages/run.mjs', '--browser', values.browser, 'fs/crash'], { env: { ISOLITH_KILLS: values.kills } });
