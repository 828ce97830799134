// WASI guests in WebAssembly text, for the tests of programs: each is as small as what it shows.
import { wat } from '/tests/pages/lib/wat.mjs';

const from = (text) => {
  let bytes;
  return async () => (bytes ??= await wat(text));
};

const WASI = (names) => {
  const types = {
    fd_read: '(param i32 i32 i32 i32) (result i32)', fd_write: '(param i32 i32 i32 i32) (result i32)',
    proc_exit: '(param i32)', args_sizes_get: '(param i32 i32) (result i32)', args_get: '(param i32 i32) (result i32)',
    environ_sizes_get: '(param i32 i32) (result i32)', environ_get: '(param i32 i32) (result i32)',
    path_open: '(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)', fd_close: '(param i32) (result i32)',
  };
  return names.map((name) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${types[name]}))`).join('\n');
};

/** Copies its input to its output, all of it. */
export const cat = from(`(module ${WASI(['fd_read', 'fd_write'])} (memory (export "memory") 2)
  (func (export "_start") (local $at i32) (local $left i32)
    (block $done (loop $on
      (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 32768))
      (br_if $done (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $done (i32.eqz (local.tee $left (i32.load (i32.const 8)))))
      (local.set $at (i32.const 1024))
      (loop $more
        (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $left))
        (br_if $done (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
        (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.load (i32.const 8))))))
      (br $on)))))`);

/** Writes its arguments, each with its zero, to its output, and its environment likewise to its errors. */
export const told = from(`(module ${WASI(['fd_write', 'args_sizes_get', 'args_get', 'environ_sizes_get', 'environ_get'])}
  (memory (export "memory") 2)
  (func $put (param $fd i32) (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.load (i32.const 20)))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 1024) (i32.const 8192))) (call $put (i32.const 1))
    (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $environ_get (i32.const 1024) (i32.const 8192))) (call $put (i32.const 2))))`);

/** Exits with the number of its arguments. */
export const exits = from(`(module ${WASI(['proc_exit', 'args_sizes_get'])} (memory (export "memory") 1)
  (func (export "_start") (drop (call $args_sizes_get (i32.const 0) (i32.const 4))) (call $proc_exit (i32.load (i32.const 0)))))`);

/** Writes "before" and then traps (no argument), recurses (one), spins (two), or writes for ever (three). */
export const wild = from(`(module ${WASI(['fd_write', 'args_sizes_get'])} (memory (export "memory") 1) (data (i32.const 64) "before\\n")
  (func $write (result i32)
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 7))
    (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
  (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func (export "_start") (local $what i32)
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (local.set $what (i32.load (i32.const 16)))
    (drop (call $write))
    (if (i32.eqz (local.get $what)) (then unreachable))
    (if (i32.eq (local.get $what) (i32.const 1)) (then (drop (call $deep (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 2)) (then (loop $on (br $on))))
    (loop $on (br_if $on (i32.eqz (call $write))))))`);

/** Exits with the file types of its three streams, four bits each. */
export const kinds = from(`(module
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $stat (param i32 i32) (result i32))) ${WASI(['proc_exit'])} (memory (export "memory") 1)
  (func $kind (param i32) (result i32) (drop (call $stat (local.get 0) (i32.const 0))) (i32.load8_u (i32.const 0)))
  (func (export "_start") (call $proc_exit (i32.or (call $kind (i32.const 0)) (i32.or
    (i32.shl (call $kind (i32.const 1)) (i32.const 4)) (i32.shl (call $kind (i32.const 2)) (i32.const 8)))))))`);

/** Grows until it may not, touches every page, and steps beyond. */
export const greedy = from(`(module (memory (export "memory") 1 256) (func (export "_start") (local $at i32)
  (loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (loop $touch (i32.store (local.get $at) (i32.const -1)) (local.set $at (i32.add (local.get $at) (i32.const 65536))) (br $touch))))`);

/** Opens its directory again and again until it may not, and exits with why. */
export const hoarder = from(`(module ${WASI(['path_open', 'proc_exit'])} (memory (export "memory") 1) (data (i32.const 64) ".")
  (func (export "_start") (local $why i32)
    (loop $on (br_if $on (i32.eqz (local.tee $why
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8))))))
    (call $proc_exit (local.get $why))))`);

/** Writes what is nowhere a million times over, closes everything that it may have, and exits with the last answer. */
export const liar = from(`(module ${WASI(['fd_write', 'fd_close', 'proc_exit'])} (memory (export "memory") 1)
  (func (export "_start") (local $n i32) (local $why i32)
    (i32.store (i32.const 0) (i32.const -4096)) (i32.store (i32.const 4) (i32.const -1))
    (loop $on
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $fd_write (i32.const 1) (local.get $n) (i32.const 1024) (i32.const -1)))
      (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))
    (loop $close
      (local.set $why (call $fd_close (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (br_if $close (local.get $n)))
    (call $proc_exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 8)))))`);

/** A library with files: counts its initialisations; \`open\` opens "hello.txt" in its first directory, \`say\` writes a line. */
export const reactor = from(`(module ${WASI(['path_open', 'fd_read', 'fd_close', 'fd_write'])} (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0)) (data (i32.const 64) "hello.txt") (data (i32.const 96) "said\\n")
  (func (export "_initialize") (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
  (func (export "ready") (result i32) (global.get $ready))
  (func (export "open") (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
  (func (export "read") (result i32)
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1000))
    (drop (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func (export "say")
    (i32.store (i32.const 0) (i32.const 96)) (i32.store (i32.const 4) (i32.const 5))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`);

/**
 * Starts as many threads as it has arguments beside the first; each adds 1,000 to a sum. The first
 * argument's letter says what then happens: "r" all return, "x" a thread exits with 7 while the others
 * wait for ever, "t" one traps while the others spin, "m" the first returns while the others spin.
 */
export const threads = from(`(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  ${WASI(['proc_exit', 'args_sizes_get', 'args_get'])}
  (import "somewhere" "its memory" (memory 2 16 shared)) (export "memory" (memory 0))
  (func $letter (result i32) (i32.load8_u (i32.load (i32.const 1024))))
  (func (export "wasi_thread_start") (param $tid i32) (param $arg i32)
    (local $n i32)
    (loop $on
      (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
      (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
    (if (i32.eq (call $letter) (i32.const 116)) (then
      (if (i32.eq (local.get $arg) (i32.const 1)) (then unreachable))
      (loop $spin (br $spin))))
    (if (i32.eq (call $letter) (i32.const 109)) (then (loop $spin (br $spin))))
    (if (i32.eq (call $letter) (i32.const 120)) (then
      (if (i32.eq (local.get $arg) (i32.const 1)) (then (call $proc_exit (i32.const 7))))
      (drop (memory.atomic.wait32 (i32.const 80) (i32.const 0) (i64.const -1)))))
    (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 72) (i32.const -1))))
  (func (export "_start") (local $count i32) (local $i i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 1024) (i32.const 2048)))
    (local.set $count (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
    (loop $on
      (if (i32.lt_u (local.get $i) (local.get $count)) (then
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then (call $proc_exit (i32.const 99))))
        (br $on))))
    (if (i32.eq (call $letter) (i32.const 109)) (then (return)))
    (if (i32.ne (call $letter) (i32.const 114)) (then
      (drop (memory.atomic.wait32 (i32.const 80) (i32.const 0) (i64.const -1)))))
    (loop $wait
      (drop (memory.atomic.wait32 (i32.const 72) (local.tee $i (i32.atomic.load (i32.const 72))) (i64.const 1000000)))
      (br_if $wait (i32.lt_u (i32.atomic.load (i32.const 72)) (local.get $count))))
    (call $proc_exit (i32.div_u (i32.atomic.load (i32.const 64)) (i32.const 1000)))))`);
