//! The queue's door for wasm code on the same memory: what JavaScript made, Rust pushes and pops.
//!
//! JavaScript needs none of these: it works on the same words by itself (`js/src/sync`). Addresses
//! are bytes as `usize`, thread ids 1 to 2²⁸ − 1. None allocates; the two that wait block only where
//! blocking is allowed.

use super::queue::{Header, Queue, Refused, slots_for};
use std::time::Duration;

const DONE: u32 = 0;
const NOT_NOW: u32 = 1;
const CLOSED: u32 = 2;
const BUSY: u32 = 3;

fn status(refused: Refused) -> u32 {
    match refused {
        Refused::NotNow => NOT_NOW,
        Refused::Closed => CLOSED,
        Refused::Busy => BUSY,
    }
}

/// Bytes of memory that a queue of `capacity` items takes.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_sync_queue_bytes(capacity: u32) -> u32 {
    size_of::<Header>() as u32 + 4 * slots_for(capacity)
}

/// Makes an empty queue of 32-bit words at `base`.
///
/// # Safety
/// - `base` is 4-aligned and owns [`isolith_sync_queue_bytes`] bytes that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_sync_queue_init(base: *mut u32, capacity: u32) {
    // SAFETY: the caller owns the memory.
    unsafe {
        base.write_bytes(0, isolith_sync_queue_bytes(capacity) as usize / 4);
        base.cast::<Header>().write(Header::new(capacity));
    }
}

/// Pushes, waiting up to `wait_ms` for room: 0 done, 1 not now, 2 closed, 3 busy.
///
/// # Safety
/// - A queue of 32-bit words lives at `base`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_sync_queue_push(
    base: *mut u32,
    item: u32,
    thread: u32,
    wait_ms: u32,
) -> u32 {
    // SAFETY: as the caller says.
    let queue = unsafe { Queue::attach(base) };
    let answer = match wait_ms {
        0 => queue.push(item, thread),
        ms => queue.push_wait(item, thread, Duration::from_millis(ms.into())),
    };
    answer.map_or_else(status, |()| DONE)
}

/// Pops into `into`, waiting up to `wait_ms` for an item: 0 done, 1 not now, 2 closed and empty, 3 busy.
///
/// # Safety
/// - A queue of 32-bit words lives at `base`, and `into` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_sync_queue_pop(
    base: *mut u32,
    into: *mut u32,
    thread: u32,
    wait_ms: u32,
) -> u32 {
    // SAFETY: as the caller says.
    let queue = unsafe { Queue::attach(base) };
    let answer = match wait_ms {
        0 => queue.pop(thread),
        ms => queue.pop_wait(thread, Duration::from_millis(ms.into())),
    };
    match answer {
        Ok(item) => {
            // SAFETY: as the caller says.
            unsafe { into.write(item) };
            DONE
        }
        Err(refused) => status(refused),
    }
}

/// The killer's sweep of a queue: 1 if thread `dead` was inside.
///
/// # Safety
/// - A queue of 32-bit words lives at `base`, and the thread is certain never to run again.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_sync_queue_poison(base: *mut u32, dead: u32) -> u32 {
    // SAFETY: as the caller says.
    u32::from(unsafe { Queue::attach(base) }.poison(dead))
}
