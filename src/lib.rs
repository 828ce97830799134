//! isolith: a systems runtime for the browser tab, one WebAssembly module on one shared memory.
//!
//! Modules stand in reading order: each uses only those above it (see `src/ARCHITECTURE.md`).

#![cfg_attr(target_arch = "wasm32", feature(stdarch_wasm_atomic_wait))]

#[cfg_attr(not(feature = "kernel"), allow(dead_code, reason = "the linker alone has few kinds"))]
pub mod error;
#[cfg(feature = "kernel")]
pub mod fs;
#[cfg(feature = "kernel")]
pub mod heap;
#[cfg(feature = "linker")]
pub mod linker;
#[cfg(any(feature = "kernel", loom))]
pub mod pool;
#[cfg(feature = "kernel")]
pub mod runtime;
#[cfg(any(feature = "kernel", loom))]
pub mod sync;
#[cfg(any(feature = "kernel", loom))]
pub mod sys;

pub use error::{Error, Result};
