//! The filesystem's door to JavaScript: plain exports, numbers in, numbers and bytes out.
//!
//! Every thread of the memory calls the same exports on the one filesystem behind a lock. Paths and
//! other bytes come in the calling thread's input buffer, answers stand in its [`Frame`]. File
//! contents do not pass through either: JavaScript copies them between its own arrays and the
//! cache while the lock is held, one copy each way.
//!
//! An export answers 0, an error's number (the error is then in `sys::fault`), or [`AGAIN`]: what
//! is missing has been asked for at the desk; wait for its next tick, then call again.

pub mod attributes;
pub mod calls;
mod desk;
pub mod service;
pub mod watching;

use super::step::{Step, Stop};
use super::{Env, Fs, Ticket};
use crate::error::{Error, Kind, Result};
use crate::sys::{fault, thread};
use desk::{DESK, Desk};
use std::cell::UnsafeCell;
use wasm_bindgen::prelude::wasm_bindgen;

// The loader puts JavaScript's functions of the same names here: they move bytes between the cache
// and the array that the running call works on, and must not throw.
#[wasm_bindgen]
extern "C" {
    /// The file to be read has this many bytes.
    fn isolith_fs_size(len: usize);
    /// Copies bytes of the cache out.
    fn isolith_fs_take(from: *const u8, len: usize);
    /// Copies bytes into the cache.
    fn isolith_fs_give(to: *mut u8, len: usize);
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
}

/// What an export answers when it must be called again after the desk's next tick.
pub(crate) const AGAIN: u32 = 0x1_0000;

/// What a call tells beside its status. One per thread; JavaScript reads it in place.
#[repr(C)]
struct Frame {
    output_at: *const u8,
    output_len: usize,
    numbers: [f64; 16],
    input: Vec<u8>,
    output: Vec<u8>,
}

std::thread_local! {
    static FRAME: UnsafeCell<Frame> = const { UnsafeCell::new(Frame {
        output_at: std::ptr::null(),
        output_len: 0,
        numbers: [0.0; 16],
        input: Vec::new(),
        output: Vec::new(),
    }) };
}

/// Lets `visit` use the calling thread's frame. Not to be nested.
fn frame<T>(visit: impl FnOnce(&mut Frame) -> T) -> T {
    FRAME.with(|cell| {
        // SAFETY: the cell is this thread's, no visitor calls this function, and JavaScript
        // touches the frame only between calls; so this is the only reference.
        visit(unsafe { &mut *cell.get() })
    })
}

/// Sets numbers of the answer from index `at` on.
pub(crate) fn tell(at: usize, numbers: &[f64]) {
    frame(|frame| frame.numbers[at..at + numbers.len()].copy_from_slice(numbers));
}

/// Sets the bytes of the answer.
pub(crate) fn tell_bytes(bytes: Vec<u8>) {
    frame(|frame| {
        frame.output = bytes;
        (frame.output_at, frame.output_len) = (frame.output.as_ptr(), frame.output.len());
    });
}

/// Where numbers 13 to 15 of an answer say whose change it was: store, inode, epoch.
const TICKET: usize = 13;

/// Tells whose change it was.
pub(crate) fn tell_ticket(ticket: Ticket) {
    let Ticket { node, epoch } = ticket;
    tell(TICKET, &[f64::from(node.store().number()), node.id() as f64, epoch as f64]);
}

/// The thread's input from `from`, `len` bytes, taken by copy: paths are short.
pub(crate) fn input(from: usize, len: usize) -> Vec<u8> {
    frame(|frame| frame.input.get(from..from + len).unwrap_or_default().to_vec())
}

/// Runs an operation on the filesystem; what it stops for is asked for at the desk.
///
/// By reference, so that there is one copy of this in the module and not one per export.
fn serve(op: &mut dyn FnMut(&mut Desk) -> Step<()>) -> u32 {
    match attend_desk(op) {
        Ok(true) => 0,
        Ok(false) => AGAIN,
        Err(error) => fault::keep(error),
    }
}

fn attend_desk(op: &mut dyn FnMut(&mut Desk) -> Step<()>) -> Result<bool> {
    let _inside = thread::enter();
    let mut desk = DESK.lock();
    let Some(desk) = desk.as_mut() else {
        return Err(Error::new(Kind::NotFound, "the filesystem has not started"));
    };
    match op(desk) {
        Ok(()) => Ok(true),
        Err(Stop::Fail(error)) => Err(error),
        Err(stop) => desk.ask(stop).map(|()| false),
    }
}

/// For the layers above: runs an operation on the filesystem. True if it is done; false if what
/// it stopped for has been asked for, to be run again after the desk's next tick.
///
/// # Errors
/// What the operation failed for, or what it needed and could not be had.
pub(crate) fn attend(op: &mut dyn FnMut(&mut Fs) -> Step<()>) -> Result<bool> {
    attend_desk(&mut |desk| op(&mut desk.fs))
}

/// The page's clock and random numbers.
#[derive(Debug)]
struct Browser {
    last: i64,
    random: super::Seeded,
}

impl Env for Browser {
    /// Milliseconds are all that the clock has: calls within one get a microsecond more each, so
    /// that later changes have later times, also as a double of milliseconds.
    fn now(&mut self) -> i64 {
        let now = (date_now() as i64).saturating_mul(1_000_000);
        self.last = now.max(self.last + 1000);
        self.last
    }

    fn random(&mut self) -> u64 {
        self.random.random()
    }
}

/// Address of the calling thread's [`Frame`]; stays the same.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_frame() -> *const u8 {
    FRAME.with(|cell| cell.get().cast_const().cast())
}

/// Address of the calling thread's input buffer, of at least `len` bytes; 0 without memory.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_input(len: usize) -> *mut u8 {
    let _inside = thread::enter();
    frame(|frame| {
        let more = len.saturating_sub(frame.input.len());
        if frame.input.try_reserve(more).is_err() {
            return std::ptr::null_mut();
        }
        frame.input.resize(frame.input.len() + more, 0);
        frame.input.as_mut_ptr()
    })
}

/// Gives the memory of large buffers of the calling thread back.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_trim() {
    let _inside = thread::enter();
    frame(|frame| {
        (frame.input, frame.output) = (Vec::new(), Vec::new());
        (frame.output_at, frame.output_len) = (std::ptr::null(), 0);
    });
}
