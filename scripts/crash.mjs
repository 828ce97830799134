// Kills browsers that write to our stores and their peers, far more often than `npm test` does: `npm run crash -- --kills 200 --browser chromium`.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, browser: { type: 'string', default: 'chromium' } },
});
if (!(Number(values.kills) > 0)) throw new Error(`--kills is a number, not ${values.kills}`);
const { crash } = await import('../tests/bench/crash/run.mjs');
const damage = await crash({ browser: values.browser, kills: Number(values.kills) });
process.exit(damage === 0 ? 0 : 1);
