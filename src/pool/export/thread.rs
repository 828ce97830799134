//! Exports for the beginnings and ends of threads: their slots, and what is returned after their death.

use crate::heap::global;
use crate::sys::thread;

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
