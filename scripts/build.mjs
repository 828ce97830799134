// Builds pkg/dist: the kernel and the linker by cargo, wasm-bindgen and wasm-opt, then tsc and the single-file
// workers. `--dev` skips optimising, `--js` what is compiled from Rust if it is there and no older than its
// sources.
import { mkdir, readFile, readdir, rm, stat, writeFile, copyFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { buildLinker } from './build-linker.mjs';
import { ROOT, run } from './lib/run.mjs';
import { CARGO_ARGS, RUSTFLAGS, TARGET, WASM_OPT_FEATURES } from './lib/wasm-flags.mjs';

const dev = process.argv.includes('--dev');
const onlyJs = process.argv.includes('--js');
const DIST = join(ROOT, 'pkg/dist');
const WORK = join(ROOT, 'target/package');
const tools = { PATH: `${join(ROOT, '.tools/bin')}${delimiter}${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}` };

/**
 * Whether `built` is missing or older than the Rust sources, but those in the folder `apart`: pages with an older
 * kernel fail in strange ways.
 */
async function isOlder(built, apart) {
  if (!existsSync(built)) return true;
  const { mtimeMs } = await stat(built);
  for (const name of await readdir(join(ROOT, 'src'), { recursive: true })) {
    if (name.endsWith('.rs') && !name.startsWith(apart) && (await stat(join(ROOT, 'src', name))).mtimeMs > mtimeMs) return true;
  }
  return false;
}

/** cargo and wasm-bindgen: leaves the kernel and its glue in target/package. */
async function kernel() {
  const profile = dev ? 'debug' : 'release';
  console.log(`build: cargo (${profile})`);
  await run('cargo', ['build', '--lib', ...(dev ? [] : ['--release']), ...CARGO_ARGS], { env: { RUSTFLAGS } });
  console.log('build: wasm-bindgen');
  const raw = join(ROOT, 'target', TARGET, profile, 'isolith.wasm');
  await run('wasm-bindgen', ['--target', 'web', '--omit-default-module-path', '--out-name', 'glue', '--out-dir', WORK, raw], { env: tools });
  if (!dev) {
    console.log('build: wasm-opt');
    const wasm = join(WORK, 'glue_bg.wasm');
    await run('wasm-opt', ['-O3', '--strip-debug', '--strip-producers', ...WASM_OPT_FEATURES, wasm, '-o', wasm], { env: tools });
  }
  // The kernel is instantiated by our own code, on memories of our choice: hand out the two parts
  // of the glue that make its imports and bind it to an instance.
  const glue = await readFile(join(WORK, 'glue.js'), 'utf8');
  for (const name of ['__wbg_get_imports', '__wbg_finalize_init']) {
    if (!glue.includes(`function ${name}(`)) throw new Error(`wasm-bindgen's glue has no ${name}: its version changed`);
  }
  await writeFile(join(WORK, 'glue.js'), `${glue}\nexport { __wbg_get_imports, __wbg_finalize_init };\n`);
}

/** A module whose default export is the file as `unpacked` in embedded.ts reads it, for where the file itself cannot be fetched. */
async function inlined(file) {
  return `export default ${JSON.stringify(deflateSync(await readFile(file), { level: 9 }).toString('base64'))};\n`;
}

/** Bundles an entry into one file that runs as a classic script, and the same as text in a module if that has a name. */
async function classicScript(name, { inlineName, isWorkers = true } = {}) {
  const file = join(DIST, `${name}.js`);
  const bundle = await rolldown({ input: file, transform: { target: 'es2022' } });
  const { output } = await bundle.generate({ format: 'iife', minify: !dev, comments: false });
  await bundle.close();
  const { code: source } = output[0];
  if (output.length > 1) throw new Error(`${name} must be one file`);
  if (/\bimport\.meta\b|^\s*(import|export)\b/m.test(source)) throw new Error(`${name} must be a classic script`);
  // Vite's dev server makes a module of a script that is not a worker's own and imports something.
  if (!isWorkers && /\bimport\(/.test(source)) throw new Error(`${name} must import nothing`);
  await writeFile(file, source);
  if (inlineName) await writeFile(join(DIST, `${inlineName}.js`), `export default ${JSON.stringify(source)};\n`);
}

/** tsc and rolldown, whose scripts are 3 % smaller than esbuild's when gzipped: the entries, the worker as one file, and both again as text. */
async function javascript() {
  console.log('build: tsc');
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST, { recursive: true });
  await run('tsc', ['-p', 'js/tsconfig.json'], { env: tools });
  await copyFile(join(WORK, 'glue.js'), join(DIST, 'glue.js'));
  await copyFile(join(WORK, 'glue_bg.wasm'), join(DIST, 'isolith.wasm'));
  await copyFile(join(WORK, 'linker.wasm'), join(DIST, 'linker.wasm'));
  console.log('build: workers');
  await classicScript('worker', { inlineName: 'worker-inline' });
  await classicScript('worker-first');
  for (const part of ['worker-ring', 'worker-values', 'worker-rest']) await classicScript(part, { isWorkers: false });
  await classicScript('guest', { inlineName: 'guest-inline' });
  await classicScript('coi-worker', { inlineName: 'coi-inline' });
  for (const [name, file] of [['wasm-inline', 'isolith.wasm'], ['linker-inline', 'linker.wasm']]) {
    await writeFile(join(DIST, `${name}.js`), await inlined(join(DIST, file)));
  }
}

await mkdir(WORK, { recursive: true });
if (!onlyJs || (await isOlder(join(WORK, 'glue_bg.wasm'), 'linker/'))) await kernel();
if (!onlyJs || (await isOlder(join(WORK, 'linker.wasm'), 'fs/'))) {
  console.log('build: linker');
  buildLinker({ out: WORK, optimize: !dev });
}
await javascript();
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) await copyFile(join(ROOT, licence), join(ROOT, 'pkg', licence));
console.log('build: pkg/dist is ready');
