// Assembles WebAssembly text for pages that test guests.
import binaryen from 'binaryen';

/** The module's bytes in base64; throws what binaryen says is wrong. */
export function assemble(text) {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    return Buffer.from(module.emitBinary()).toString('base64');
  } finally {
    module.dispose();
  }
}
