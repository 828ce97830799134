// Bundles one file of ZenFS's own test suite, as its package has it, for our filesystem in a worker.
import { build } from 'esbuild';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const PEER = join(dirname(createRequire(import.meta.url).resolve('@zenfs/core')), '..');
const TESTS = join(PEER, 'tests');

/** What their tests import of Node.js, ZenFS and their own set-up, and what takes its place. */
const INSTEAD = {
  '../common.ts': 'facade.mjs',
  '../setup.ts': 'facade.mjs',
  'node:fs': 'facade.mjs',
  'node:test': 'runner.mjs',
  'node:assert/strict': 'assert.mjs',
  'node:path/posix': 'node.mjs',
  'node:util': 'node.mjs',
  '@zenfs/core': 'peer.mjs',
};

/** Modules of the peer that work on plain values. */
const INSIDE = {
  '@zenfs/core/path': 'path.js',
  '@zenfs/core/constants': 'constants.js',
  '@zenfs/core/internal/contexts': 'internal/contexts.js',
  '@zenfs/core/internal/inode': 'internal/inode.js',
};

const plugin = {
  name: 'instead',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ path, importer }) => {
      if (path in INSIDE) return { path: join(PEER, 'dist', INSIDE[path]) };
      if (importer.startsWith(TESTS) && path in INSTEAD) return { path: join(HERE, INSTEAD[path]) };
      return undefined;
    });
  },
};

/** Names of their test files, or with `file` the bundle of one; with `data` the files that their tests expect. */
export default async function make({ file, data }) {
  if (data) {
    const names = readdirSync(join(TESTS, 'data'));
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(TESTS, 'data', name)).toString('base64')]));
    return { type: '.json', body: JSON.stringify(files) };
  }
  if (!file) {
    const names = readdirSync(join(TESTS, 'fs')).filter((name) => name.endsWith('.test.ts'));
    return { type: '.json', body: JSON.stringify(names.map((name) => basename(name, '.test.ts'))) };
  }
  const { outputFiles } = await build({
    stdin: {
      contents: `import './fresh.mjs';\nimport ${JSON.stringify(join(TESTS, 'fs', `${file}.test.ts`))};\nexport { run } from './runner.mjs';\n`,
      resolveDir: HERE,
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    inject: [join(HERE, 'globals.mjs')],
    plugins: [plugin],
    write: false,
    logLevel: 'error',
  });
  return { type: '.js', body: outputFiles[0].contents };
}
