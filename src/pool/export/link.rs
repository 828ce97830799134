//! Exports for a worker at its ring: the next job, its answer, sleep.
//!
//! None of them but `isolith_link_room` blocks or takes a lock, so a worker may be killed inside.

use super::bytes_new;
use crate::pool::link::{Link, size, word};
use crate::sync::primitive::{AtomicU32, Ordering};
use crate::sys::thread;

/// What answers with a slot's address say when there is none.
const NONE: usize = 0;
/// The words of a slot that hold the length and the address of a large answer.
const LENGTH: usize = 5;
const ROOM: usize = 9;

/// Bytes of a link with so many slots, for the caller to make with `isolith_bytes_new`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_link_size(slots: u32) -> usize {
    size(slots) * 4
}

/// Makes zeroed bytes a link.
///
/// # Safety
/// At `at` lie `isolith_link_size(slots)` zeroed bytes, aligned to 4.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_init(at: *const AtomicU32, slots: u32) {
    // SAFETY: by the contract.
    unsafe { &*at.add(word::LENGTH) }.store(slots, Ordering::Relaxed);
}

/// The link at an address.
///
/// # Safety
/// A link lies there and stays for as long as the answer is used.
pub(super) unsafe fn at<'a>(address: *const AtomicU32) -> Link<'a> {
    // SAFETY: by the contract the header is there, and behind it as many slots as it says.
    let words = unsafe {
        let slots = (*address.add(word::LENGTH)).load(Ordering::Relaxed);
        std::slice::from_raw_parts(address, size(slots))
    };
    Link::new(words)
}

/// Worker: address of the slot with the next job, 0 if there is none after so many glances.
///
/// # Safety
/// `link` is a live link; as for all that follow.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_claim(link: *const AtomicU32, glances: u32) -> usize {
    // SAFETY: by the contract.
    let ring = unsafe { at(link) };
    for _ in 0..glances {
        if ring.has_more() {
            break;
        }
        std::hint::spin_loop();
    }
    ring.claim().map_or(NONE, |slot| ring.address(slot))
}

/// Worker: the open slot now holds the answer; 1 if the owner must be rung up.
///
/// # Safety
/// See `isolith_link_claim`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_finish(link: *const AtomicU32) -> u32 {
    // SAFETY: by the contract.
    u32::from(unsafe { at(link) }.finish())
}

/// Worker: goes to sleep; 0 if a job came in between.
///
/// # Safety
/// See `isolith_link_claim`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_sleep(link: *const AtomicU32) -> u32 {
    // SAFETY: by the contract.
    u32::from(unsafe { at(link) }.sleep())
}

/// Worker: room for an answer of so many bytes; both go into the slot too, so that the room is not
/// lost should the worker be killed. 0 when memory is exhausted.
///
/// # Safety
/// `slot` is the address of the slot that the worker has open.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_room(slot: *const AtomicU32, bytes: usize) -> *mut u8 {
    let _inside = thread::enter();
    let room = bytes_new(bytes);
    // SAFETY: by the contract; these words are the worker's while it has the slot open.
    unsafe {
        (*slot.add(LENGTH)).store(bytes as u32, Ordering::Relaxed);
        (*slot.add(ROOM)).store(room.addr() as u32, Ordering::Relaxed);
    }
    room
}

// What JavaScript relies on without asking.
const _: () = assert!(word::ASLEEP == 0 && word::ABORT == 1 && word::LISTENS == 2);
const _: () =
    assert!(word::STRIDE == 32 && word::KIND == 3 && word::START * 4 == 40 && word::END * 4 == 48);
