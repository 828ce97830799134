/** For the Vite plugin: finds the modules that workers import by URL, and has a build make scripts of them. */

/**
 * `new URL('./tasks.ts', import.meta.url)` where it names a module for workers: the argument of
 * `.module(…)` and `.proxy(…)`, or the value of `module:` and `imports:`. A build would copy the file as it is.
 */
const NAMED =
  /(\.\s*(?:module|proxy)\s*\(\s*|\b(?:module|imports)\s*:\s*)new\s+URL\s*\(\s*(['"`])(\.{1,2}\/[^'"`?#$]+\.[cm]?[jt]sx?)\2\s*,\s*import\.meta\.url\s*,?\s*\)/g;

/** What the bundler lends to a plugin. */
export interface Bundling {
  resolve(source: string, importer: string): Promise<{ readonly id: string } | null>;
  emitFile(file: { type: 'chunk'; id: string; name: string; preserveSignature: 'strict' }): string;
}

/** The code with the addresses of what becomes of such modules; undefined if it names none that can be found. */
export async function withScripts(bundling: Bundling, code: string, importer: string): Promise<string | undefined> {
  let result = '';
  let end = 0;
  for (const { 0: whole, 1: before, 3: path, index } of code.matchAll(NAMED)) {
    const found = await bundling.resolve(path!, importer);
    if (!found) continue;
    const name = path!.replace(/^.*\/|\.\w+$/g, '');
    const reference = bundling.emitFile({ type: 'chunk', id: found.id, name, preserveSignature: 'strict' });
    // As many lines as before, so that no source map is needed.
    const lines = '\n'.repeat(whole.split('\n').length - before!.split('\n').length);
    result += `${code.slice(end, index)}${before}new URL(import.meta.ROLLUP_FILE_URL_${reference}, import.meta.url${lines})`;
    end = index + whole.length;
  }
  return end === 0 ? undefined : result + code.slice(end);
}
