//! The heap's door to JavaScript: plain exports, so that the module serves any memory it is put on.
//!
//! Sizes and addresses are bytes as `u32`. A failed call leaves its error in `sys::fault`. Any
//! thread may call any of these; none blocks but for the heap's lock.

use super::global::{HEAP, leave, mine};
use super::stats::{Block, Stats};
use crate::error::{Error, Kind};
use crate::sys::{fault, futex, thread};
use std::cell::UnsafeCell;

/// What an export that returns a size answers when it failed.
const FAILED: u32 = u32::MAX;

/// Begins the calling thread's use of the kernel; `may_block` is 0 on a page's main thread.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_enter(may_block: u32) {
    futex::set_can_block(may_block != 0);
}

/// Ends the calling thread's use of the heap: what it has at hand goes back.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_leave() {
    let _inside = thread::enter();
    leave();
}

/// Allocates; 0 when memory is exhausted. `align` is a power of two, less than 16 counts as 16.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_alloc(size: u32, align: u32) -> usize {
    let _inside = thread::enter();
    // SAFETY: the cache is this thread's.
    mine().map_or(0, |cache| unsafe { HEAP.alloc(cache, size, align) })
}

/// Allocates bytes that are all zero; 0 when memory is exhausted.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_calloc(size: u32, align: u32) -> usize {
    let ptr = isolith_alloc(size, align);
    if ptr != 0 {
        // SAFETY: a fresh block of `size` bytes.
        unsafe { (ptr as *mut u8).write_bytes(0, size as usize) };
    }
    ptr
}

/// Frees a block; 0, or the error's number.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_free(ptr: usize) -> u32 {
    let _inside = thread::enter();
    let Some(cache) = mine() else {
        return fault::keep(Error::new(Kind::OutOfMemory, "memory is exhausted"));
    };
    // SAFETY: the cache is this thread's.
    unsafe { HEAP.free(cache, ptr) }.map_or_else(fault::keep, |()| 0)
}

/// Resizes a block; its address, 0 when memory is exhausted, `u32::MAX` when `ptr` is no block.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_realloc(ptr: usize, size: u32) -> usize {
    let _inside = thread::enter();
    let Some(cache) = mine() else { return 0 };
    // SAFETY: the cache is this thread's; that nobody frees the block meanwhile is the caller's
    // part, as with C's `realloc`.
    unsafe { HEAP.realloc(cache, ptr, size) }.unwrap_or_else(|error| {
        fault::keep(error);
        FAILED as usize
    })
}

/// Bytes that the block was asked for, `u32::MAX` when `ptr` is no block.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_sizeof(ptr: usize) -> u32 {
    HEAP.sizeof(ptr).unwrap_or_else(|error| {
        fault::keep(error);
        FAILED
    })
}

/// Writes up to `max` live blocks from address `from` on to `out` (see [`Block`]); how many.
///
/// # Safety
/// `out` has room for `max` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_heap_list(
    from: usize,
    out: *mut Block,
    max: usize,
) -> usize {
    // SAFETY: by the contract.
    HEAP.list(from, unsafe { std::slice::from_raw_parts_mut(out, max) })
}

/// Address of this thread's copy of the heap's figures (see [`Stats`]), made anew by each call.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_heap_stats() -> *const Stats {
    let _inside = thread::enter();
    std::thread_local! {
        static COPY: UnsafeCell<Stats> = const { UnsafeCell::new(Stats {
            bytes_in_use: 0, peak_bytes: 0, blocks: 0, free_bytes: 0, largest_free: 0, pages: 0,
        }) };
    }
    let stats = HEAP.stats();
    COPY.with(|copy| {
        // SAFETY: the cell is this thread's, and no reference into it is ever made.
        unsafe { copy.get().write(stats) };
        copy.get().cast_const()
    })
}

/// Checks the whole heap while no other thread uses it; 0, or the error's number.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_heap_check() -> u32 {
    let _inside = thread::enter();
    HEAP.check().map_or_else(fault::keep, |()| 0)
}

/// Turns debug mode on or off for blocks made from now on.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_heap_debug(on: u32) {
    HEAP.set_debug(on != 0);
}
