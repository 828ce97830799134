// comlink's side in the worker.
import { expose } from 'comlink';
import { flip, trivial, visit } from './tasks.mjs';

expose({ trivial, visit, flip });
