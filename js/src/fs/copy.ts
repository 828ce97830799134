/** Copying: single files as one change, and trees as `cp` of Node.js does it. */

import { step, type Steps } from './client.js';
import { constants } from './constants.js';
import { fsError, integer, switches, systemError } from './errors.js';
import * as ops from './ops.js';
import { dirname, join, normalized, type PathLike, pathOf } from './path.js';
import { close, isError, lstat, mkdir, readlink, symlink, unlink } from './verbs.js';
import type { Stats } from './stats.js';

/** How much a copy moves in one step. */
const STEP = 1 << 20;

/** Copies a file: nobody sees a part of it, and what stood there is replaced as one change. */
export function* copyFile(from: PathLike, to: PathLike, mode = 0): Steps<void> {
  const path = pathOf(from, 'src');
  const dest = pathOf(to, 'dest');
  const about = { syscall: 'copyfile', path, dest };
  mode = integer('mode', mode ?? 0, 0, 7);
  if (mode & constants.COPYFILE_FICLONE_FORCE) throw fsError('ENOTSUP', about);
  const input = yield* step({ ...ops.open(path, ops.Open.read, 0), ...about });
  try {
    const raw = yield* step(ops.stat(input, true));
    if ((raw[2]! & constants.S_IFMT) === constants.S_IFDIR) throw fsError('EISDIR', about);
    const exclusive = (mode & constants.COPYFILE_EXCL) !== 0;
    const draft = yield* step({ ...ops.draft(dest, exclusive), ...about });
    try {
      for (let at = 0; ; ) {
        const moved = yield* step({ ...ops.copyRange(input, at, draft, at, STEP), ...about });
        if (moved === 0) break;
        at += moved;
      }
      const bits = raw[2]! & 0o7777;
      yield* step({ ...ops.publish(draft, dest, bits, exclusive), ...about });
      // A file that was there before takes the permissions over, too.
      const now = (yield* step(ops.stat(dest, true)))[2]! & 0o7777;
      if (now !== bits) yield* step({ ...ops.chmod(dest, bits), ...about });
    } finally {
      yield* close(draft);
    }
  } finally {
    yield* close(input);
  }
}

/** Options of `cp`. */
export interface CpOptions {
  readonly recursive?: boolean | undefined;
  /** Whether what is there is overwritten (default). */
  readonly force?: boolean | undefined;
  /** Whether what is there is an error, if it is not overwritten. */
  readonly errorOnExist?: boolean | undefined;
  readonly dereference?: boolean | undefined;
  readonly preserveTimestamps?: boolean | undefined;
  /** Whether links keep what they say; by default they are made to lead to the same place from the root. */
  readonly verbatimSymlinks?: boolean | undefined;
  readonly mode?: number | undefined;
  /** What to copy; may be a promise where `cp` is. */
  readonly filter?: ((source: string, destination: string) => boolean | Promise<boolean>) | undefined;
}

/** Copies a file, a link, or a tree. */
export function* cp(from: PathLike, to: PathLike, options?: CpOptions): Steps<void> {
  const source = pathOf(from, 'src');
  const dest = pathOf(to, 'dest');
  const { filter, dereference = false } = switches(options, 'dereference', 'errorOnExist', 'force', 'preserveTimestamps', 'recursive', 'verbatimSymlinks');
  if (filter) {
    const keeps = filter(source, dest);
    if (!(keeps instanceof Promise ? yield* step(keeps) : keeps)) return;
  }
  const raw = yield* step({ ...ops.stat(source, dereference), syscall: 'cp' });
  const there = yield* whatIs(dest, dereference);
  if (there && there.dev === raw[0] && there.ino === raw[1]) {
    throw systemError('ERR_FS_CP_EINVAL', 22, 'Invalid src or dest', 'cp', dest, 'EINVAL (src and dest cannot be the same)');
  }
  const type = raw[2]! & constants.S_IFMT;
  if (type === constants.S_IFDIR) yield* copyTree(source, dest, raw, there, options ?? {});
  else yield* copyLeaf(source, dest, type, there, options ?? {});
  if (options?.preserveTimestamps && type !== constants.S_IFLNK) {
    yield* step(ops.times(dest, raw[5]! + raw[6]! / 1e6, raw[7]! + raw[8]! / 1e6));
  }
}

function* whatIs(path: string, follow: boolean): Steps<Stats | undefined> {
  const found = (yield* lstat(path, { throwIfNoEntry: false })) as Stats | undefined;
  if (!found?.isSymbolicLink() || !follow) return found;
  const [dev, ino, mode] = (yield* step(ops.stat(path, true))) as unknown as [number, number, number];
  return Object.assign(found, { dev, ino, mode });
}

function* copyTree(source: string, dest: string, raw: ops.RawStat, there: Stats | undefined, options: CpOptions): Steps<void> {
  if (!options.recursive) {
    throw systemError('ERR_FS_EISDIR', 21, 'Recursive option not enabled, cannot copy a directory', 'cp', source, `EISDIR (${source} is a directory (not copied))`);
  }
  if (there && !there.isDirectory()) {
    throw systemError('ERR_FS_CP_DIR_TO_NON_DIR', 21, 'Cannot overwrite non-directory with directory', 'cp', dest, `EISDIR (cannot overwrite non-directory ${dest} with directory ${source})`);
  }
  if (`${normalized(dest)}/`.startsWith(`${normalized(source)}/`)) {
    throw systemError('ERR_FS_CP_EINVAL', 22, 'Invalid src or dest', 'cp', dest, `EINVAL (cannot copy ${source} to a subdirectory of self ${dest})`);
  }
  if (!there) yield* mkdir(dest, { recursive: true, mode: raw[2]! & 0o7777 });
  for (const name of (yield* step(ops.list(source))).names) yield* cp(join(source, name), join(dest, name), options);
}

function* copyLeaf(source: string, dest: string, type: number, there: Stats | undefined, options: CpOptions): Steps<void> {
  if (there?.isDirectory()) {
    throw systemError('ERR_FS_CP_NON_DIR_TO_DIR', 20, 'Cannot overwrite directory with non-directory', 'cp', dest, `ENOTDIR (cannot overwrite directory ${dest} with non-directory ${source})`);
  }
  if (there && options.force === false) {
    if (!options.errorOnExist) return;
    throw systemError('ERR_FS_CP_EEXIST', 17, 'Target already exists', 'cp', dest, `EEXIST (${dest} already exists)`);
  }
  if (!there) yield* mkdir(dirname(dest), { recursive: true });
  if (type !== constants.S_IFLNK) return yield* copyFile(source, dest, options.mode ?? 0);
  let says = (yield* readlink(source)) as string;
  if (!options.verbatimSymlinks && !says.startsWith('/')) says = normalized(join(dirname(source), says));
  for (;;) {
    try {
      return yield* symlink(says, dest);
    } catch (error) {
      if (!isError(error, 'EEXIST')) throw error;
      yield* unlink(dest);
    }
  }
}
