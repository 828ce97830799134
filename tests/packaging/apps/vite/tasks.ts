// Tasks of the app, with imports of their own: the app's, and the package itself.
import { readFile, sync } from 'isolith/fs';
import { double } from './shared';

export const tell = (n: number): string => `two times ${n} is ${double(n)}`;

/** Writes a file by its own import, and reads it. */
export function keep(text: string): Promise<string> {
  sync.writeFileSync('/kept-by-a-task', text);
  return readFile('/kept-by-a-task', 'utf8');
}

export async function tellThrough(n: number, call: (text: string) => void): Promise<string> {
  await call('called back');
  return tell(n);
}
