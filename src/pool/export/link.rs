//! Exports for a worker at its ring: the next job, its answer, sleep.
//!
//! None of them but `isolith_link_room` blocks or takes a lock, so a worker may be killed inside.

use super::bytes_new;
use crate::pool::link::{Link, size, word};
use crate::sync::primitive::{AtomicU32, Ordering};
use crate::sys::thread;

/// What answers with a slot's address say when there is none.
const NONE: usize = 0;
/// The words of a slot that JavaScript reads and writes too, as `js/src/pool/exports.ts` names them:
/// the job's number for both sides, its function, where that function's source is; how long its data
/// is, where a large answer is, and where small data lies.
const JOB: usize = 1;
const TASK: usize = 2;
const LENGTH: usize = 5;
const SOURCE: usize = 8;
const ROOM: usize = 9;
const INLINE: usize = 14;
/// What is in a slot travels inside of it.
const KIND_INLINE: u32 = 0;

/// Bytes of a link with so many slots, for the caller to make with `isolith_bytes_new`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_link_size(slots: u32) -> usize {
    size(slots) * 4
}

/// Makes zeroed bytes a link.
///
/// # Safety
/// At `at` lie `isolith_link_size(slots)` zeroed bytes of `isolith_bytes_new`.
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

/// Writes a job with a plain value (`js/src/pool/plain.ts`) into a slot.
///
/// # Safety
/// `slot` is the address of a slot, in a live link of `isolith_bytes_new`, that is the caller's.
pub(super) unsafe fn write_plain(
    slot: *mut u32,
    [id, task, source]: [u32; 3],
    length: i32,
    value: f64,
) {
    // SAFETY: by the contract nobody else reads or writes these words, which lie in the slot; slots
    // are a multiple of 128 bytes from the link's start, and that is aligned to 16.
    unsafe {
        slot.add(JOB).write(id);
        slot.add(TASK).write(task);
        slot.add(word::KIND).write(KIND_INLINE);
        slot.add(LENGTH).write(length.cast_unsigned());
        slot.add(SOURCE).write(source);
        slot.add(ROOM).write(0);
        slot.add(INLINE).cast::<f64>().write(value);
    }
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

/// Worker: as `isolith_link_finish`, for an answer that is a plain value, which this writes into the
/// open slot together with the times between which its task ran.
///
/// # Safety
/// See `isolith_link_claim`; `slot` is the address of the slot that the worker has open.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_answer(
    link: *const AtomicU32,
    slot: *mut u32,
    length: i32,
    value: f64,
    start: f64,
    end: f64,
) -> u32 {
    // SAFETY: by the contract the words are the worker's alone until it finishes; for the alignment
    // see `write_plain`.
    unsafe {
        slot.add(word::KIND).write(KIND_INLINE);
        slot.add(LENGTH).write(length.cast_unsigned());
        slot.add(word::START).cast::<f64>().write(start);
        slot.add(word::END).cast::<f64>().write(end);
        slot.add(INLINE).cast::<f64>().write(value);
        isolith_link_finish(link)
    }
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
