//! The one place that names the atomics, so that loom can take over in its models.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

#[cfg(loom)]
use loom::sync::atomic::fence;
#[cfg(all(not(loom), not(target_arch = "wasm32")))]
use std::sync::atomic::fence;

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

/// A byte that one thread at a time sets, whom any thread may read or compete for.
///
/// Setting is a plain store in WebAssembly, for the reason that [`Tally`] gives: bytes do not tear,
/// and a store of one byte leaves its neighbours alone.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Stamp(core::sync::atomic::AtomicU8);

impl Stamp {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn get(&self) -> u8 {
        // SAFETY: the cell is live; see `Tally` for why a race is harmless.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn get(&self) -> u8 {
        // Acquire pairs with `set`: what its setter wrote before is visible.
        self.0.load(Ordering::Acquire)
    }

    /// Stores a value; only the thread that is alone with what the stamp stands for.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn set(&self, value: u8) {
        // SAFETY: as in `get`.
        unsafe { self.0.as_ptr().write_volatile(value) }
    }

    /// Stores a value; only the thread that is alone with what the stamp stands for.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn set(&self, value: u8) {
        self.0.store(value, Ordering::Release);
    }

    /// Stores a value and returns the one before: of several threads one gets it.
    pub(crate) fn swap(&self, value: u8) -> u8 {
        self.0.swap(value, Ordering::AcqRel)
    }
}

/// Orders every store before it against every load after it, on this thread.
///
/// The one ordering that Acquire and Release cannot give: "I wrote my flag, then looked at yours".
/// Every wasm atomic access is sequentially consistent by itself, so there only the compiler must
/// be held back; elsewhere this is a full fence, which loom models.
pub(crate) fn store_load_fence() {
    #[cfg(target_arch = "wasm32")]
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(target_arch = "wasm32"))]
    fence(Ordering::SeqCst);
}

/// Tells the processor, or loom's scheduler, that this thread waits for another one.
pub(crate) fn relax() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// Writes a word that only the holder of some lock touches; the lock's Release publishes it.
///
/// On wasm a plain store, for the reason given at [`Tally`].
pub(crate) fn store_inside(word: &AtomicU32, value: u32) {
    #[cfg(target_arch = "wasm32")]
    // SAFETY: the word is live and aligned, and a plain aligned store does not tear in wasm.
    unsafe {
        word.as_ptr().write_volatile(value);
    }
    #[cfg(not(target_arch = "wasm32"))]
    word.store(value, Ordering::Relaxed);
}
