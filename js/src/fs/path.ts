/** Paths as callers give them: strings, URLs or bytes, made strings that the kernel takes. */

import { badArgument } from './errors.js';

/** What stands for a path. */
export type PathLike = string | URL | Uint8Array;

/** The path as text; throws the error of Node.js for what is none. */
export function pathOf(path: PathLike, name = 'path'): string {
  let text: string;
  if (typeof path === 'string') text = path;
  else if (path instanceof URL) {
    if (path.protocol !== 'file:') throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
    if (/%2f/i.test(path.pathname)) {
      throw Object.assign(new TypeError('File URL path must not include encoded / characters'), { code: 'ERR_INVALID_FILE_URL_PATH' });
    }
    text = decodeURIComponent(path.pathname);
  } else if (path instanceof Uint8Array) text = new TextDecoder().decode(path.slice());
  else throw badArgument(name, path, 'of type string or an instance of Buffer or URL');
  if (text.includes('\0')) {
    const error = new TypeError(`The argument '${name}' must be a string, Uint8Array, or URL without null bytes. Received ${JSON.stringify(text)}`);
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
  }
  return text;
}

/** `name` below `dir`. */
export function join(dir: string, name: string): string {
  return dir.endsWith('/') ? dir + name : `${dir}/${name}`;
}

/** The path from the root, without `.`, `..` and doubled slashes: for comparing and for links, never for looking up. */
export function normalized(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/** The path without its last name. */
export function dirname(path: string): string {
  const end = path.replace(/\/+$/, '').lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

/** The last name of the path. */
export function basename(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}
