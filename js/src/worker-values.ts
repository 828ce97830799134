/** A worker's script beside the first: values that are more than a number. */

import { provide } from './pool/parts.js';
import { VALUES } from './pool/values.js';

provide({ values: VALUES });
