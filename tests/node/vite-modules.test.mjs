// The Vite plugin's search for modules of tasks: what it takes for one, what it leaves alone, and what the code is then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withScripts } from '../../pkg/dist/vite-modules.js';

/** A bundler that finds every file but those whose name says so, and counts what it is given. */
function bundling() {
  const files = [];
  return {
    files,
    resolve: async (source, importer) => (source.includes('missing') ? null : { id: `${importer}>${source}` }),
    emitFile: (file) => `f${files.push(file)}`,
  };
}

test('modules for workers become scripts, wherever they are named', async () => {
  for (const [before, after] of [
    ['pool.module(', ').run("tell")'],
    ['pool\n  .proxy( ', ')'],
    ['createPool({ size: 1, module: ', ' })'],
    ['heap.link(bytes, { imports:', '})'],
  ]) {
    for (const path of ['./tasks.ts', '../lib/tasks.js', './a.b/tasks.mts', './view.tsx', './tasks.cjs']) {
      const bundler = bundling();
      const code = `first;\n${before}new URL('${path}', import.meta.url)${after};\nlast;`;
      const changed = await withScripts(bundler, code, '/src/app.ts');
      assert.equal(changed, `first;\n${before}new URL(import.meta.ROLLUP_FILE_URL_f1, import.meta.url)${after};\nlast;`);
      assert.deepEqual(bundler.files, [
        { type: 'chunk', id: `/src/app.ts>${path}`, name: path.split('/').at(-1).replace(/\.\w+$/, ''), preserveSignature: 'strict' },
      ]);
    }
  }
});

test('several in one file, over several lines, keep the lines of the code', async () => {
  const bundler = bundling();
  const code = 'pool.module(\n  new URL(\n    "./a.ts",\n    import.meta.url,\n  ),\n);\npool.proxy(new URL(`./missing.ts`, import.meta.url));\npool.proxy(new URL(`./b.ts`, import.meta.url));\n';
  const changed = await withScripts(bundler, code, '/app.js');
  assert.deepEqual(bundler.files.map(({ id }) => id), ['/app.js>./a.ts', '/app.js>./b.ts']);
  const lines = changed.split('\n');
  assert.equal(lines.length, code.split('\n').length);
  assert.equal(lines[6], 'pool.proxy(new URL(`./missing.ts`, import.meta.url));');
  assert.equal(lines[7], 'pool.proxy(new URL(import.meta.ROLLUP_FILE_URL_f2, import.meta.url));');
});

test('everything else is left alone', async () => {
  for (const code of [
    "new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })",
    "context.audioWorklet.addModule(new URL('./sound.js', import.meta.url))",
    "const address = new URL('./tasks.ts', import.meta.url)",
    "pool.module(new URL('./kernel.wasm', import.meta.url))",
    "pool.module(new URL('tasks.js', import.meta.url))",
    "pool.module(new URL('https://other.example/tasks.js', import.meta.url))",
    "pool.module(new URL('./tasks.js', location.href))",
    'pool.module(new URL(`./${name}.js`, import.meta.url))',
    "pool.module('/tasks.js')",
    "pool.module(new URL('./missing.ts', import.meta.url))",
    '',
  ]) {
    const bundler = bundling();
    assert.equal(await withScripts(bundler, code, '/app.js'), undefined, code);
    assert.deepEqual(bundler.files, []);
  }
});
