/** Starts the runtime when imported: what the entries that are usable at once have in common. */

import { init } from './init.js';

// A runtime that cannot start says so where it is used: importing must work everywhere, servers too.
await init().catch(() => {});
