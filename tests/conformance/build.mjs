// Builds the conformance guests with stable Rust; answers with the module's path.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../../scripts/lib/run.mjs';

const HERE = join(dirname(fileURLToPath(import.meta.url)), 'guests');
const TARGET = 'wasm32-wasip1';

/** Where the module lies when it is built. */
export const MODULE = join(HERE, 'target', TARGET, 'release/isolith-conformance-guests.wasm');

/** Builds what has changed. */
export async function buildGuests() {
  await run('cargo', ['build', '--release', '--locked', '--quiet', '--target', TARGET], {
    cwd: HERE,
    env: { RUSTUP_TOOLCHAIN: 'stable', RUSTFLAGS: '', CARGO_TARGET_DIR: join(HERE, 'target') },
  });
  return MODULE;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await buildGuests());
