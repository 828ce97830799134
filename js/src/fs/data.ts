/** What is written and read as text or bytes: encodings as Node.js names them, data in all its forms. */

import { badArgument, badValue } from './errors.js';

/** What can be written. */
export type Data = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** What files are written with: all at once, or piece by piece. */
export type Contents = Data | Iterable<Data> | AsyncIterable<Data>;

/** Whether contents come piece by piece. */
export function isPieces(data: Contents): data is Iterable<Data> | AsyncIterable<Data> {
  return typeof data === 'object' && data !== null && !ArrayBuffer.isView(data) && (Symbol.iterator in data || Symbol.asyncIterator in data);
}

/** How text and bytes become each other. */
export type Encoding = Lower | Uppercase<Lower>;

type Lower =
  | 'utf8' | 'utf-8' | 'ascii' | 'latin1' | 'binary' | 'hex' | 'base64' | 'base64url' | 'ucs2' | 'ucs-2' | 'utf16le' | 'utf-16le' | 'buffer';

/**
 * Options that may be an encoding alone, as an object; throws the errors of Node.js for what are none, for an encoding that
 * there is not, and for a signal that is none.
 */
export function optionsOf<O extends object>(options: O | string | null | undefined): Partial<O> & { readonly encoding?: Encoding | null | undefined } {
  // A function is a callback that nobody asked for.
  if (options === undefined || options === null || typeof options === 'function') return {};
  const made = (typeof options === 'string' ? { encoding: options } : options) as O & { encoding?: Encoding; signal?: unknown };
  if (typeof made !== 'object') throw badArgument('options', made, 'one of type string or object');
  const { encoding, signal } = made;
  if (encoding) known(encoding);
  if (signal !== undefined && !(typeof signal === 'object' && signal && 'aborted' in signal)) throw badArgument('options.signal', signal, 'an instance of AbortSignal');
  return made;
}

/** Whether there is such an encoding. */
export function isEncoding(encoding: unknown): encoding is Encoding {
  return typeof encoding === 'string' && /^(utf-?8|ascii|latin1|binary|hex|base64(url)?|ucs-?2|utf-?16le|buffer)$/i.test(encoding);
}

/** The encoding's name in small letters; throws the error of Node.js if there is none such. */
function known(encoding: unknown): string {
  if (isEncoding(encoding)) return encoding.toLowerCase();
  throw badValue('encoding', encoding, 'is invalid encoding');
}

/** Text that names something, as what the encoding asks for. */
export function named(text: string, encoding: Encoding | null | undefined): string | Uint8Array {
  return encoding && encoding !== 'utf8' ? decoded(new TextEncoder().encode(text), encoding) : text;
}

/** The bytes of `data`, without a copy where it is bytes already. */
export function bytesOf(data: unknown, encoding: Encoding | null | undefined = 'utf8', name = 'data'): Uint8Array {
  if (typeof data === 'string') return encode(data, encoding || 'utf8');
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || (typeof SharedArrayBuffer !== 'undefined' && data instanceof SharedArrayBuffer)) return new Uint8Array(data);
  throw badArgument(name, data, 'of type string or an instance of Buffer, TypedArray, or DataView');
}

function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Codes of the alphabet's characters, both variants; others are skipped, as Node.js does. */
function fromBase64(text: string): Uint8Array {
  const plain = text.replace(/=[^]*$/, '').replace(/-/g, '+').replace(/_/g, '/').replace(/[^A-Za-z0-9+/]/g, '');
  // A single character at the end holds no byte.
  return fromLatin1(atob(plain.length % 4 === 1 ? plain.slice(0, -1) : plain));
}

function encode(text: string, encoding: Encoding): Uint8Array {
  switch (known(encoding)) {
    case 'latin1':
    case 'binary':
    case 'ascii':
      return fromLatin1(text);
    case 'hex':
      return Uint8Array.from(/^(?:[\da-f]{2})*/i.exec(text)![0].match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    case 'base64':
    case 'base64url':
      return fromBase64(text);
    case 'ucs2':
    case 'ucs-2':
    case 'utf16le':
    case 'utf-16le': {
      const bytes = new Uint8Array(text.length * 2);
      for (let at = 0; at < text.length; at++) {
        bytes[at * 2] = text.charCodeAt(at);
        bytes[at * 2 + 1] = text.charCodeAt(at) >> 8;
      }
      return bytes;
    }
    default:
      return new TextEncoder().encode(text);
  }
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  }
  return text;
}

/** Unit by unit: lone surrogates and a last odd byte are no errors here. */
function utf16(bytes: Uint8Array): string {
  let text = '';
  const units = Array.from({ length: bytes.length >> 1 }, (_, at) => bytes[2 * at]! | (bytes[2 * at + 1]! << 8));
  for (let at = 0; at < units.length; at += 8192) text += String.fromCharCode(...units.slice(at, at + 8192));
  return text;
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes as what the encoding asks for: text, or the bytes themselves. */
export function decoded(bytes: Uint8Array<ArrayBuffer>, encoding: Encoding | null | undefined): string | Uint8Array<ArrayBuffer> {
  if (!encoding) return bytes;
  switch (known(encoding)) {
    case 'buffer':
      return bytes;
    case 'utf8':
    case 'utf-8':
      return UTF8.decode(bytes);
    case 'latin1':
    case 'binary':
      return latin1(bytes);
    case 'ascii':
      return latin1(bytes.map((byte) => byte & 0x7f));
    case 'hex':
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    case 'base64':
      return btoa(latin1(bytes));
    case 'base64url':
      return btoa(latin1(bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    default:
      return utf16(bytes);
  }
}
