/** A worker's script beside the first: files, heaps, locks, proxies, linked modules. */

import { provide } from './pool/parts.js';
import { makeRest } from './pool/rest.js';

provide({ rest: makeRest() });
