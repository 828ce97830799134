/** A compact binary form of the values that structured clone copies: small ones in well under a microsecond. */

export { decode, decodedEnd } from './codec/decode.js';
export { encode, FULL, NOT_CODABLE } from './codec/encode.js';
