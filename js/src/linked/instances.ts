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
 * Makes the instances. `common` is what all are given as `env` where no other module has it, and
 * `elsewhere` is asked for what that lacks; what `imports` has comes before all. Calls to a module
 * that comes later, as circles of imports need, go through a function of JavaScript.
 *
 * Rejects with `ERR_UNDEFINED_SYMBOL` for an import that nobody has.
 */
export async function instantiateAll(
  modules: readonly WebAssembly.Module[],
  bound: readonly Bound[],
  common: WebAssembly.ModuleImports,
  imports: WebAssembly.Imports = {},
  elsewhere: (name: string) => WebAssembly.ImportValue | undefined = () => undefined,
): Promise<WebAssembly.Instance[]> {
  const instances: WebAssembly.Instance[] = [];
  for (const [index, module] of modules.entries()) {
    const own: WebAssembly.ModuleImports = { ...common };
    for (const { name, from } of bound[index]?.bindings ?? []) {
      own[name] = exported(instances[from], name) ?? ((...args: unknown[]) => exported(instances[from], name)?.(...args));
    }
    const env = { ...own, ...imports['env'] };
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      if (from === 'env' && !(name in env)) {
        const found = elsewhere(name) ?? (bound[index]?.weak.includes(name) ? () => undefinedFunction(name) : undefined);
        if (found) env[name] = found;
      }
      if (!(name in ((from === 'env' ? env : imports[from]) ?? {}))) {
        throw new IsolithError('ERR_UNDEFINED_SYMBOL', `module ${index} imports the ${kind} ${from}.${name}, which no module defines and \`imports\` lacks`);
      }
    }
    instances.push(await WebAssembly.instantiate(module, { ...imports, env }));
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
