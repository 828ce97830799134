//! isolith: a systems runtime for the browser tab, one WebAssembly module on one shared memory.
//!
//! Modules stand in reading order: each uses only those above it (see `src/ARCHITECTURE.md`).

pub mod error;
#[cfg(feature = "kernel")]
pub mod fs;
#[cfg(feature = "kernel")]
pub mod heap;
#[cfg(feature = "linker")]
pub mod linker;
#[cfg(feature = "kernel")]
pub mod sync;
#[cfg(feature = "kernel")]
pub mod sys;

pub use error::{Error, Result};
