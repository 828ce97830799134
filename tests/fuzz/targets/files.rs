//! Any bytes as a script of file operations; see `tests/native/fs_fuzz.rs`.
#![no_main]

#[path = "../../native/fs_support/mod.rs"]
mod fs_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fs_support::script::run(bytes));
