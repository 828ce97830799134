// The document's example, word for word but for the package's name and the folder: Node, Deno and Bun run it alike.

import * as fs from 'fs';
import { combine } from 'isolith/link';

const output = new URL('target', import.meta.url).pathname;

// Load the WASM modules as Uint8Arrays
const libcommon = fs.readFileSync(`${output}/common-recipe.wasm`);
const liba = fs.readFileSync(`${output}/a-recipe.wasm`);
const libb = fs.readFileSync(`${output}/b-recipe.wasm`);
// Layout: common | liba | libb | shared heap
const { modules, neededPages } = await combine([libcommon, liba, libb]);
// Create shared memory
const memory = new WebAssembly.Memory({
  initial: neededPages,
});
// Instantiate modules with the shared memory
const { instance: icommon } = await WebAssembly.instantiate(modules[0], {
  env: { memory },
});
const { instance: ia } = await WebAssembly.instantiate(modules[1], {
  env: { memory },
});
const { instance: ib } = await WebAssembly.instantiate(modules[2], {
  env: { memory },
});
// Instantiate an 'Object' using the common library.
const object = icommon.exports.create_object(1337n);
// Use the 'get_value' function from liba to read the value.
const value = ia.exports.get_value(object);
console.log(value); // 1337n
// Use the 'double' function from libb to modify the value.
ib.exports.double(object);
// Read the modified value back from liba.
// This will return the doubled value.
const doubled = ia.exports.get_value(object);
console.log(doubled); // 2674n
