//! The last error of each thread, for JavaScript to read after an export has answered "failed".

use crate::error::Error;
use std::cell::RefCell;

std::thread_local! {
    static LAST: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Keeps an error for the calling thread's JavaScript; returns its number, never 0.
pub(crate) fn keep(error: Error) -> u32 {
    let number = u32::from(error.number());
    LAST.set(Some(error));
    number
}

/// Number of the last error of this thread, 0 if there was none.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_error_number() -> u32 {
    LAST.with_borrow(|last| last.as_ref().map_or(0, |error| u32::from(error.number())))
}

/// Address of the last error's code in UTF-8; valid until the thread's next error.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_error_code() -> *const u8 {
    LAST.with_borrow(|last| last.as_ref().map_or("", Error::code).as_ptr())
}

/// Bytes of the last error's code.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_error_code_len() -> usize {
    LAST.with_borrow(|last| last.as_ref().map_or(0, |error| error.code().len()))
}

/// Address of the last error's message in UTF-8; valid until the thread's next error.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_error_message() -> *const u8 {
    LAST.with_borrow(|last| last.as_ref().map_or("", Error::message).as_ptr())
}

/// Bytes of the last error's message.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_error_message_len() -> usize {
    LAST.with_borrow(|last| last.as_ref().map_or(0, |error| error.message().len()))
}
