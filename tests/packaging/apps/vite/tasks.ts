// Tasks of the app, with an import of their own.
import { double } from './shared';

export const tell = (n: number): string => `two times ${n} is ${double(n)}`;

export async function tellThrough(n: number, call: (text: string) => void): Promise<string> {
  await call('called back');
  return tell(n);
}
