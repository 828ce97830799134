// Where asked to, runs tasks out of modules of TypeScript before the page that all apps share.
import { createPool } from 'isolith';
import { readFile } from 'isolith/fs';
import { double } from './shared';

if (import.meta.env.VITE_MODULES) {
  const pool = createPool({ size: 1, module: new URL('./tasks.ts', import.meta.url) });
  const byName = await pool.run('tell', double(2));
  const module = await pool.module<typeof import('./tasks')>(new URL("./tasks.ts", import.meta.url)).run('tell', 21);
  const far = pool.proxy<typeof import('./tasks')>(
    new URL('./tasks.ts', import.meta.url),
  );
  const heard: string[] = [];
  heard.unshift(await far.tellThrough(1, (text: string) => void heard.push(text)));
  const kept = [await pool.run('keep', 'by its own import'), await readFile('/kept-by-a-task', 'utf8')];
  await pool.destroy();
  Object.assign(globalThis, { more: { module, byName, proxy: heard, kept } });
}
await import('./main.js');
