// Empties the filesystem and puts the suite's files there, before the file of tests that is loaded next.
import { files, fs } from './facade.mjs';

const base = import.meta.url.startsWith('blob:') ? globalThis.location.href.replace(/^blob:/, '') : import.meta.url;
Object.assign(files, await (await fetch(new URL('/made/tests/pages/fs/zenfs/suite?data=1', base))).json());
for (const name of fs.readdirSync('/')) fs.rmSync(`/${name}`, { recursive: true });
for (const [name, content] of Object.entries(files)) fs.writeFileSync(`/${name}`, Buffer.from(content, 'base64'));
