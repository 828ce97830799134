/** A worker's script beside the first: the runtime on this thread, the ring and its tasks. */

import { provide } from './pool/parts.js';
import { serve } from './worker-scope.js';

provide({ ring: serve });
