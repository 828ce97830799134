//! The one place that names the atomics, so that loom can take over in its models.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// A 32-bit counter with one writer, whom any thread may read.
///
/// WebAssembly has no relaxed stores: every atomic store costs a full fence. Aligned 32-bit plain
/// accesses do not tear there (its memory model makes races well defined), so that is what this
/// uses; elsewhere it is a Relaxed atomic.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Tally(AtomicU32);

impl Tally {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[cfg(target_arch = "wasm32")]
    pub(crate) fn get(&self) -> u32 {
        // SAFETY: the cell is live and aligned; see the type for why a race is harmless.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Stores a new value; only the one writer may call this.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn set(&self, value: u32) {
        // SAFETY: as in `get`.
        unsafe { self.0.as_ptr().write_volatile(value) }
    }

    /// Stores a new value; only the one writer may call this.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn set(&self, value: u32) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds, wrapping, and returns the new value; only the one writer may call this.
    pub(crate) fn add(&self, by: u32) -> u32 {
        let now = self.get().wrapping_add(by);
        self.set(now);
        now
    }
}
