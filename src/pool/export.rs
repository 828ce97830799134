//! The pool's door to JavaScript: queue, links, and the beginnings and ends of threads.
//!
//! Addresses and numbers as `u32`. A link's exports are called by its owner or by its worker, as
//! `link` says; none of them blocks or takes a lock, so a worker may be killed inside them.

use super::link::{Link, size, take_back, word};
use super::queue::Queue;
use crate::heap::global;
use crate::sync::primitive::{AtomicU32, Ordering};
use crate::sys::thread;
use std::alloc::{Layout, alloc_zeroed, dealloc};

/// What answers with a slot's address say when there is none.
const NONE: usize = 0;
/// The words of a slot that hold the length and the address of a large answer.
const LENGTH: usize = 5;
const ROOM: usize = 9;

/// A queue of its own for a pool.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_queue_new() -> *mut Queue {
    let _inside = thread::enter();
    Box::into_raw(Box::new(Queue::new()))
}

/// Frees a queue.
///
/// # Safety
/// `queue` came from `isolith_queue_new`, is used by nobody else, and never again.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_queue_free(queue: *mut Queue) {
    let _inside = thread::enter();
    // SAFETY: by the contract.
    drop(unsafe { Box::from_raw(queue) });
}

/// Adds a job; `front` is not 0 for one that a worker had and did not begin.
///
/// # Safety
/// `queue` is live, and only this thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_queue_push(
    queue: *mut Queue,
    job: u32,
    priority: i32,
    front: u32,
) {
    let _inside = thread::enter();
    // SAFETY: by the contract.
    let queue = unsafe { &mut *queue };
    if front == 0 { queue.push(job, priority) } else { queue.put_back(job, priority) }
}

/// Takes the job whose turn it is, 0 if none waits.
///
/// # Safety
/// `queue` is live, and only this thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_queue_pop(queue: *mut Queue) -> u32 {
    let _inside = thread::enter();
    // SAFETY: by the contract.
    unsafe { &mut *queue }.pop().unwrap_or(0)
}

/// The kernel's own memory, which is no block of the heap: so many zeroed bytes, 0 when exhausted.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_bytes_new(bytes: usize) -> *mut u8 {
    let _inside = thread::enter();
    let Some(layout) = layout_of(bytes) else { return std::ptr::null_mut() };
    // SAFETY: the layout is not empty.
    unsafe { alloc_zeroed(layout) }
}

/// Gives memory of `isolith_bytes_new` back.
///
/// # Safety
/// It came from there, for the same number of bytes, and is never used again.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_bytes_free(ptr: *mut u8, bytes: usize) {
    let _inside = thread::enter();
    if let Some(layout) = layout_of(bytes) {
        // SAFETY: by the contract.
        unsafe { dealloc(ptr, layout) };
    }
}

fn layout_of(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), 16).ok()
}

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
unsafe fn at<'a>(address: *const AtomicU32) -> Link<'a> {
    // SAFETY: by the contract the header is there, and behind it as many slots as it says.
    let words = unsafe {
        let slots = (*address.add(word::LENGTH)).load(Ordering::Relaxed);
        std::slice::from_raw_parts(address, size(slots))
    };
    Link::new(words)
}

fn address(base: *const AtomicU32, slot: Option<usize>) -> usize {
    slot.map_or(NONE, |slot| base.addr() + (word::SLOTS + slot * word::STRIDE) * 4)
}

/// Owner: address of the slot to write the next job into, 0 if the link is full.
///
/// # Safety
/// `link` is a live link; as for all that follow.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_reserve(link: *const AtomicU32) -> usize {
    // SAFETY: by the contract.
    address(link, unsafe { at(link) }.reserve())
}

/// Owner: hands the reserved slot over; 1 if the worker must be rung up.
///
/// # Safety
/// See `isolith_link_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_publish(link: *const AtomicU32) -> u32 {
    // SAFETY: by the contract.
    u32::from(unsafe { at(link) }.publish())
}

/// Worker: address of the slot with the next job, 0 if there is none after so many glances.
///
/// # Safety
/// See `isolith_link_reserve`.
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
    address(link, ring.claim())
}

/// Worker: the open slot now holds the answer; 1 if the owner must be rung up.
///
/// # Safety
/// See `isolith_link_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_finish(link: *const AtomicU32) -> u32 {
    // SAFETY: by the contract.
    u32::from(unsafe { at(link) }.finish())
}

/// Worker: goes to sleep; 0 if a job came in between.
///
/// # Safety
/// See `isolith_link_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_sleep(link: *const AtomicU32) -> u32 {
    // SAFETY: by the contract.
    u32::from(unsafe { at(link) }.sleep())
}

/// Worker: is awake again.
///
/// # Safety
/// See `isolith_link_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_awake(link: *const AtomicU32) {
    // SAFETY: by the contract.
    unsafe { at(link) }.awake();
}

/// Owner: empties the slot that it collected before if `release` is not 0, then answers with the
/// address of the next one that holds an answer, 0 if there is none after so many glances.
///
/// # Safety
/// See `isolith_link_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_collect(
    link: *const AtomicU32,
    release: u32,
    glances: u32,
) -> usize {
    // SAFETY: by the contract.
    let ring = unsafe { at(link) };
    if release != 0 {
        ring.release();
    }
    for _ in 0..glances {
        if let Some(slot) = ring.collect() {
            return address(link, Some(slot));
        }
        std::hint::spin_loop();
    }
    address(link, ring.collect())
}

/// Owner: tries to take back the job in the slot at this address; 0 if the worker has begun with it.
///
/// # Safety
/// `slot` is the address of a slot of a live link of the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_recall(slot: *const AtomicU32) -> u32 {
    // SAFETY: by the contract; a slot begins with its state.
    u32::from(take_back(unsafe { &*slot }))
}

/// Worker: room for an answer of so many bytes; both go into the slot too, so that the room is not
/// lost should the worker be killed. 0 when memory is exhausted.
///
/// # Safety
/// `slot` is the address of the slot that the worker has open.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_room(slot: *const AtomicU32, bytes: usize) -> *mut u8 {
    let _inside = thread::enter();
    let room = isolith_bytes_new(bytes);
    // SAFETY: by the contract; these words are the worker's while it has the slot open.
    unsafe {
        (*slot.add(LENGTH)).store(bytes as u32, Ordering::Relaxed);
        (*slot.add(ROOM)).store(room.addr() as u32, Ordering::Relaxed);
    }
    room
}

/// Owner: is about to sleep, and must collect once more.
///
/// # Safety
/// See `isolith_link_reserve`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_link_doze(link: *const AtomicU32) {
    // SAFETY: by the contract.
    unsafe { at(link) }.doze();
}

/// Takes a slot for a thread to be started; its number, `u32::MAX` if all are taken.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_reserve() -> usize {
    thread::reserve().unwrap_or(usize::MAX)
}

/// Address of a thread's slot: the words of [`thread::Slot`] in their order.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_slot(number: usize) -> *const thread::Slot {
    thread::slot(number).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// The calling thread, whose JavaScript set its *inside* word, takes up its slot and says where its
/// thread-local storage and its stack are.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_begin(number: usize, tls: usize, stack: usize) {
    if let Some(slot) = thread::slot(number) {
        thread::adopt(slot, tls, stack);
        global::note_cache();
        slot.go_out();
    }
}

/// Wants a thread dead; 1 once it is outside the kernel, and so may be terminated.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_want(number: usize) -> u32 {
    u32::from(thread::slot(number).is_none_or(thread::Slot::want))
}

/// Returns what a thread had from the heap, and its slot, after its certain death outside.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_thread_reap(number: usize) {
    let _inside = thread::enter();
    let Some(slot) = thread::slot(number) else { return };
    // SAFETY: the thread is dead, so nobody else uses its cache or ever will.
    unsafe { global::reap(slot.cache()) };
    slot.free();
}

// What JavaScript relies on without asking.
const _: () = assert!(word::ASLEEP == 0 && word::ABORT == 1 && word::LISTENS == 2);
const _: () = assert!(word::OWNER == 3);
const _: () = assert!(word::STRIDE == 32);
