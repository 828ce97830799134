//! Where a heap's memory comes from: WebAssembly's `memory.grow`, or an arena in native tests.

use std::fmt::Debug;

/// Size of a WebAssembly page in bytes.
pub const PAGE: usize = 65536;

/// A contiguous address range that grows at its end by whole pages.
///
/// # Safety
/// - Addresses from `grow`'s answer on, for the pages asked, belong to the caller alone.
/// - The range never shrinks or moves.
pub unsafe trait Pages: Debug + Send {
    /// The regions, as start and end, that the heap may use before it grows; in order of address.
    fn initial(&self) -> [(usize, usize); 2];

    /// Grows by `pages` and returns the address where the new pages start.
    fn grow(&mut self, pages: usize) -> Option<usize>;

    /// How many pages there are.
    fn count(&self) -> usize;
}

/// The linear memory of this module's instance.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
pub struct LinearMemory;

#[cfg(target_arch = "wasm32")]
// SAFETY: `memory.grow` hands every page out once, and linear memory starts at zero.
unsafe impl Pages for LinearMemory {
    fn initial(&self) -> [(usize, usize); 2] {
        unsafe extern "C" {
            /// Set by the linker to the first address after data and stack.
            static __heap_base: u8;
        }
        // The page after the one that data ends in is wasm-bindgen's: it keeps the count of threads
        // and the stack there on which a new thread allocates its own. Nobody else allocates.
        let base = (&raw const __heap_base).addr();
        let theirs = base.next_multiple_of(PAGE);
        // 65,536 pages are 4 GiB, one more than an address holds.
        let end = self.count().saturating_mul(PAGE);
        [(base, theirs), ((theirs + PAGE).min(end), end)]
    }

    fn grow(&mut self, pages: usize) -> Option<usize> {
        match core::arch::wasm32::memory_grow(0, pages) {
            usize::MAX => None,
            old => Some(old * PAGE),
        }
    }

    fn count(&self) -> usize {
        core::arch::wasm32::memory_size(0)
    }
}
