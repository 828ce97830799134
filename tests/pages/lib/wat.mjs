// WebAssembly text as bytes: `await wat('(module …)')`, assembled by the runner.
import { control } from './test.mjs';

/** Assembles a module; rejects with what is wrong with the text. */
export async function wat(text) {
  const binary = atob(await control('wat', { text }));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
