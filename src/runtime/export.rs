//! The runtime's door to JavaScript: processes and pipes; the functions of WASI are in `export/calls.rs`.
//!
//! Configurations, bytes of pipes and captured output go through the calling thread's frame, which
//! `fs::export` keeps. An export answers 0, an error's number, or one of the statuses below.

pub mod calls;
mod start;

use super::pipe::{CAPACITY, Flow, Pipe};
use super::process::Runtime;
use super::wasi::Halt;
use crate::error::{Error, Kind};
use crate::fs::export::{AGAIN, attend, input, tell, tell_bytes};
use crate::sync::lock::Lock;
use crate::sys::{fault, thread};

/// Status: nothing now; sleep on the bell, then call again. Number 0 of a process's call: for how
/// many milliseconds at most, negative for no end.
const SLEEP: u32 = 0x2_0000;

/// Status: the process has ended (number 0: its exit code), or the pipe's other side is gone.
const ENDED: u32 = 0x3_0000;

/// Status: done, but the guest must not see that before the ticket of the frame is settled.
const DURABLE: u32 = 0x4_0000;

static RUNTIME: Lock<Runtime> = Lock::new(Runtime::new());

/// Starts a process as the input of `len` bytes says (see `start.rs`). Number 0: its number; after
/// a failure, which preopen it is about, or -1.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_process_start(len: usize) -> u32 {
    let _inside = thread::enter();
    let Some(config) = start::decode(&input(0, len)) else {
        return fault::keep(Error::new(Kind::InvalidArgument, "not a process's configuration"));
    };
    let mut about = None;
    let mut runtime = RUNTIME.lock();
    let started = attend(&mut |fs| match runtime.start(fs, &config) {
        Ok(pid) => {
            tell(0, &[f64::from(pid)]);
            Ok(())
        }
        Err((preopen, stop)) => {
            about = preopen;
            Err(stop)
        }
    });
    match started {
        Ok(true) => 0,
        Ok(false) => AGAIN,
        Err(error) => {
            tell(0, &[about.map_or(-1.0, |at| at as f64)]);
            fault::keep(error)
        }
    }
}

/// Ends a process.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_process_end(pid: u32, code: u32) {
    let _inside = thread::enter();
    RUNTIME.lock().end(pid, code);
}

/// Ends and forgets a process and closes its files.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_process_free(pid: u32) -> u32 {
    let _inside = thread::enter();
    let mut runtime = RUNTIME.lock();
    let done = attend(&mut |fs| {
        runtime.free(pid, fs);
        Ok(())
    });
    done.map_or_else(fault::keep, |_| 0)
}

/// Address of the word that rings for a process; 0 if it is not there.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_process_bell(pid: u32) -> usize {
    let _inside = thread::enter();
    RUNTIME.lock().bell(pid).map_or(0, |bell| bell.address().addr())
}

/// Takes what has been captured of descriptor `fd`, 1 or 2, as the answer's bytes.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_process_captured(pid: u32, fd: u32) {
    let _inside = thread::enter();
    let bytes = RUNTIME.lock().take_captured(pid, fd.wrapping_sub(1) as usize);
    tell_bytes(bytes);
}

/// Makes a pipe of `capacity` bytes, or 64 KiB for 0; its number, 0 if there is no memory.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_pipe_make(capacity: usize) -> u32 {
    let _inside = thread::enter();
    let capacity = if capacity == 0 { CAPACITY } else { capacity };
    RUNTIME.lock().make_pipe(capacity).unwrap_or(0)
}

/// Address of the word that rings at every change of a pipe; 0 if it is not there.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_pipe_bell(pipe: u32) -> usize {
    let _inside = thread::enter();
    let mut at = 0;
    RUNTIME.lock().with_pipe(pipe, &mut |pipe| {
        at = pipe.bell().address().addr();
        false
    });
    at
}

/// Writes bytes of the input from `from` to `to`, as many as there is room for; number 0: how many.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_pipe_write(pipe: u32, from: usize, to: usize) -> u32 {
    let _inside = thread::enter();
    let bytes = input(from, to.saturating_sub(from));
    flow(pipe, &mut |pipe| {
        let mut rest = bytes.as_slice();
        pipe.write(rest.len(), &mut |to| {
            let (now, later) = rest.split_at(to.len());
            to.copy_from_slice(now);
            rest = later;
        })
    })
}

/// Reads up to `most` bytes as the answer's bytes; number 0: how many.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_pipe_read(pipe: u32, most: usize) -> u32 {
    let _inside = thread::enter();
    let mut bytes = Vec::new();
    let status = flow(pipe, &mut |pipe| pipe.read(most, &mut |some| bytes.extend_from_slice(some)));
    tell_bytes(bytes);
    status
}

fn flow(pipe: u32, visit: &mut dyn FnMut(&mut Pipe) -> Flow) -> u32 {
    let mut status = ENDED;
    RUNTIME.lock().with_pipe(pipe, &mut |pipe| {
        let flow = visit(pipe);
        status = match flow {
            Flow::Moved(count) => {
                tell(0, &[count as f64]);
                0
            }
            Flow::Blocked => SLEEP,
            Flow::Closed => ENDED,
        };
        matches!(flow, Flow::Moved(count) if count > 0)
    });
    status
}

/// The page gives an end of a pipe up: 0 the reading end, 1 the writing end; 2: the pipe goes.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_pipe_close(pipe: u32, what: u32) {
    let _inside = thread::enter();
    let mut runtime = RUNTIME.lock();
    if what > 1 {
        return runtime.free_pipe(pipe);
    }
    runtime.with_pipe(pipe, &mut |pipe| {
        if what == 0 {
            pipe.page_stops_reading();
        } else {
            pipe.page_stops_writing();
        }
        true
    });
}

/// The status of a call that has halted.
fn status(halt: Halt) -> u32 {
    match halt {
        Halt::Errno(errno) => u32::from(errno.0),
        Halt::Sleep(time) => {
            tell(0, &[time.map_or(-1.0, |time| time.as_secs_f64() * 1000.0)]);
            SLEEP
        }
        Halt::Ended(code) => {
            tell(0, &[f64::from(code)]);
            ENDED
        }
        Halt::Files(_) => AGAIN,
    }
}
