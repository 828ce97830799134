// The apps that the packed package is tried in: their packages, and the ways each is built and served.

/** How the worker must have been started: found as a file, or from the embedded copy. */
const FILE = 'file';
const BLOB = 'blob';

const vite = (version, runs) => ({ folder: 'vite', packages: { vite: version }, runs });
const dev = (env = {}) => ({ name: 'dev', env, serve: ['vite', '--strictPort'] });
const preview = (env = {}) => ({ name: 'build and preview', env, build: ['vite', 'build'], serve: ['vite', 'preview', '--strictPort'] });
const bare = { PLUGIN: 'none' };
/** The page also has tasks in modules of its own, written in TypeScript. */
const modules = { VITE_MODULES: 'yes' };

/** What tasks in modules add to the report. */
const MODULES = { module: 'two times 21 is 42', byName: 'two times 4 is 8', proxy: ['two times 1 is 2', 'called back'], kept: ['by its own import', 'by its own import'] };

/**
 * Each app: `folder` of its files under `apps`, `packages` to install beside ours, and `runs`. A run
 * has a `build` command, and either a `serve` command (which gets `--port` and `--host`) or the folder
 * `root` and `page` for our own server; `startedBy` says which way its workers start, `parts` what of the
 * whole report the page makes, if not all, and `more` what it has beside it.
 */
export const APPS = {
  'Vite 8': vite('8.3.8', [
    { ...dev(modules), startedBy: FILE, more: MODULES },
    { ...preview(modules), startedBy: FILE, more: MODULES },
    { ...dev(bare), name: 'dev without the plugin', startedBy: FILE },
    { ...preview(bare), name: 'build without the plugin', startedBy: FILE },
  ]),
  'Vite 7': vite('7.3.8', [
    { ...dev(modules), startedBy: FILE, more: MODULES },
    { ...preview(modules), startedBy: FILE, more: MODULES },
  ]),
  'webpack 5': {
    folder: 'webpack',
    packages: { webpack: '5.112.2' },
    runs: [{ name: 'build', build: ['node', 'build.mjs'], root: 'dist', page: '/', startedBy: FILE }],
  },
  esbuild: {
    folder: 'esbuild',
    packages: { esbuild: '0.28.2' },
    runs: [{ name: 'build', build: ['node', 'build.mjs'], root: 'dist', page: '/', startedBy: BLOB }],
  },
  'no bundler': {
    folder: 'plain',
    packages: {},
    runs: [
      { name: 'import map', root: '.', page: '/index.html', startedBy: FILE },
      { name: 'relative path', root: '.', page: '/relative.html', startedBy: FILE, parts: ['isolated', 'sum', 'answer', 'startedBy', 'guest'] },
    ],
  },
};
