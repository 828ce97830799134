/** Imports a module by its address: apart, for Vite's dev server makes modules of scripts that import anything. */

import { IsolithError } from './errors.js';

/** What a module exports. Rejects with `ERR_MODULE_NOT_FOUND`. */
export async function moduleAt(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Record<string, unknown>;
  } catch (cause) {
    throw new IsolithError('ERR_MODULE_NOT_FOUND', `the module ${url} cannot be loaded: ${String(cause)}`, { cause });
  }
}
