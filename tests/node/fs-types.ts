// Where Node.js's functions are wanted, ours are taken: compiled, never run. Left out is what answers a `Buffer` or a stream of Node.js.
import type * as node from 'node:fs/promises';
import { promises, type Dirent, type Stats } from '../../pkg/dist/fs.js';

type Taken =
  | 'access' | 'appendFile' | 'chmod' | 'chown' | 'copyFile' | 'cp' | 'lchmod' | 'lchown' | 'link' | 'lstat' | 'lutimes' | 'mkdir' | 'opendir'
  | 'rename' | 'rm' | 'rmdir' | 'stat' | 'statfs' | 'symlink' | 'truncate' | 'unlink' | 'utimes';

export const taken: Pick<typeof node, Taken> = promises;

/** What code that was written for Node.js does with the others. */
export async function used(): Promise<void> {
  const text: string = await promises.readFile('/f', 'utf8');
  const bytes: Uint8Array = await promises.readFile('/f');
  const names: string[] = await promises.readdir('/', { recursive: true });
  const entries: Dirent[] = await promises.readdir('/', { withFileTypes: true });
  const place: string = await promises.realpath(new URL('file:///f'));
  const made: string = await promises.mkdtemp('/tmp-');
  const stat: Stats | undefined = await promises.stat('/f', { throwIfNoEntry: false });
  await promises.writeFile('/f', [text, bytes], { mode: 0o600, flag: 'w', encoding: 'utf8' });
  const handle = await promises.open('/f', 'r+', 0o600);
  const { bytesRead }: { bytesRead: number } = await handle.read(new Uint8Array(names.length), 0, 1, stat?.size ?? null);
  const { bytesWritten }: { bytesWritten: number } = await handle.writev([bytes], bytesRead);
  await handle.truncate(bytesWritten + entries.length);
  for await (const { eventType } of promises.watch(place + made)) if (eventType === 'rename') break;
  // @ts-expect-error a path is no number
  await promises.unlink(5);
  // @ts-expect-error text is read only where an encoding is given
  const wrong: string = await promises.readFile('/f', {});
  await handle.writeFile(wrong);
}
