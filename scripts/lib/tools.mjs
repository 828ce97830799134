// Where this project's tools are and which versions it needs: one answer for set-up, build and tests.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from './run.mjs';

/** Tools that set-up builds for this project alone, out of the user's way. */
export const TOOLS = join(ROOT, '.tools');

/** PATH for child processes: ours first, then npm's, then the user's. */
export const TOOL_PATH = [join(TOOLS, 'bin'), join(ROOT, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter);

/** Standard output of a short command, trimmed, or undefined when it is missing or fails. */
export function capture(command, args, options = {}) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
    env: { ...process.env, PATH: TOOL_PATH },
    ...options,
  });
  return status === 0 ? stdout.trim() : undefined;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Full path of the first of `names` (names or paths; empty ones are passed over) that can be run. */
export function which(...names) {
  for (const name of names) {
    if (!name) continue;
    if (name.includes('/')) {
      if (isProgram(name)) return name;
      continue;
    }
    for (const folder of TOOL_PATH.split(delimiter)) {
      const path = join(folder, name);
      if (folder && isProgram(path)) return path;
    }
  }
  return undefined;
}

/** Version of a package as Cargo.lock pins it. */
export function lockedVersion(name, lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8')) {
  const found = new RegExp(`\\[\\[package\\]\\]\\nname = "${name}"\\nversion = "([^"]+)"`).exec(lock);
  if (!found) throw new Error(`Cargo.lock has no package ${name}`);
  return found[1];
}

/** Channel, components and targets that rust-toolchain.toml asks for. */
export function toolchain(text = readFileSync(join(ROOT, 'rust-toolchain.toml'), 'utf8')) {
  const list = (key) => [...(new RegExp(`^${key}\\s*=\\s*\\[([^\\]]*)\\]`, 'm').exec(text)?.[1] ?? '').matchAll(/"([^"]+)"/g)];
  const channel = /^channel\s*=\s*"([^"]+)"/m.exec(text)?.[1];
  if (!channel) throw new Error('rust-toolchain.toml names no channel');
  return { channel, components: list('components').map((m) => m[1]), targets: list('targets').map((m) => m[1]) };
}
