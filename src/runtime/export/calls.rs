//! The functions of WASI as plain exports: the process first, then the guest's arguments.
//!
//! Each answers an error number of WASI, or one of the statuses of `export.rs`.

use super::{DURABLE, RUNTIME, status};
use crate::fs::export::{AGAIN, attend, tell_ticket};
use crate::runtime::errno::Errno;
use crate::runtime::guest::Guest;
use crate::runtime::wasi::abi::rights;
use crate::runtime::wasi::open::Open;
use crate::runtime::wasi::path::At;
use crate::runtime::wasi::{Abi, Call, Clock, Halt, Step};
use crate::sys::{clock, thread};
use wasm_bindgen::prelude::wasm_bindgen;

// The loader puts JavaScript's functions of the same names here: they move bytes between the
// kernel and the memory of the guest whose call is running, and must not throw.
#[wasm_bindgen]
extern "C" {
    fn isolith_guest_holds(bytes: f64) -> u32;
    fn isolith_guest_get(from: u32, to: *mut u8, len: usize) -> u32;
    fn isolith_guest_put(from: *const u8, to: u32, len: usize) -> u32;
    fn isolith_guest_random(to: u32, len: u32) -> u32;
}

/// The guest whose call is running on this thread.
#[derive(Debug)]
struct Running;

impl Guest for Running {
    fn holds(&self, bytes: u64) -> bool {
        isolith_guest_holds(bytes as f64) != 0
    }

    fn get(&self, from: u32, to: &mut [u8]) -> bool {
        isolith_guest_get(from, to.as_mut_ptr(), to.len()) != 0
    }

    fn put(&mut self, from: &[u8], to: u32) -> bool {
        isolith_guest_put(from.as_ptr(), to, from.len()) != 0
    }

    fn random(&mut self, to: u32, len: u32) -> bool {
        isolith_guest_random(to, len) != 0
    }

    fn time(&self, clock: Clock) -> u64 {
        let time = match clock {
            Clock::Real => clock::wall(),
            Clock::Monotonic => clock::shared(),
        };
        time.as_nanos() as u64
    }

    fn resolution(&self, clock: Clock) -> u64 {
        match clock {
            Clock::Real => 1_000_000,
            Clock::Monotonic => clock::step().as_nanos() as u64,
        }
    }
}

/// Runs a function for a process; by reference, so that there is one copy of this in the module.
fn call(pid: u32, op: &mut dyn FnMut(&mut Call<'_>) -> Step<()>) -> u32 {
    let _inside = thread::enter();
    let mut runtime = RUNTIME.lock();
    let mut halted = None;
    let mut durable = None;
    let attended = attend(&mut |fs| {
        let done = runtime.call(pid, fs, &mut Running, &mut |call| {
            let done = op(call);
            durable = call.durable;
            done
        });
        match done {
            Ok(()) => {}
            Err(Halt::Files(stop)) => return Err(stop),
            Err(halt) => halted = Some(halt),
        }
        Ok(())
    });
    match (attended, halted, durable) {
        (Err(error), ..) => u32::from(Errno::from(error.kind()).0),
        (Ok(false), ..) => AGAIN,
        (_, Some(halt), _) => status(halt),
        (_, _, Some(ticket)) => {
            tell_ticket(ticket);
            DURABLE
        }
        _ => 0,
    }
}

const fn abi(unstable: u32) -> Abi {
    if unstable == 0 { Abi::Preview1 } else { Abi::Unstable }
}

/// Nanoseconds on the monotonic clock, to begin a poll with.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_wasi_now() -> u64 {
    Running.time(Clock::Monotonic)
}

macro_rules! exports {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) = |$call:ident| $body:expr;)*) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            pub extern "C-unwind" fn $name(pid: u32, $($arg: $kind),*) -> u32 {
                call(pid, &mut |$call| $body)
            }
        )*
    };
}

exports! {
    /// `args_sizes_get`.
    isolith_wasi_args_sizes_get(count: u32, bytes: u32) = |call| call.args_sizes_get(count, bytes);
    /// `args_get`.
    isolith_wasi_args_get(list: u32, bytes: u32) = |call| call.args_get(list, bytes);
    /// `environ_sizes_get`.
    isolith_wasi_environ_sizes_get(count: u32, bytes: u32) =
        |call| call.environ_sizes_get(count, bytes);
    /// `environ_get`.
    isolith_wasi_environ_get(list: u32, bytes: u32) = |call| call.environ_get(list, bytes);
    /// `clock_res_get`.
    isolith_wasi_clock_res_get(clock: u32, to: u32) = |call| call.clock_res_get(clock, to);
    /// `clock_time_get`.
    isolith_wasi_clock_time_get(clock: u32, to: u32) = |call| call.clock_time_get(clock, to);
    /// `random_get`.
    isolith_wasi_random_get(to: u32, len: u32) = |call| call.random_get(to, len);
    /// `fd_advise`.
    isolith_wasi_fd_advise(fd: u32, advice: u32) = |call| call.fd_advise(fd, advice);
    /// `fd_allocate`.
    isolith_wasi_fd_allocate(fd: u32, offset: u64, len: u64) =
        |call| call.fd_allocate(fd, offset, len);
    /// `fd_close`.
    isolith_wasi_fd_close(fd: u32) = |call| call.fd_close(fd);
    /// `fd_datasync`.
    isolith_wasi_fd_datasync(fd: u32) = |call| call.fd_sync(fd, rights::FD_DATASYNC);
    /// `fd_sync`.
    isolith_wasi_fd_sync(fd: u32) = |call| call.fd_sync(fd, rights::FD_SYNC);
    /// `fd_fdstat_get`.
    isolith_wasi_fd_fdstat_get(fd: u32, to: u32) = |call| call.fd_fdstat_get(fd, to);
    /// `fd_fdstat_set_flags`.
    isolith_wasi_fd_fdstat_set_flags(fd: u32, flags: u32) =
        |call| call.fd_fdstat_set_flags(fd, flags);
    /// `fd_fdstat_set_rights`.
    isolith_wasi_fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) =
        |call| call.fd_fdstat_set_rights(fd, base, inheriting);
    /// `fd_filestat_get`.
    isolith_wasi_fd_filestat_get(fd: u32, to: u32, unstable: u32) =
        |call| call.fd_filestat_get(fd, to, abi(unstable));
    /// `fd_filestat_set_size`.
    isolith_wasi_fd_filestat_set_size(fd: u32, size: u64) =
        |call| call.fd_filestat_set_size(fd, size);
    /// `fd_filestat_set_times`.
    isolith_wasi_fd_filestat_set_times(fd: u32, atime: u64, mtime: u64, flags: u32) =
        |call| call.fd_filestat_set_times(fd, atime, mtime, flags);
    /// `fd_read`.
    isolith_wasi_fd_read(fd: u32, list: u32, count: u32, to: u32) =
        |call| call.fd_read(fd, list, count, to);
    /// `fd_pread`.
    isolith_wasi_fd_pread(fd: u32, list: u32, count: u32, offset: u64, to: u32) =
        |call| call.fd_pread(fd, list, count, offset, to);
    /// `fd_write`.
    isolith_wasi_fd_write(fd: u32, list: u32, count: u32, to: u32) =
        |call| call.fd_write(fd, list, count, to);
    /// `fd_pwrite`.
    isolith_wasi_fd_pwrite(fd: u32, list: u32, count: u32, offset: u64, to: u32) =
        |call| call.fd_pwrite(fd, list, count, offset, to);
    /// `fd_prestat_get`.
    isolith_wasi_fd_prestat_get(fd: u32, to: u32) = |call| call.fd_prestat_get(fd, to);
    /// `fd_prestat_dir_name`.
    isolith_wasi_fd_prestat_dir_name(fd: u32, to: u32, len: u32) =
        |call| call.fd_prestat_dir_name(fd, to, len);
    /// `fd_readdir`.
    isolith_wasi_fd_readdir(fd: u32, at: u32, len: u32, cookie: u64, to: u32) =
        |call| call.fd_readdir(fd, at, len, cookie, to);
    /// `fd_renumber`.
    isolith_wasi_fd_renumber(from: u32, to: u32) = |call| call.fd_renumber(from, to);
    /// `fd_seek`.
    isolith_wasi_fd_seek(fd: u32, offset: i64, whence: u32, to: u32, unstable: u32) =
        |call| call.fd_seek(fd, offset, whence, to, abi(unstable));
    /// `fd_tell`.
    isolith_wasi_fd_tell(fd: u32, to: u32) = |call| call.fd_tell(fd, to);
    /// `path_create_directory`.
    isolith_wasi_path_create_directory(dir: u32, path: u32, len: u32) =
        |call| call.path_create_directory(At { dir, path, len });
    /// `path_filestat_get`.
    isolith_wasi_path_filestat_get(
        dir: u32, lookup: u32, path: u32, len: u32, to: u32, unstable: u32
    ) = |call| call.path_filestat_get(At { dir, path, len }, lookup, to, abi(unstable));
    /// `path_filestat_set_times`.
    isolith_wasi_path_filestat_set_times(
        dir: u32, lookup: u32, path: u32, len: u32, atime: u64, mtime: u64, flags: u32
    ) = |call| call.path_filestat_set_times(At { dir, path, len }, lookup, atime, mtime, flags);
    /// `path_link`.
    isolith_wasi_path_link(
        from: u32, lookup: u32, old: u32, old_len: u32, to: u32, new: u32, new_len: u32
    ) = |call| call.path_link(
        At { dir: from, path: old, len: old_len },
        lookup,
        At { dir: to, path: new, len: new_len },
    );
    /// `path_open`; what rights are to be inherited does not count.
    isolith_wasi_path_open(
        dir: u32, lookup: u32, path: u32, len: u32, how: u32, base: u64, flags: u32, to: u32
    ) = |call| call.path_open(&Open { dir, lookup, path, len, how, base, flags, to });
    /// `path_readlink`.
    isolith_wasi_path_readlink(dir: u32, path: u32, len: u32, at: u32, room: u32, to: u32) =
        |call| call.path_readlink(At { dir, path, len }, at, room, to);
    /// `path_remove_directory`.
    isolith_wasi_path_remove_directory(dir: u32, path: u32, len: u32) =
        |call| call.path_remove_directory(At { dir, path, len });
    /// `path_rename`.
    isolith_wasi_path_rename(from: u32, old: u32, old_len: u32, to: u32, new: u32, new_len: u32) =
        |call| call.path_rename(
            At { dir: from, path: old, len: old_len },
            At { dir: to, path: new, len: new_len },
        );
    /// `path_symlink`.
    isolith_wasi_path_symlink(target: u32, target_len: u32, dir: u32, path: u32, len: u32) =
        |call| call.path_symlink(target, target_len, At { dir, path, len });
    /// `path_unlink_file`.
    isolith_wasi_path_unlink_file(dir: u32, path: u32, len: u32) =
        |call| call.path_unlink_file(At { dir, path, len });
    /// `poll_oneoff`, with the moment that it began.
    isolith_wasi_poll_oneoff(
        list: u32, events: u32, count: u32, to: u32, since: u64, unstable: u32
    ) = |call| call.poll_oneoff(list, events, count, to, since, abi(unstable));
    /// `proc_exit`.
    isolith_wasi_proc_exit(code: u32) = |call| call.proc_exit(code);
    /// `proc_raise`.
    isolith_wasi_proc_raise(signal: u32) = |call| call.proc_raise(signal);
    /// The functions of sockets.
    isolith_wasi_sock(fd: u32) = |call| call.not_a_socket(fd);
}
