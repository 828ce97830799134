/** The functions of WASI for a guest on this thread: calls of the kernel, and the waiting between them. */

import type { Client } from '../fs/client.js';
import { AGAIN } from '../fs/exports.js';
import type { GuestMemory } from '../guest-memory.js';
import type { Kernel } from '../kernel.js';
import { requireShared } from '../support.js';
import { WasmCode, WasmError } from './errors.js';
import { runtimeExports, Status, type WasiFunction, wasiFunction } from './kernel-wasi.js';

/** Thrown through the guest when its process ends: by its own wish, or from outside. */
export class ProcExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the process has ended with code ${code}`);
    this.name = 'ProcExit';
    this.code = code;
  }
}

/** A function as the guest imports it: with as many parameters as it has, for a list of arguments is slow. */
type Import = (...args: never[]) => number;

type Imports = Record<string, Import>;

type Args = (number | bigint)[];

/** What `WebAssembly.instantiate` takes, for both generations of WASI. */
export interface WasiImports {
  readonly [module: string]: Imports;
  readonly wasi_snapshot_preview1: Imports;
  readonly wasi_unstable: Imports;
}

/** Errors that JavaScript itself answers with. */
const EAGAIN = 6;
const EIO = 29;
const ETIMEDOUT = 73;

/** A sleeping thread looks again after this long whatever happens, in milliseconds. */
const SLICE = 100;

/** All functions of WASI for the process `pid`, whose memory is `memory()` when they are called. */
export function wasiImports(kernel: Kernel, client: Client, pid: number, memory: () => WebAssembly.Memory): WasiImports {
  const caller = new Caller(kernel, client, pid, memory);
  return { wasi_snapshot_preview1: functions(caller, kernel, 0), wasi_unstable: functions(caller, kernel, 1) };
}

/** Does one call after the other for one process. */
class Caller {
  readonly pid: number;
  readonly #kernel: Kernel;
  readonly #client: Client;
  readonly #guest: GuestMemory;
  readonly #memory: () => WebAssembly.Memory;
  #own: WebAssembly.Memory | undefined;
  readonly #bellAt: number;

  constructor(kernel: Kernel, client: Client, pid: number, memory: () => WebAssembly.Memory) {
    this.pid = pid;
    this.#kernel = kernel;
    this.#client = client;
    this.#guest = kernel.guest!;
    this.#memory = memory;
    this.#bellAt = runtimeExports(kernel).isolith_process_bell(pid) >>> 0;
  }

  /** Before a call: the guest's memory is meant. */
  begin(): void {
    const memory = (this.#own ??= this.#memory());
    if (this.#guest.current !== memory) this.#guest.use(memory);
  }

  /** Before a call by a path: what other tabs have written is seen. */
  beginFresh(): void {
    this.#client.freshen();
    this.begin();
  }

  /** After a call that may change files: watchers look. */
  changed(errno: number): number {
    if (errno === 0) this.#client.changed();
    return errno;
  }

  /** Brings a call to its end whose first try had this status. */
  finish(first: number, target: WasiFunction, ...args: Args): number {
    const attempt = (): number => target(this.pid, ...args);
    let status = first;
    for (;;) {
      switch (status & ~0xffff) {
        case 0:
          return status;
        case Status.ended:
          throw new ProcExit(this.#client.door.number(0));
        case Status.durable:
          return this.#settle();
        case Status.sleep: {
          if (!this.#client.maySync) throw cannotWait('its streams or for a time to come');
          // The bell is read before the call looks: a change after that ends the sleep at once.
          const words = new Int32Array(this.#kernel.memory.buffer, this.#bellAt, 1);
          const seen = Atomics.load(words, 0);
          status = attempt();
          if (status !== Status.sleep) break;
          const most = this.#client.door.number(0);
          Atomics.wait(words, 0, seen, most < 0 ? SLICE : Math.min(most, SLICE));
          status = attempt();
          break;
        }
        default:
          if (!this.#client.maySync) {
            this.#client.ring();
            throw cannotWait('a file that is not in memory');
          }
          status = this.#block(() => attempt());
      }
    }
  }

  /** Waits for the stores. */
  #block(attempt: () => number): number {
    let status = 0;
    try {
      this.#client.block({ syscall: 'wasi' }, () => {
        status = attempt();
        return status === Status.again ? AGAIN : 0;
      });
      return status;
    } catch (error) {
      return (error as { code?: unknown }).code === 'ETIMEDOUT' ? ETIMEDOUT : EIO;
    }
  }

  /** Waits until what the frame's ticket stands for is durable. */
  #settle(): number {
    const { door } = this.#client;
    const [store, node, epoch] = [door.number(13), door.number(14), door.number(15)];
    const settled = (): number => door.exports.isolith_fs_settled(store, node, epoch);
    if (!this.#client.maySync) {
      this.#client.ring();
      return settled() === 0 ? 0 : EAGAIN;
    }
    try {
      this.#client.block({ syscall: 'fsync' }, settled);
      return 0;
    } catch {
      return EIO;
    }
  }
}

/** What a guest's call ends with that would block this thread, which may not. */
function cannotWait(what: string): Error {
  requireShared(`a guest that waits for ${what}`);
  return new WasmError(WasmCode.call, `a guest on this thread cannot wait for ${what}: leave out inline`);
}

/** Functions whose arguments go to the kernel as they are. */
const PLAIN = [
  'args_sizes_get', 'args_get', 'environ_sizes_get', 'environ_get', 'clock_res_get', 'random_get',
  'fd_close', 'fd_datasync', 'fd_sync', 'fd_fdstat_get', 'fd_fdstat_set_flags', 'fd_fdstat_set_rights',
  'fd_prestat_get', 'fd_prestat_dir_name', 'fd_readdir', 'fd_renumber', 'fd_tell', 'fd_pread', 'proc_exit', 'proc_raise',
] as const;

/** The same, and they may change files. */
const CHANGING = ['fd_allocate', 'fd_filestat_set_size', 'fd_filestat_set_times', 'fd_pwrite'] as const;

/** The same, on paths. */
const PATHS = [
  'path_create_directory', 'path_filestat_set_times', 'path_link', 'path_readlink', 'path_remove_directory',
  'path_rename', 'path_symlink', 'path_unlink_file',
] as const;

/** What is done before a call and with its error number. */
interface Around {
  readonly before: () => void;
  readonly after: (errno: number) => number;
}

function functions(caller: Caller, kernel: Kernel, unstable: number): Imports {
  const kernels = (name: string): WasiFunction => wasiFunction(kernel, name);
  const begin = (): void => caller.begin();
  const fresh = (): void => caller.beginFresh();
  const same = (errno: number): number => errno;
  const changed = (errno: number): number => caller.changed(errno);
  const made: Imports = {};
  for (const name of PLAIN) made[name] = passing(caller, kernels(name), { before: begin, after: same });
  for (const name of CHANGING) made[name] = passing(caller, kernels(name), { before: begin, after: changed });
  for (const name of PATHS) made[name] = passing(caller, kernels(name), { before: fresh, after: changed });
  const sock = passing(caller, kernels('sock'), { before: begin, after: same });
  for (const name of ['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown']) made[name] = sock;
  return { ...made, ...special(caller, kernels, unstable), ...hot(caller, kernels, unstable) };
}

/**
 * Calls `target` with the guest's arguments; a status that is no error number takes the long way.
 *
 * No closure is made on the way and no list: both cost more than the call, whether or not they are needed.
 */
function passing(caller: Caller, target: WasiFunction, { before, after }: Around): Import {
  const { pid } = caller;
  type A = number | bigint;
  // The length of a function of wasm is how many parameters it has, the process among them.
  switch (target.length - 1) {
    case 1:
      return (a: A) => {
        before();
        const status = target(pid, a);
        return after(status < Status.again ? status : caller.finish(status, target, a));
      };
    case 2:
      return (a: A, b: A) => {
        before();
        const status = target(pid, a, b);
        return after(status < Status.again ? status : caller.finish(status, target, a, b));
      };
    case 3:
      return (a: A, b: A, c: A) => {
        before();
        const status = target(pid, a, b, c);
        return after(status < Status.again ? status : caller.finish(status, target, a, b, c));
      };
    case 4:
      return (a: A, b: A, c: A, d: A) => {
        before();
        const status = target(pid, a, b, c, d);
        return after(status < Status.again ? status : caller.finish(status, target, a, b, c, d));
      };
    case 5:
      return (a: A, b: A, c: A, d: A, e: A) => {
        before();
        const status = target(pid, a, b, c, d, e);
        return after(status < Status.again ? status : caller.finish(status, target, a, b, c, d, e));
      };
    default:
      return (...args: Args) => {
        before();
        const status = target(pid, ...args);
        return after(status < Status.again ? status : caller.finish(status, target, ...args));
      };
  }
}

/** Functions that the kernel is told more about, or less. */
function special(caller: Caller, kernels: (name: string) => WasiFunction, unstable: number): Record<string, Import> {
  const { pid } = caller;
  const call = (target: WasiFunction, ...args: Args): number => {
    const status = target(pid, ...args);
    return status < Status.again ? status : caller.finish(status, target, ...args);
  };
  const advise = kernels('fd_advise');
  const filestat = kernels('fd_filestat_get');
  const pathFilestat = kernels('path_filestat_get');
  const open = kernels('path_open');
  const poll = kernels('poll_oneoff');
  const now = kernels('now') as unknown as () => bigint;
  return {
    fd_advise: (fd: number, _offset: bigint, _length: bigint, advice: number) => call(advise, fd, advice),
    fd_filestat_get: (fd: number, to: number) => (caller.begin(), call(filestat, fd, to, unstable)),
    path_filestat_get: (dir: number, lookup: number, path: number, length: number, to: number) =>
      (caller.beginFresh(), call(pathFilestat, dir, lookup, path, length, to, unstable)),
    path_open: (
      dir: number, lookup: number, path: number, length: number, how: number, base: bigint, _inheriting: bigint, flags: number, to: number,
    ) => (caller.beginFresh(), caller.changed(call(open, dir, lookup, path, length, how, base, flags, to))),
    poll_oneoff: (list: number, events: number, count: number, to: number) =>
      (caller.begin(), call(poll, list, events, count, to, now(), unstable)),
    sched_yield: () => 0,
  };
}

/** The most called functions, each by a function of its own, which engines know the target of. */
function hot(caller: Caller, kernels: (name: string) => WasiFunction, unstable: number): Record<string, Import> {
  const { pid } = caller;
  const read = kernels('fd_read');
  const write = kernels('fd_write');
  const seek = kernels('fd_seek');
  const clock = kernels('clock_time_get');
  return {
    fd_read(fd: number, list: number, count: number, to: number) {
      caller.begin();
      const status = read(pid, fd, list, count, to);
      return status < Status.again ? status : caller.finish(status, read, fd, list, count, to);
    },
    fd_write(fd: number, list: number, count: number, to: number) {
      caller.begin();
      const status = write(pid, fd, list, count, to);
      return caller.changed(status < Status.again ? status : caller.finish(status, write, fd, list, count, to));
    },
    fd_seek(fd: number, offset: bigint, whence: number, to: number) {
      caller.begin();
      const status = seek(pid, fd, offset, whence, to, unstable);
      return status < Status.again ? status : caller.finish(status, seek, fd, offset, whence, to, unstable);
    },
    clock_time_get(id: number, _precision: bigint, to: number) {
      caller.begin();
      const status = clock(pid, id, to);
      return status < Status.again ? status : caller.finish(status, clock, id, to);
    },
  };
}
