//! Exports dlmalloc's `malloc` and `free` from a WebAssembly module, with nothing around them.

use dlmalloc::Dlmalloc;

static mut HEAP: Dlmalloc = Dlmalloc::new();

/// Alignment that every block gets, as C's `malloc` gives it.
const ALIGN: usize = 16;

/// The address of a fresh block, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> usize {
    // SAFETY: the module is instantiated without threads, so nobody else holds the heap.
    unsafe { (*(&raw mut HEAP)).malloc(size, ALIGN) as usize }
}

/// Frees the block of `size` bytes at `at`.
#[unsafe(no_mangle)]
pub extern "C" fn free(at: usize, size: usize) {
    // SAFETY: as in `malloc`; the caller hands back an address and size that `malloc` was given.
    unsafe { (*(&raw mut HEAP)).free(at as *mut u8, size, ALIGN) }
}
