// Checks of the installed package that need no browser: its files, its import on a server, its types.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from '../../scripts/lib/run.mjs';

/** Entries that are no modules for a page's or a server's own thread. */
const NOT_IMPORTED = { './worker': 'a classic script, loaded as a worker only' };

/** Import names of the entries with types. */
function typedEntries(manifest) {
  return Object.entries(manifest.exports)
    .filter(([entry, target]) => target.types && !NOT_IMPORTED[entry])
    .map(([entry, target]) => ({ name: entry.replace(/^\./, 'isolith'), files: Object.values(target) }));
}

function check(fact, message) {
  if (!fact) throw new Error(message);
}

/** What is packed: nothing but what a user needs, and nothing that runs at install. */
export function checkFiles({ files, manifest }) {
  const stray = files.filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE-(MIT|APACHE)$)/.test(path));
  check(stray.length === 0, `the tarball holds ${stray.join(', ')}`);
  for (const wanted of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'dist/index.js', 'dist/isolith.wasm', 'dist/worker.js', 'dist/worker-first.js', 'dist/worker-rest.js', 'dist/worker-ring.js', 'dist/worker-values.js', 'dist/guest.js']) {
    check(files.includes(wanted), `the tarball lacks ${wanted}`);
  }
  for (const { name, files: targets } of typedEntries(manifest)) {
    for (const target of targets) check(files.includes(target.replace(/^\.\//, '')), `${name} names ${target}, which is not in the tarball`);
  }
  const scripts = Object.keys(manifest.scripts ?? {}).filter((name) => /install|prepare/.test(name));
  check(scripts.length === 0, `the package runs ${scripts.join(', ')} at install`);
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    check(Object.keys(manifest[kind] ?? {}).length === 0, `the package has ${kind}`);
  }
}

/** Importing any entry in Node, as a server that renders pages does, never throws and lets Node end. */
export async function checkServerImport(home, { manifest }) {
  for (const { name } of typedEntries(manifest)) {
    const script = `await import(${JSON.stringify(name)})`;
    await run(process.execPath, ['--input-type=module', '--unhandled-rejections=strict', '-e', script], { cwd: home });
  }
}

/** Every entry's types are whole under both module resolutions, and the README's first snippet is well typed. */
export async function checkTypes(home, { manifest }) {
  const imports = typedEntries(manifest).map(({ name }, i) => `import * as entry${i} from '${name}';`);
  const uses = imports.map((_, i) => `entry${i}`);
  writeFileSync(join(home, 'entries.ts'), `${imports.join('\n')}\nexport const entries = [${uses.join(', ')}];\n`);
  const files = ['types.ts', 'pool-types.ts'];
  for (const file of files) writeFileSync(join(home, file), readFileSync(join(ROOT, 'tests/packaging', file), 'utf8'));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  check(existsSync(tsc), 'TypeScript is not installed: npm run setup');
  const compilerOptions = {
    noEmit: true, strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true,
    target: 'es2022', lib: ['es2024', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'], types: [],
  };
  for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
    const options = { ...compilerOptions, module, moduleResolution };
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['entries.ts', ...files] }));
    await run(process.execPath, [tsc, '-p', home], { cwd: home });
  }
}
