// Makes the API reference: TypeScript under docs/api, Rust under target/doc; any warning fails.
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { ROOT, run } from './lib/run.mjs';

const pkg = JSON.parse(await readFile(join(ROOT, 'pkg/package.json'), 'utf8'));
const entries = Object.values(pkg.exports)
  .flatMap((entry) => (typeof entry === 'object' ? [entry.types] : []))
  .filter((types) => !/worker/.test(types))
  .map((types) => types.replace('./dist/', 'js/src/').replace('.d.ts', '.ts'));

console.log('docs: typedoc');
await run(
  'typedoc',
  ['--tsconfig', 'js/tsconfig.json', '--out', 'docs/api', '--name', 'isolith', '--readme', 'README.md', '--excludePrivate', '--excludeInternal', '--validation.notExported', 'false', ...entries],
  { env: { PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}` } },
);
console.log('docs: rustdoc');
await run('cargo', ['doc', '--no-deps', '--all-features'], { env: { RUSTDOCFLAGS: '-D warnings' } });
console.log('docs: docs/api/index.html and target/doc/isolith/index.html');
