// Builds the app as `esbuild --bundle` does: it leaves `new URL('./worker.js', import.meta.url)` as it is.
import { copyFile } from 'node:fs/promises';
import { build } from 'esbuild';

await build({ entryPoints: ['main.js'], bundle: true, format: 'esm', target: 'es2022', minify: true, outfile: 'dist/main.js', logLevel: 'warning' });
await copyFile('index.html', 'dist/index.html');
