/** How a worker reads and writes values that are more than a number: the part of its code that does. */

import { decode } from '../codec.js';
import { unpack } from '../codec/unpack.js';
import { encoded, encodeValue, isPacked } from './payload.js';

/** See the functions themselves. */
export interface Values {
  readonly decode: typeof decode;
  readonly unpack: typeof unpack;
  readonly encodeValue: typeof encodeValue;
  readonly encoded: typeof encoded;
  /** Whether the last value was packed. */
  isPacked(): boolean;
}

export const VALUES: Values = { decode, unpack, encodeValue, encoded, isPacked: () => isPacked };
