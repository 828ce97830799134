// Bundles isomorphic-git for pages, with the Buffer of Node.js that it needs.
import { build } from 'esbuild';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export default async function make() {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { Buffer } from 'buffer';\nglobalThis.Buffer ??= Buffer;\nexport { default } from 'isomorphic-git';\n`,
      resolveDir: dirname(fileURLToPath(import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
    logLevel: 'error',
  });
  return { type: '.js', body: outputFiles[0].contents };
}
