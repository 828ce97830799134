/** Instantiates modules that were linked into one memory, in their order, and binds them to each other. */

import { IsolithError } from '../errors.js';

/** What of a placement says how a module is bound. */
export interface Bound {
  /** The functions it imports from `env` that the module at place `from` exports. */
  readonly bindings: readonly { readonly name: string; readonly from: number }[];
  /** The functions that it can do without. */
  readonly weak: readonly string[];
  /** Its stack, which begins at `end`. */
  readonly stack: { readonly end: number };
}

/** A function that a module exports. */
export type Exported = (...args: unknown[]) => unknown;

/**
 * Makes the instances. `common` is what all are given as `env` where no other module has it, and
 * `known` instances for what that lacks; what `imports` has comes before all. Calls to a module
 * that comes later, as circles of imports need, go through a function of JavaScript. Side modules
 * that exceptions pass through have one stack, a known one if there is any.
 *
 * Rejects with `ERR_UNDEFINED_SYMBOL` for an import that nobody has.
 */
export async function instantiateAll(
  modules: readonly WebAssembly.Module[],
  bound: readonly Bound[],
  common: WebAssembly.ModuleImports,
  imports: WebAssembly.Imports = {},
  known: readonly WebAssembly.Instance[] = [],
): Promise<WebAssembly.Instance[]> {
  const instances: WebAssembly.Instance[] = [];
  let stack = known.map(stackPointer).find((pointer) => pointer);
  for (const [index, module] of modules.entries()) {
    const own: WebAssembly.ModuleImports = { ...common };
    for (const { name, from } of bound[index]?.bindings ?? []) {
      own[name] = exported(instances[from], name) ?? ((...args: unknown[]) => exported(instances[from], name)?.(...args));
    }
    const env = { ...own, ...imports['env'] };
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      tagged ||= (kind as string) === 'tag';
      if (from === 'env' && !(name in env)) {
        if (name === '__stack_pointer') stack ??= new WebAssembly.Global({ value: 'i32', mutable: true }, bound[index]?.stack.end);
        const weak = bound[index]?.weak.includes(name) ? () => undefinedFunction(name) : undefined;
        const found = name === '__stack_pointer' ? stack : (find(known, name) ?? weak ?? tagFor(name));
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

/** What the first instance that exports this name has there. */
export function find(instances: readonly WebAssembly.Instance[], name: string): WebAssembly.ExportValue | undefined {
  return instances.find(({ exports }) => name in exports)?.exports[name];
}

/** The global that says where the instance's stack ends, if it tells. */
export function stackPointer(instance: WebAssembly.Instance | undefined): WebAssembly.Global | undefined {
  return instance?.exports['__isolith_stack_pointer'] as WebAssembly.Global | undefined;
}

let tagged = false;

/** Whether modules of this thread throw exceptions that others may catch. */
export function throws(): boolean {
  return tagged;
}

/** The function of that name, if the instance has one. */
export function exported(instance: WebAssembly.Instance | undefined, name: string): Exported | undefined {
  const found = instance?.exports[name];
  return typeof found === 'function' ? (found as Exported) : undefined;
}

/** The tags of C and C++ that this thread's modules throw to each other, as their compilers have them for 32-bit memory. */
const tags = new Map<string, WebAssembly.ImportValue>();

function tagFor(name: string): WebAssembly.ImportValue | undefined {
  if (name !== '__cpp_exception' && name !== '__c_longjmp') return undefined;
  const { Tag } = WebAssembly as unknown as { Tag?: new (type: { parameters: string[] }) => WebAssembly.ImportValue };
  if (Tag && !tags.has(name)) tags.set(name, new Tag({ parameters: ['i32'] }));
  return tags.get(name);
}

function undefinedFunction(name: string): never {
  throw new IsolithError('ERR_UNDEFINED_SYMBOL', `${name} is defined by no module`);
}
