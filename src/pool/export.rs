//! The pool's door to JavaScript: crews, rings, the beginnings and ends of threads, and bytes for them.
//!
//! Addresses and numbers as `u32`, times as `f64` in milliseconds since 1970.

pub mod crew;
pub mod link;
pub mod thread;

use crate::sys::thread::enter;
use std::alloc::{Layout, alloc_zeroed, dealloc};

/// The kernel's own memory, which is no block of the heap: so many zeroed bytes, 0 when exhausted.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_bytes_new(bytes: usize) -> *mut u8 {
    let _inside = enter();
    bytes_new(bytes)
}

fn bytes_new(bytes: usize) -> *mut u8 {
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
    let _inside = enter();
    if let Some(layout) = layout_of(bytes) {
        // SAFETY: by the contract.
        unsafe { dealloc(ptr, layout) };
    }
}

fn layout_of(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), 16).ok()
}
