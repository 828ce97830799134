// threads' side in the worker.
import { expose } from 'threads/worker';
import { flip, trivial, visit } from './tasks.mjs';

expose({ trivial, visit, flip });
