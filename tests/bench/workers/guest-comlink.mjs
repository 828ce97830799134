// A guest behind comlink: what one writes without us.
import { expose } from 'comlink';

let exports;
expose({
  async load(bytes) {
    ({ exports } = (await WebAssembly.instantiate(bytes)).instance);
  },
  call: (name, ...args) => exports[name](...args),
});
