/** The programs that the terminal knows: which module each is in, and its compiled form once somebody has called it. */

import { readFile, stat } from 'isolith/fs';
import { compile } from 'isolith/wasm';

/** Programs of the toolbox: one module that acts by the name it is called with. */
const TOOLBOX = ['cat', 'cp', 'echo', 'env', 'false', 'grep', 'head', 'ls', 'mkdir', 'mv', 'rm', 'seq', 'sort', 'tail', 'tee', 'touch', 'tree', 'true', 'uniq', 'wc'];

const MODULES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(TOOLBOX.map((name) => [name, 'toolbox'])),
  rhai: 'rhai',
};

/** Names of all programs, for completion and help. */
export const PROGRAMS: readonly string[] = Object.keys(MODULES).sort();

const compiled = new Map<string, Promise<string>>();

/** The module of a program, ready to run; `undefined` if there is none of this name. */
export async function programOf(name: string, path: string): Promise<string | undefined> {
  if (name.includes('/') || name.endsWith('.wasm')) return compile((await readFile(path)) as Uint8Array<ArrayBuffer>);
  const file = Object.hasOwn(MODULES, name) ? MODULES[name] : undefined;
  if (file === undefined) return undefined;
  let module = compiled.get(file);
  if (!module) {
    module = compile(new URL(`/generated/programs/${file}.wasm`, location.href));
    compiled.set(file, module);
    // What could not be loaded now may be to be had the next time.
    module.catch(() => compiled.delete(file));
  }
  return module;
}

/** Whether the path is a directory. */
export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then((facts) => facts.isDirectory(), () => false);
}
