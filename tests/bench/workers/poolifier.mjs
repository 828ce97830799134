// poolifier's side in the worker, which needs a global called window.
import './window-shim.mjs';
import { ThreadWorker } from 'poolifier-web-worker';
import { perform } from './tasks.mjs';

export default new ThreadWorker(perform);
