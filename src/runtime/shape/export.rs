//! The door to JavaScript: the head of a module in, its shape as JSON text out.

use super::{json, shape};
use crate::sys::thread;
use std::cell::RefCell;

std::thread_local! {
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Reads the shape of the module whose first `length` bytes lie at `bytes`; returns the length of
/// the text at `isolith_shape_text`.
///
/// # Safety
/// `length` bytes are readable there, and nobody changes them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_shape(bytes: *const u8, length: usize) -> usize {
    let _inside = thread::enter();
    // SAFETY: by the contract.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
    let text = json(&shape(bytes));
    let length = text.len();
    TEXT.set(text);
    length
}

/// Where the last text of this thread is, in UTF-8; valid until the thread's next call.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_shape_text() -> *const u8 {
    TEXT.with_borrow(|text| text.as_ptr())
}

/// Lets go of the text.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_shape_drop() {
    let _inside = thread::enter();
    TEXT.take();
}
