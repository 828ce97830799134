// isomorphic-git's everyday work on the file stores that people give it.
import { Buffer } from 'buffer';

globalThis.Buffer ??= Buffer;

const FILES = 500;
const author = { name: 'Somebody', email: 'somebody@example.org' };
const place = (n) => `part-${n % 10}/file-${n}.txt`;

const contestants = [
  {
    who: 'isolith',
    async open() {
      const { fs } = await import('isolith/fs');
      const dir = '/bench-git';
      await fs.rm(dir, { recursive: true, force: true });
      await fs.mkdir(dir);
      return { fs, dir, clear: () => fs.rm(dir, { recursive: true, force: true }) };
    },
  },
  {
    who: 'lightning-fs 4.10.3',
    caveat: 'directories are saved half a second later, without being waited for',
    async open() {
      const { default: LightningFS } = await import('@isomorphic-git/lightning-fs');
      const fs = new LightningFS('bench-git', { wipe: true });
      const dir = '/repository';
      await fs.promises.mkdir(dir);
      return { fs, dir, async clear() {} };
    },
  },
];

const write = async ({ fs, dir }, n, text) => fs.promises.writeFile(`${dir}/${place(n)}`, text);

/** A work tree of files that nobody has seen yet. */
async function tree(on) {
  for (let part = 0; part < 10; part++) await on.fs.promises.mkdir(`${on.dir}/part-${part}`).catch(() => {});
  const mark = crypto.randomUUID();
  await Promise.all(Array.from({ length: FILES }, (_, n) => write(on, n, `file ${n} ${mark}\n${'line\n'.repeat(n % 40)}`)));
}

/** All of it in a first commit, and a branch where every fifth file is another. */
async function history(git, on) {
  await git.init({ ...on, defaultBranch: 'main' });
  await git.add({ ...on, filepath: '.' });
  await git.commit({ ...on, message: 'first', author });
  await git.branch({ ...on, ref: 'side', checkout: true });
  for (let n = 0; n < FILES; n += 5) await write(on, n, `side ${n}`);
  await git.add({ ...on, filepath: '.' });
  await git.commit({ ...on, message: 'side', author });
  await git.checkout({ ...on, ref: 'main' });
}

function measure(name, { prepare, ready = async () => {}, run, targets }) {
  return contestants.map(({ who, caveat, open }) => ({
    group: 'git',
    name,
    who,
    unit: 'ms',
    better: 'lower',
    deadline: 60_000,
    ...(caveat && { caveat }),
    ...(who === 'isolith' && { targets }),
    async setup({ state }) {
      state.git = (await import('isomorphic-git')).default;
      state.open = open;
      state.on = await open();
      await prepare(state);
    },
    async run({ state }) {
      await ready(state);
      const start = performance.now();
      await run(state);
      return performance.now() - start;
    },
    teardown: ({ state }) => state.on?.clear(),
  }));
}

const whole = async ({ git, on }) => {
  await tree(on);
  await history(git, on);
};

const targets = [{ than: 'best peer', times: 1 }];

export default [
  ...measure('add and commit 500 files', {
    prepare: ({ git, on }) => git.init({ ...on, defaultBranch: 'main' }),
    ready: ({ on }) => tree(on),
    async run({ git, on }) {
      await git.add({ ...on, filepath: '.' });
      await git.commit({ ...on, message: 'all', author });
    },
    targets,
  }),
  ...measure('status of 500 files', {
    prepare: whole,
    async run({ git, on }) {
      const rows = await git.statusMatrix(on);
      if (rows.length !== FILES) throw new Error(`status told of ${rows.length} files`);
    },
    targets,
  }),
  ...measure('check a branch out and back, 100 files each', {
    prepare: whole,
    async run({ git, on }) {
      await git.checkout({ ...on, ref: 'side' });
      await git.checkout({ ...on, ref: 'main' });
    },
    targets,
  }),
];
