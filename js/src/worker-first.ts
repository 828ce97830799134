/** The first of a worker's two scripts, a classic one: small, so that a worker starts soon. */

import { serve } from './worker-scope.js';

serve();
