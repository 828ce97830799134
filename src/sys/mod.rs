//! The only door to the platform: futex wait and wake, threads' beginnings and ends, errors' way out.

pub mod clock;
#[cfg(target_arch = "wasm32")]
pub mod fault;
pub mod futex;
pub mod thread;
#[cfg(all(feature = "kernel", target_arch = "wasm32"))]
pub mod version;
