/** The constants of `node:fs`, with the numbers that Linux gives them, and the flags of `open`. */

import { badValue, integer } from './errors.js';
import { Open } from './ops.js';

/** As `fs.constants` in Node.js on Linux. */
export const constants = Object.freeze({
  F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1,
  COPYFILE_EXCL: 1, COPYFILE_FICLONE: 2, COPYFILE_FICLONE_FORCE: 4,
  O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 0o100, O_EXCL: 0o200, O_TRUNC: 0o1000, O_APPEND: 0o2000,
  O_NOCTTY: 0o400, O_NONBLOCK: 0o4000, O_DIRECT: 0o40000, O_NOATIME: 0o1000000,
  O_DSYNC: 0o10000, O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000, O_SYNC: 0o4010000,
  S_IFMT: 0o170000, S_IFREG: 0o100000, S_IFDIR: 0o040000, S_IFLNK: 0o120000,
  S_IFCHR: 0o020000, S_IFBLK: 0o060000, S_IFIFO: 0o010000, S_IFSOCK: 0o140000,
  S_IRWXU: 0o700, S_IRUSR: 0o400, S_IWUSR: 0o200, S_IXUSR: 0o100,
  S_IRWXG: 0o070, S_IRGRP: 0o040, S_IWGRP: 0o020, S_IXGRP: 0o010,
  S_IRWXO: 0o007, S_IROTH: 0o004, S_IWOTH: 0o002, S_IXOTH: 0o001,
  UV_FS_COPYFILE_EXCL: 1, UV_DIRENT_UNKNOWN: 0, UV_DIRENT_FILE: 1, UV_DIRENT_DIR: 2, UV_DIRENT_LINK: 3,
  UV_DIRENT_FIFO: 4, UV_DIRENT_SOCKET: 5, UV_DIRENT_CHAR: 6, UV_DIRENT_BLOCK: 7, UV_FS_COPYFILE_FICLONE: 2, UV_FS_COPYFILE_FICLONE_FORCE: 4,
});

/** How a file is opened: `r`, `w+`, …, or the numbers of `constants`. */
export type OpenMode = string | number;

const MODES: Record<string, number> = {
  r: 0,
  'r+': Open.write,
  w: Open.write | Open.create | Open.truncate,
  a: Open.write | Open.create | Open.append,
};

/** The kernel's flags for those of Node.js. */
export function openFlags(flags: OpenMode | null | undefined): number {
  if (flags === undefined || flags === null) return Open.read;
  if (typeof flags === 'number') return fromNumber(integer('flags', flags, -(2 ** 31), 2 ** 31 - 1));
  if (typeof flags !== 'string') throw badValue('flags', flags);
  const letters = flags.replace(/[xs]/g, '');
  const base = MODES[letters] ?? MODES[letters.replace('+', '')];
  if (base === undefined) throw badValue('flags', flags);
  const reads = letters === 'r' || letters.includes('+');
  return base | (reads ? Open.read : 0) | (flags.includes('x') ? Open.exclusive : 0) | (flags.includes('s') ? Open.sync : 0);
}

function fromNumber(flags: number): number {
  const { O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_DSYNC } = constants;
  const way = flags & 3;
  const pairs: [number, number][] = [
    [O_CREAT, Open.create], [O_EXCL, Open.exclusive], [O_TRUNC, Open.truncate], [O_APPEND, Open.append],
    [O_DIRECTORY, Open.directory], [O_NOFOLLOW, Open.noFollow], [O_DSYNC, Open.sync],
  ];
  let made = (way !== 1 ? Open.read : 0) | (way !== 0 ? Open.write : 0);
  for (const [theirs, ours] of pairs) if (flags & theirs) made |= ours;
  return made;
}

/** The permission bits of a mode given as a number or in octal digits. */
export function modeOf(mode: number | string | null | undefined, otherwise?: number): number {
  mode ??= otherwise;
  if (typeof mode === 'string' && !/^[0-7]+$/.test(mode)) throw badValue('mode', mode, 'must be a 32-bit unsigned integer or an octal string');
  return integer('mode', typeof mode === 'string' ? Number.parseInt(mode, 8) : mode, 0, 2 ** 32 - 1) & 0o7777;
}
