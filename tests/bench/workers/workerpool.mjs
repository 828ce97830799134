// workerpool's side in the worker.
import workerpool from 'workerpool';
import { flip, trivial, visit } from './tasks.mjs';

workerpool.worker({ trivial, visit, flip });
