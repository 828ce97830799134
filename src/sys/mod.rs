//! The only door to the platform: futex wait and wake, threads' beginnings and ends, errors' way out.

#[cfg(target_arch = "wasm32")]
pub mod fault;
pub mod futex;
