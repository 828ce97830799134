//! The heap as the allocator of foreign modules: C's and Rust's functions in their own shapes.
//!
//! A linked module's calls come from wasm straight to these exports of its thread's instance. Sizes
//! and addresses are bytes as `u32`; 0 is the null pointer. Any thread may call any of them; none
//! blocks but for the heap's lock. A pointer that is no block of the heap traps: a module that goes
//! wrong must not go on.

use super::export::{isolith_alloc, isolith_calloc, isolith_free, isolith_realloc, isolith_sizeof};

/// The alignment that C's allocators promise.
const ALIGN: u32 = 16;
/// Errors of `posix_memalign`, numbered as C libraries for WebAssembly do.
const EINVAL: u32 = 28;
const ENOMEM: u32 = 48;

/// C's `malloc`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_c_malloc(size: u32) -> usize {
    isolith_alloc(size, ALIGN)
}

/// C's `calloc`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_c_calloc(count: u32, size: u32) -> usize {
    count.checked_mul(size).map_or(0, |bytes| isolith_calloc(bytes, ALIGN))
}

/// C's `realloc`; of null it is `malloc`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_c_realloc(ptr: usize, size: u32) -> usize {
    if ptr == 0 {
        return isolith_alloc(size, ALIGN);
    }
    match isolith_realloc(ptr, size) {
        moved if moved as u32 == u32::MAX => std::process::abort(),
        moved => moved,
    }
}

/// C's `free`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_c_free(ptr: usize) {
    if ptr != 0 && isolith_free(ptr) != 0 {
        std::process::abort();
    }
}

/// C's `aligned_alloc`, and `memalign`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_c_aligned_alloc(align: u32, size: u32) -> usize {
    if align.is_power_of_two() { isolith_alloc(size, align) } else { 0 }
}

/// POSIX's `posix_memalign`.
///
/// # Safety
/// `out` has room for an address.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_c_posix_memalign(
    out: *mut usize,
    align: u32,
    size: u32,
) -> u32 {
    if !align.is_power_of_two() || !align.is_multiple_of(4) {
        return EINVAL;
    }
    let ptr = isolith_alloc(size, align);
    if ptr == 0 {
        return ENOMEM;
    }
    // SAFETY: by the contract; C does not promise that it is aligned.
    unsafe { out.write_unaligned(ptr) };
    0
}

/// C's `malloc_usable_size`: the bytes that were asked for.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_c_malloc_usable_size(ptr: usize) -> u32 {
    match (ptr, isolith_sizeof(ptr)) {
        (0, _) => 0,
        (_, u32::MAX) => std::process::abort(),
        (_, size) => size,
    }
}

/// Rust's hook for `alloc`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_rust_alloc(size: u32, align: u32) -> usize {
    isolith_alloc(size, align)
}

/// Rust's hook for `alloc_zeroed`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_rust_alloc_zeroed(size: u32, align: u32) -> usize {
    isolith_calloc(size, align)
}

/// Rust's hook for `dealloc`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_rust_dealloc(ptr: usize, _size: u32, _align: u32) {
    isolith_c_free(ptr);
}

/// Rust's hook for `realloc`: the heap remembers a block's alignment and keeps it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_rust_realloc(
    ptr: usize,
    _old: u32,
    _align: u32,
    size: u32,
) -> usize {
    isolith_c_realloc(ptr, size)
}
