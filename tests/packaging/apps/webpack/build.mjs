// Builds the app with webpack's defaults for production.
import { copyFile } from 'node:fs/promises';
import webpack from 'webpack';

await new Promise((done, failed) => {
  webpack({ mode: 'production', context: import.meta.dirname, entry: './main.js', output: { filename: 'main.js', publicPath: 'auto' } }, (error, stats) => {
    if (error ?? stats.hasErrors()) failed(error ?? new Error(stats.toString()));
    else done();
  });
});
await copyFile('index.html', 'dist/index.html');
