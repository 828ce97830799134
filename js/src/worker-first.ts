/** The first of a worker's scripts, all classic ones: small, so that a worker starts soon. */

import { serve } from './worker-scope.js';

serve();
