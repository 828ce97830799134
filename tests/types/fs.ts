/** The types of `isolith/fs` satisfy those of `node:fs/promises`: where Node.js has a Buffer, here is a Uint8Array. */
/// <reference types="node" />

import type * as node from 'node:fs/promises';
import type * as callbacks from 'node:fs';
import { type FileHandle, fs, type FsPromises, promises } from 'isolith/fs';
import { expectType, type Same } from './expect.js';

// Whole functions, with all their overloads.
const whole: Pick<
  typeof node,
  | 'access' | 'appendFile' | 'chmod' | 'chown' | 'copyFile' | 'cp' | 'lchmod' | 'lchown' | 'link' | 'lutimes' | 'rename' | 'rm' | 'rmdir'
  | 'symlink' | 'truncate' | 'unlink' | 'utimes'
> = promises;

// Those of which some overloads answer Buffers: all calls of the others.
type Text = BufferEncoding | { encoding: BufferEncoding };
const mkdir: (path: callbacks.PathLike, options?: callbacks.Mode | (callbacks.MakeDirectoryOptions & { recursive?: false }) | null) => Promise<void> = promises.mkdir;
const mkdirs: (path: callbacks.PathLike, options: callbacks.MakeDirectoryOptions & { recursive: true }) => Promise<string | undefined> = promises.mkdir;
const mkdtemp: (prefix: string, options?: callbacks.ObjectEncodingOptions | BufferEncoding | null) => Promise<string> = promises.mkdtemp;
const readlink: (path: callbacks.PathLike, options?: callbacks.ObjectEncodingOptions | BufferEncoding | null) => Promise<string> = promises.readlink;
const realpath: (path: callbacks.PathLike, options?: callbacks.ObjectEncodingOptions | BufferEncoding | null) => Promise<string> = promises.realpath;
const readdir: (path: callbacks.PathLike, options?: (callbacks.ObjectEncodingOptions & { withFileTypes?: false; recursive?: boolean }) | BufferEncoding | null) => Promise<string[]> = promises.readdir;
const entries: (path: callbacks.PathLike, options: callbacks.ObjectEncodingOptions & { withFileTypes: true; recursive?: boolean }) => Promise<callbacks.Dirent[]> = promises.readdir;
const readText: (path: callbacks.PathLike, options: Text & (string | { flag?: callbacks.OpenMode; signal?: AbortSignal })) => Promise<string> = promises.readFile;
const readBytes: (path: callbacks.PathLike, options?: { encoding?: null; flag?: callbacks.OpenMode; signal?: AbortSignal } | null) => Promise<Uint8Array> = promises.readFile;
const stat: (path: callbacks.PathLike, options?: callbacks.StatOptions & { bigint?: false }) => Promise<callbacks.Stats> = promises.stat;
const bigStat: (path: callbacks.PathLike, options: callbacks.StatOptions & { bigint: true }) => Promise<callbacks.BigIntStats> = promises.stat;
const lstat: (path: callbacks.PathLike, options?: callbacks.StatOptions & { bigint?: false }) => Promise<callbacks.Stats> = promises.lstat;
const statfs: (path: callbacks.PathLike, options?: { bigint?: false }) => Promise<callbacks.StatsFs> = promises.statfs;
const bigStatfs: (path: callbacks.PathLike, options: { bigint: true }) => Promise<callbacks.BigIntStatsFs> = promises.statfs;
const writeFile: (path: callbacks.PathLike, data: string | NodeJS.ArrayBufferView | Iterable<string | NodeJS.ArrayBufferView> | AsyncIterable<string | NodeJS.ArrayBufferView>, options?: (callbacks.ObjectEncodingOptions & { mode?: callbacks.Mode; flag?: callbacks.OpenMode; signal?: AbortSignal }) | BufferEncoding | null) => Promise<void> = promises.writeFile;
const watch: (path: callbacks.PathLike, options?: { recursive?: boolean; signal?: AbortSignal; persistent?: boolean; encoding?: BufferEncoding } | BufferEncoding) => AsyncIterable<{ eventType: string; filename: string | null }> = promises.watch;

// Open files and directories: all but what needs streams, events, or the terminal of Node.js.
type NodeHandle = node.FileHandle;
declare const handle: FileHandle;
const ours: Pick<NodeHandle, 'fd' | 'appendFile' | 'chmod' | 'chown' | 'close' | 'datasync' | 'readv' | 'sync' | 'truncate' | 'utimes' | 'writev' | 'writeFile'> = handle;
const read: (buffer: Uint8Array, offset?: number | null, length?: number | null, position?: number | null) => Promise<{ bytesRead: number; buffer: Uint8Array }> = (buffer, offset, length, position) => handle.read(buffer, offset, length, position);
const write: (data: string, position?: number | null, encoding?: BufferEncoding | null) => Promise<{ bytesWritten: number; buffer: string }> = (...args) => handle.write(...args);
const lines: () => AsyncIterable<string> = handle.readLines.bind(handle);
const dispose: () => Promise<void> = handle[Symbol.asyncDispose].bind(handle);
declare const dir: Awaited<ReturnType<FsPromises['opendir']>>;
const directory: Pick<callbacks.Dir, 'path' | 'readSync' | 'closeSync' | 'read' | 'close'> & AsyncIterable<callbacks.Dirent> = dir;

// What each call answers.
expectType<Same<Awaited<ReturnType<typeof text>>, string>>();
const text = () => promises.readFile('/f', 'utf8');
expectType<Same<Awaited<ReturnType<typeof bytes>>, Uint8Array<ArrayBuffer>>>();
const bytes = () => promises.readFile('/f');

// Callbacks are typed by what the promise would have answered, and calls without one stay promises.
fs.stat('/f', (error, found) => expectType<Same<typeof found.size, number>>());
fs.readFile('/f', 'utf8', (error, found) => expectType<Same<typeof found, string>>());
fs.readFile('/f', (error, found) => expectType<Same<typeof found, Uint8Array<ArrayBuffer>>>());
fs.open('/f', 'r', (error, fd) => fs.read(fd, new Uint8Array(1), (error, bytesRead) => expectType<Same<typeof bytesRead, number>>()));
expectType<Same<Awaited<ReturnType<typeof promised>>, void>>();
const promised = () => fs.unlink('/f');
// @ts-expect-error a path is not a number of bytes
void fs.promises.truncate(5);

void [whole, mkdir, mkdirs, mkdtemp, readlink, realpath, readdir, entries, readText, readBytes, stat, bigStat, lstat, statfs, bigStatfs, writeFile, watch, ours, read, write, lines, dispose, directory];
