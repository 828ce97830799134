//! The allocator over one memory: talc behind a lock, headers that catch mistakes, caches per thread.
//!
//! ```text
//! alloc  → cache of this thread (no lock) → batch from talc (lock) → Pages::grow
//! free   → live map: was it ours, is it still? → cache of this thread → batch back to talc
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `class` | size classes of small chunks |
//! | `pages` | where memory comes from: `memory.grow`, or a test's arena |
//! | `growth` | talc's source of memory: extends the heap it has, claims a new one where it cannot |
//! | `header` | the 16 bytes before a block: size, alignment, integrity mark |
//! | `live` | one bit per possible block: is it live, was it freed |
//! | `cache` | one thread's chunks at hand, and its counters |
//! | `core` | the operations, over all of the above |
//! | `check` | the whole-heap checker |
//! | `global` | the one heap of this module's memory, and Rust's global allocator |
//! | `export` | the heap's door to JavaScript |
//! | `foreign` | the heap as malloc and free of linked modules |

pub mod cache;
pub mod check;
mod class;
pub mod core;
#[cfg(target_arch = "wasm32")]
pub mod export;
#[cfg(target_arch = "wasm32")]
pub mod foreign;
#[cfg(target_arch = "wasm32")]
pub mod global;
mod growth;
mod header;
mod live;
pub mod pages;
pub mod stats;

#[cfg(test)]
mod tests;
