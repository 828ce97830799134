/** The first of a worker's scripts, all classic ones: so small that a worker starts soon. */

import { begin } from './pool/first.js';

begin();
