// Runs the loom models of the synchronisation cores; bounded to a few minutes.
import { spawnSync } from 'node:child_process';

const result = spawnSync(
  'cargo',
  ['test', '--release', '--no-default-features', '--test', 'loom', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    timeout: 15 * 60_000,
    env: {
      ...process.env,
      RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} --cfg loom`.trim(),
      // Other flags than the product's: a target folder of its own keeps both caches warm.
      CARGO_TARGET_DIR: 'target/loom',
      CARGO_PROFILE_RELEASE_LTO: 'off',
      CARGO_PROFILE_RELEASE_OPT_LEVEL: '2',
      CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: 'true',
      LOOM_MAX_BRANCHES: '20000',
    },
  },
);
process.exit(result.status ?? 1);
