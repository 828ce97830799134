// Every function of WASI called with lies: arbitrary addresses, lengths, descriptors, flags and numbers.
// modes: isolated bare
import { assert, assertEqual, random, show, test, within } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { createHeap } from 'isolith';
import { fs } from 'isolith/fs';
import { compile, instantiate } from 'isolith/wasm';
import { getKernel } from '/pkg/dist/runtime.js';
import { getClient } from '/pkg/dist/fs/current.js';
import { Process } from '/pkg/dist/wasm/process.js';
import { ProcExit, wasiImports } from '/pkg/dist/wasm/wasi.js';

/** Another seed tells other lies: every failure names the one it was found with. */
const SEED = 20261126;
/** Calls of each function on the page, and in a guest. */
const HERE = 200;
const THERE = 10;
/** Bytes of the guest's memory. */
const END = 65536;

const ARGS = ['guest', '-x', 'grün'];
const ENV = { A: '1', LONG: 'é'.repeat(100) };
const lengths = (texts) => texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length + 1, 0);
const listed = (texts) => (list, bytes) => [[list, 4 * texts.length], [bytes, lengths(texts)]];
const variables = Object.entries(ENV).map((pair) => pair.join('='));

const nothing = () => [];
const out = (...sizes) => (...args) => sizes.map((size, at) => [args.at(at - sizes.length - 1), size]);
const span = (at, length) => [[at, length]];

/**
 * The functions: d a descriptor, p an address, n a length or count, x flags and other small numbers,
 * q a number of 64 bits; and which bytes a call may write, by its arguments and the memory before it, which comes last.
 */
const FUNCTIONS = {
  args_get: ['pp', listed(ARGS)],
  args_sizes_get: ['pp', out(4, 4)],
  environ_get: ['pp', listed(variables)],
  environ_sizes_get: ['pp', out(4, 4)],
  clock_res_get: ['xp', out(8)],
  clock_time_get: ['xqp', out(8)],
  random_get: ['pn', span],
  fd_advise: ['dqqx', nothing],
  fd_allocate: ['dqq', nothing],
  fd_close: ['d', nothing],
  fd_datasync: ['d', nothing],
  fd_fdstat_get: ['dp', out(24)],
  fd_fdstat_set_flags: ['dx', nothing],
  fd_fdstat_set_rights: ['dqq', nothing],
  fd_filestat_get: ['dp', out(64)],
  fd_filestat_set_size: ['dq', nothing],
  fd_filestat_set_times: ['dqqx', nothing],
  fd_pread: ['dpnqp', (_fd, list, count, _at, to, memory) => [...buffers(memory, list, count), [to, 4]]],
  fd_prestat_dir_name: ['dpn', (_fd, at, length) => span(at, length)],
  fd_prestat_get: ['dp', out(8)],
  fd_pwrite: ['dpnqp', out(4)],
  fd_read: ['dpnp', (_fd, list, count, to, memory) => [...buffers(memory, list, count), [to, 4]]],
  fd_readdir: ['dpnqp', (_fd, at, length, _cookie, to) => [[at, length], [to, 4]]],
  fd_renumber: ['dd', nothing],
  fd_seek: ['dqxp', out(8)],
  fd_sync: ['d', nothing],
  fd_tell: ['dp', out(8)],
  fd_write: ['dpnp', out(4)],
  path_create_directory: ['dpn', nothing],
  path_filestat_get: ['dxpnp', out(64)],
  path_filestat_set_times: ['dxpnqqx', nothing],
  path_link: ['dxpndpn', nothing],
  path_open: ['dxpnxqqxp', out(4)],
  path_readlink: ['dpnpnp', (_fd, _path, _length, at, room, to) => [[at, room], [to, 4]]],
  path_remove_directory: ['dpn', nothing],
  path_rename: ['dpndpn', nothing],
  path_symlink: ['pndpn', nothing],
  path_unlink_file: ['dpn', nothing],
  poll_oneoff: ['ppnp', (_list, events, count, to) => [[events, 32 * count], [to, 4]]],
  proc_exit: ['x', nothing],
  proc_raise: ['x', nothing],
  sched_yield: ['', nothing],
  sock_accept: ['dxp', nothing],
  sock_recv: ['dpnxpp', nothing],
  sock_send: ['dpnxp', nothing],
  sock_shutdown: ['dx', nothing],
};

/** The buffers that a list in memory names, as far as there is a list. */
function buffers(memory, list, count) {
  if (count > 1024 || list + 8 * count > END) return [];
  const view = new DataView(memory.buffer);
  return Array.from({ length: count }, (_, n) => [view.getUint32(list + 8 * n, true), view.getUint32(list + 8 * n + 4, true)]);
}

const EDGES = Array.from({ length: 8 }, (_, n) => END - 1 - n);
const POINTERS = [0, 1, 3, 8, 64, 1000, 1004, 30_001, ...EDGES, END, END + 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];
const COUNTS = [0, 1, 1, 2, 2, 3, 4, 7, 8, 24, 100, 1024, 1025, 4096, END - 1, END, END + 1, 0x1fffffff, 0x7fffffff, 0x80000000, 0xffffffff];
const DESCRIPTORS = [0, 1, 2, 3, 3, 4, 5, 5, 6, 7, 99, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff];
const SMALL = [0, 0, 0, 1, 1, 2, 3, 4, 5, 8, 15, 31, 255, 0xffff, 0x7fffffff, 0xffffffff];
const WIDE = [0n, 0n, 1n, 2n, 64n, 4096n, 1n << 32n, 1n << 40n, (1n << 63n) - 1n, -1n, -(1n << 63n), 0x1fffffffn];
const PATHS = ['a', 'b', 'd', 'd/x', 'd/../a', 'l', 'l/x', '.', '..', '../secret', '/', '/a', '', 'a\0b', 'a/', 'n'.repeat(300), 'd/'.repeat(2500)];

/** What might even be true, so that calls get far. */
const PLAUSIBLE = { p: [8, 64, 1000, 4000, 30_001], n: [1, 1, 2, 8, 24, 100], d: [3, 5], x: [0, 0, 1], q: [0n, 1n, 64n, 0x1fffffffn] };

/** Chooses lies; of some calls only one argument is one. */
class Liar {
  constructor(seed) {
    this.next = random(seed);
  }

  arguments(roles) {
    const wild = this.next() < 0.6;
    const liar = this.below(roles.length + 1);
    return [...roles].map((role, at) => (wild || at === liar ? this.argument(role) : this.of(PLAUSIBLE[role])));
  }

  of(choices) {
    return choices[Math.floor(this.next() * choices.length)];
  }

  below(bound) {
    return Math.floor(this.next() * bound);
  }

  argument(role) {
    const wild = this.next() < 0.15;
    if (role === 'q') return wild ? BigInt.asIntN(64, (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32))) : this.of(WIDE);
    if (wild) return this.below(role === 'p' ? END + 100 : 2 ** 32);
    return this.of({ p: POINTERS, n: COUNTS, d: DESCRIPTORS, x: SMALL }[role]);
  }

  /** Leaves paths and lists of buffers where the arguments point to, and noise elsewhere. */
  plant(memory, roles, args) {
    const view = new DataView(memory.buffer);
    for (let n = 0; n < 32; n += 1) view.setUint32(this.below(END - 4), this.below(2 ** 32));
    for (const [at, role] of [...roles].entries()) {
      const to = args[at];
      if (role !== 'p' || to > END - 40) continue;
      if (this.next() < 0.5) {
        for (let n = 0; n < 4; n += 1) {
          view.setUint32(to + 8 * n, this.of([8, 1000, 30_001, this.argument('p')]), true);
          view.setUint32(to + 8 * n + 4, this.of([0, 1, 8, 100, 5000]), true);
        }
      } else {
        const bytes = this.next() < 0.1 ? new Uint8Array([0xff, 0xfe]) : new TextEncoder().encode(this.of(PATHS));
        memory.set(bytes.subarray(0, END - to), to);
        // Its length follows, if one does: mostly the right one.
        if (roles[at + 1] === 'n' && this.next() < 0.7) args[at + 1] = bytes.length;
      }
    }
  }
}

/** Fails if a byte has changed that no range has. */
function assertOutside(before, after, ranges, what) {
  const may = new Uint8Array(END);
  for (const [at, length] of ranges) if (at + length <= END) may.fill(1, at, at + length);
  for (let at = 0; at < END; at += 1) {
    if (before[at] !== after[at] && !may[at]) throw new Error(`${what} changed byte ${at} from ${before[at]} to ${after[at]}`);
  }
}

/** A directory with something of every kind in it, and something beside it. */
async function layOut(base) {
  await fs.promises.mkdir(`${base}/in/d`, { recursive: true });
  await fs.promises.writeFile(`${base}/in/a`, 'some text');
  await fs.promises.symlink('d', `${base}/in/l`);
  await fs.promises.writeFile(`${base}/secret`, 'no');
}

const heap = await createHeap();

/** The kernel is sound: its heap, its files, and what lies outside of the preopens. */
async function assertSound(base) {
  heap.check();
  assertEqual(await fs.check(), []);
  assertEqual(await fs.promises.readFile(`${base}/secret`, 'utf8'), 'no');
  assertEqual((await fs.promises.readdir(base)).sort(), ['in', 'secret']);
}

for (const generation of ['wasi_snapshot_preview1', 'wasi_unstable']) {
  test(`lies to ${generation} end in an error number: nothing is thrown, nothing else is written`, async () => {
    const base = `/lies/${generation}`;
    await layOut(base);
    const lie = new Liar(SEED);
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bytes = new Uint8Array(memory.buffer);
    const answers = new Map();
    for (const [name, [roles, writes]] of Object.entries(FUNCTIONS)) {
      let process;
      let wasi;
      for (let round = 0; round < HERE; round += 1) {
        // What was closed and renumbered is there again now and then.
        if (round % 25 === 0) {
          await process?.free();
          process = await Process.create(getClient(), {
            args: ARGS, env: ENV, stdin: { kind: 'bytes', bytes: new Uint8Array(100_000) }, stdout: { kind: 'capture' }, stderr: { kind: 'discard' },
            preopens: [{ guest: '/', path: `${base}/in`, readOnly: false, create: false }, { guest: '/ro', path: `${base}/in/d`, readOnly: true, create: true }],
          });
          wasi = wasiImports(getKernel(), getClient(), process.pid, () => memory)[generation];
          assertEqual(Object.keys(wasi).sort(), Object.keys(FUNCTIONS).sort());
          bytes.set(new TextEncoder().encode('a'));
          wasi.path_open(3, 0, 0, 1, 1, 0x1fffffffn, 0n, 0, 8);
        }
        const args = lie.arguments(roles);
        lie.plant(bytes, roles, args);
        const before = bytes.slice();
        const what = `${name}(${args.join(', ')}) in round ${round} of seed ${SEED}`;
        let answer;
        try {
          // As a guest's numbers arrive: signed.
          answer = wasi[name](...args.map((arg) => (typeof arg === 'bigint' ? arg : arg | 0)));
        } catch (error) {
          const isEnd = error instanceof ProcExit && name.startsWith('proc_');
          // A poll for a time to come: no guest may wait on the page.
          const isRefused = name === 'poll_oneoff' && (error.code === 'ERR_NOT_ISOLATED' || error.code === 5002);
          assert(isEnd || isRefused, `${what} threw ${show(error)}\n${error.stack}`);
        }
        if (answer !== undefined) assert(Number.isInteger(answer) && answer >= 0 && answer < 77, `${what} answered ${show(answer)}`);
        assertOutside(before, bytes, writes(...args, before), what);
        answers.set(name, (answers.get(name) ?? new Set()).add(answer));
      }
      await process.free();
    }
    for (const name of ['fd_read', 'fd_write', 'fd_pread', 'path_open', 'path_filestat_get', 'random_get']) {
      assert(answers.get(name).has(0) && answers.get(name).has(21), `${name} has answered only ${[...answers.get(name)]}`);
    }
    await assertSound(base);
  }, { timeout: 60_000 });

  test(`a guest that lies to ${generation} gets its error number, and the next one works`, async () => {
    const base = `/lies/guest-${generation}`;
    await layOut(base);
    const type = (roles) => [...roles].map((role) => (role === 'q' ? 'i64' : 'i32')).join(' ');
    const entries = Object.entries(FUNCTIONS).map(([name, [roles]]) => ({ name, roles, result: name === 'proc_exit' ? '' : '(result i32)' }));
    const id = await compile(await wat(`(module
      ${entries.map(({ name, roles, result }) => `(import "${generation}" "${name}" (func $${name} (param ${type(roles)}) ${result}))`).join('\n')}
      (memory (export "memory") 1)
      ${entries.map(({ name, roles, result }) => `(func (export "${name}") (param ${type(roles)}) ${result}
        (call $${name} ${[...roles].map((_, n) => `(local.get ${n})`).join(' ')}))`).join('\n')})`));
    const lie = new Liar(SEED + 1);
    const memory = new Uint8Array(END);
    for (const { name, roles } of entries) {
      let guest;
      for (let round = 0; round < THERE; round += 1) {
        guest ??= await instantiate(id, { args: ARGS, env: ENV, stdin: 'typed', preopens: { '/': `${base}/in` } });
        const args = lie.arguments(roles);
        // What is no subscription waits for nothing.
        if (name === 'poll_oneoff') memory.fill(255);
        else lie.plant(memory, roles, args);
        const what = `${name}(${args.join(', ')}) of seed ${SEED + 1}`;
        await guest.memory.write(0, memory.slice());
        const error = await within(20_000, guest.call(name, ...args), what).then(
          ([answer]) => void assert(name.startsWith('proc_') || (answer >= 0 && answer < 77), `${what} answered ${answer}`),
          (thrown) => thrown,
        );
        assert(!error || (error.code === 5002 && error.exitCode !== undefined && name.startsWith('proc_')), `${what} gave ${show(error)}`);
        assertOutside(memory, await guest.memory.read(0, END), FUNCTIONS[name][1](...args, memory), what);
        if (name.startsWith('proc_')) guest = void (await guest.drop());
      }
      await guest?.drop();
    }
    await assertSound(base);
  }, { timeout: 60_000 });
}
