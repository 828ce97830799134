// Builds the command-line programs for WASI with stable Rust, and lays them where the playground serves them.
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../../scripts/lib/run.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = 'wasm32-wasip1';

/** The modules, by the names of the programs in Cargo.toml. */
const MODULES = ['toolbox', 'rhai'];

/** Builds what has changed and copies it to `folder`. */
export async function buildPrograms(folder = join(HERE, '../playground/public/generated/programs')) {
  console.log('programs: cargo');
  await run('cargo', ['build', '--release', '--locked', '--quiet', '--target', TARGET], {
    cwd: HERE,
    env: { RUSTUP_TOOLCHAIN: 'stable', RUSTFLAGS: '', CARGO_TARGET_DIR: join(HERE, 'target') },
  });
  await mkdir(folder, { recursive: true });
  for (const name of MODULES) await copyFile(join(HERE, 'target', TARGET, 'release', `${name}.wasm`), join(folder, `${name}.wasm`));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildPrograms();
