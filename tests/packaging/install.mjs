// Packs the package and installs the tarball into apps; what comes from the registry is installed once and kept.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from '../../scripts/lib/run.mjs';

const CACHE = join(ROOT, '.cache/packaging');
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** Packs `pkg/` as `npm publish` would; resolves to the tarball and the list of files in it. */
export async function pack() {
  mkdirSync(CACHE, { recursive: true });
  const output = await run('npm', ['pack', '--json', '--pack-destination', CACHE], { cwd: join(ROOT, 'pkg'), quiet: true });
  const answer = JSON.parse(output);
  const [entry] = Array.isArray(answer) ? answer : Object.values(answer);
  const tarball = join(CACHE, entry.filename.replace('@', '').replace('/', '-'));
  return { tarball, files: entry.files.map(({ path }) => path), manifest: JSON.parse(readFileSync(join(ROOT, 'pkg/package.json'), 'utf8')) };
}

/** A fresh copy of the app `name` with the tarball installed; resolves to its folder. */
export async function installApp(name, { folder, packages }, tarball) {
  const home = join(CACHE, name.toLowerCase().replace(/\W+/g, '-'));
  const manifest = JSON.stringify({ name: 'app', private: true, type: 'module', dependencies: packages }, null, 2);
  const stamp = join(home, 'node_modules/.installed');
  mkdirSync(home, { recursive: true });
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== manifest) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(join(home, 'node_modules'), { recursive: true });
    writeFileSync(join(home, 'package.json'), manifest);
    if (Object.keys(packages).length > 0) await run('npm', ['install', ...QUIET], { cwd: home, quiet: true });
    writeFileSync(stamp, manifest);
  }
  // Ours is new each time: no bundler's cache of the last one may answer for it.
  for (const old of ['node_modules/isolith', 'node_modules/.vite', 'node_modules/.cache', 'dist']) rmSync(join(home, old), { recursive: true, force: true });
  await run('npm', ['install', '--no-save', '--prefer-offline', ...QUIET, tarball], { cwd: home, quiet: true });
  const apps = join(ROOT, 'tests/packaging/apps');
  cpSync(join(apps, 'main.js'), join(home, 'main.js'));
  if (folder) cpSync(join(apps, folder), home, { recursive: true });
  return home;
}
