// Assembles WebAssembly text for pages that test guests.
import binaryen from 'binaryen';

const { Features } = binaryen;
/** What every engine that we support knows; binaryen would write new encodings for more. */
const FEATURES =
  Features.Atomics | Features.MutableGlobals | Features.NontrappingFPToInt | Features.BulkMemory | Features.SignExt |
  Features.ExceptionHandling | Features.TailCall | Features.ReferenceTypes | Features.Multivalue;

/** The module's bytes in base64; throws what binaryen says is wrong. */
export function assemble(text) {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(FEATURES);
    return Buffer.from(module.emitBinary()).toString('base64');
  } finally {
    module.dispose();
  }
}
