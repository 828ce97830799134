/** The second of a worker's two scripts: what is loaded when a task needs it. */

import { parts } from './pool/rest-parts.js';
import { provide } from './pool/rest.js';

provide(parts());
