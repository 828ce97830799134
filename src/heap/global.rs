//! The one heap of this module's memory, each thread's way to it, and Rust's global allocator.

use super::cache::Cache;
use super::core::Heap;
use super::pages::LinearMemory;
use crate::sys::thread;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

/// The heap that this instance's memory holds, shared by every instance on the same memory.
pub(super) static HEAP: Heap<LinearMemory> = Heap::new(LinearMemory, 0);

std::thread_local! {
    static MINE: Cell<Option<&'static Cache>> = const { Cell::new(None) };
}

/// The calling thread's cache, made when first asked for; nothing when memory is exhausted.
#[inline(always)]
pub(super) fn mine() -> Option<&'static Cache> {
    if let Some(cache) = MINE.get() {
        return Some(cache);
    }
    let cache = HEAP.attach();
    MINE.set(cache);
    note_cache();
    cache
}

/// Notes the calling thread's cache in its slot, so that it can be returned after a kill.
pub(crate) fn note_cache() {
    thread::note_cache(MINE.get().map_or(0, |cache| std::ptr::from_ref(cache).addr()));
}

/// Returns a dead thread's cache, 0 for none.
///
/// # Safety
/// `address` is what the thread noted last, and the thread is dead.
pub(crate) unsafe fn reap(address: usize) {
    // SAFETY: caches are never freed, and by the contract this one has no user any more.
    if let Some(cache) = unsafe { (address as *const Cache).as_ref() } {
        // SAFETY: as above.
        unsafe { HEAP.detach(cache) };
    }
}

/// Gives the calling thread's cache back; a later call of the thread makes a new one.
pub(super) fn leave() {
    if let Some(cache) = MINE.take() {
        // SAFETY: the thread owned it, and has just forgotten it.
        unsafe { HEAP.detach(cache) };
        note_cache();
    }
}

/// Rust's allocations, on the same chunks as JavaScript's blocks but without headers.
#[derive(Debug)]
struct Global;

// SAFETY: chunks are aligned to at least 16 or as asked, do not overlap, and stay until freed.
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match mine() {
            // SAFETY: the cache is this thread's, and a `GlobalAlloc` layout is never empty.
            Some(cache) => unsafe {
                HEAP.chunk_alloc(cache, layout.size(), layout.align()) as *mut u8
            },
            None => std::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if let Some(cache) = mine() {
            // SAFETY: the cache is this thread's; the chunk was made with this layout.
            unsafe { HEAP.chunk_free(cache, ptr.addr(), layout.size(), layout.align()) };
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the chunk was made with this layout and belongs to the caller.
        if unsafe { HEAP.chunk_resize(ptr.addr(), layout.size(), size, layout.align()) } {
            return ptr;
        }
        // SAFETY: `GlobalAlloc::realloc` promises a size that, with this alignment, is a layout.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: two chunks of the caller's, each at least as long as what is copied.
            unsafe {
                new.copy_from_nonoverlapping(ptr, layout.size().min(size));
                self.dealloc(ptr, layout);
            }
        }
        new
    }
}

#[global_allocator]
static GLOBAL: Global = Global;
