/** Instantiates modules that were linked into one memory, in their order, and binds them to each other. */

import { IsolithError } from '../errors.js';

/** What of a placement says how a module is bound. */
export interface Bound {
  /** The functions it imports from `env` that the module at place `from` exports. */
  readonly bindings: readonly { readonly name: string; readonly from: number }[];
  /** The functions that it can do without. */
  readonly weak: readonly string[];
}

/** A function that a module exports. */
export type Exported = (...args: unknown[]) => unknown;

/**
 * Makes the instances. `common` is what all are given as `env` where no other module has it; what
 * `imports` has comes before both. Calls to a module that comes later, as circles of imports need,
 * go through a function of JavaScript.
 */
export async function instantiateAll(
  modules: readonly WebAssembly.Module[],
  bound: readonly Bound[],
  common: WebAssembly.ModuleImports,
  imports: WebAssembly.Imports = {},
): Promise<WebAssembly.Instance[]> {
  const instances: WebAssembly.Instance[] = [];
  for (const [index, module] of modules.entries()) {
    const env: WebAssembly.ModuleImports = { ...common };
    for (const name of bound[index]?.weak ?? []) env[name] ??= () => undefinedFunction(name);
    for (const { name, from } of bound[index]?.bindings ?? []) {
      env[name] = exported(instances[from], name) ?? ((...args: unknown[]) => exported(instances[from], name)?.(...args));
    }
    instances.push(await WebAssembly.instantiate(module, { ...imports, env: { ...env, ...imports['env'] } }));
  }
  return instances;
}

/** The function of that name, if the instance has one. */
export function exported(instance: WebAssembly.Instance | undefined, name: string): Exported | undefined {
  const found = instance?.exports[name];
  return typeof found === 'function' ? (found as Exported) : undefined;
}

function undefinedFunction(name: string): never {
  throw new IsolithError('ERR_UNDEFINED_SYMBOL', `${name} is defined by no module`);
}
