//! The heap as the browser runs it: the real memory, `memory.grow`, thread-local caches, Rust's allocator on it.

use isolith::heap::export::{
    isolith_alloc, isolith_free, isolith_heap_check, isolith_heap_list, isolith_heap_stats,
    isolith_realloc, isolith_sizeof,
};
use isolith::heap::stats::{Block, Stats};
use isolith::sys::fault::isolith_error_number;
use wasm_bindgen_test::wasm_bindgen_test;

fn stats() -> Stats {
    // SAFETY: the export answers with the address of this thread's copy.
    unsafe { *isolith_heap_stats() }
}

fn paint(ptr: usize, size: usize) {
    // SAFETY: within a live block.
    unsafe { (ptr as *mut u8).write_bytes((ptr >> 4) as u8, size) };
}

fn is_painted(ptr: usize, size: usize) -> bool {
    // SAFETY: within a live block.
    unsafe { std::slice::from_raw_parts(ptr as *const u8, size) }
        .iter()
        .all(|&byte| byte == (ptr >> 4) as u8)
}

#[wasm_bindgen_test]
fn rust_and_blocks_share_one_memory_without_touching_each_other() {
    let before = stats().blocks;
    let mut vectors = Vec::new();
    let mut blocks = Vec::new();
    for round in 0..2_000_usize {
        let size = round.wrapping_mul(2_654_435_761) % 3_000;
        vectors.push(vec![round as u8; size]);
        let ptr = isolith_alloc(size as u32, 16);
        assert_ne!(ptr, 0);
        paint(ptr, size);
        blocks.push((ptr, size));
        if round % 3 == 0 {
            vectors.swap_remove(round / 4 % vectors.len());
            let (ptr, size) = blocks.swap_remove(round / 5 % blocks.len());
            assert!(is_painted(ptr, size));
            assert_eq!(isolith_free(ptr), 0);
        }
    }
    assert_eq!(isolith_heap_check(), 0);
    assert_eq!(stats().blocks, before + blocks.len() as u64);
    for vector in &vectors {
        assert!(vector.iter().all(|byte| *byte == *vector.first().unwrap_or(&0)));
    }
    for (ptr, size) in blocks {
        assert!(is_painted(ptr, size));
        assert_eq!(isolith_free(ptr), 0);
    }
    assert_eq!((isolith_heap_check(), stats().blocks), (0, before));
}

#[wasm_bindgen_test]
fn memory_grows_when_it_must_and_growth_extends_the_heap() {
    let before = stats();
    let ptr = isolith_alloc(20 << 20, 16);
    assert_ne!(ptr, 0);
    let after = stats();
    assert!(after.pages >= before.pages + 300, "{before:?} {after:?}");
    // SAFETY: the last byte of a live block.
    unsafe { *((ptr + (20 << 20) - 1) as *mut u8) = 1 };
    assert_eq!(isolith_free(ptr), 0);
    assert!(stats().largest_free >= 20 << 20);
}

#[wasm_bindgen_test]
fn mistakes_leave_an_error_and_a_whole_heap() {
    let ptr = isolith_alloc(100, 64);
    assert_eq!((ptr % 64, isolith_sizeof(ptr)), (0, 100));
    assert_eq!(isolith_free(ptr + 16), 1001, "a wild pointer");
    assert_eq!(isolith_error_number(), 1001);
    assert_eq!(isolith_free(ptr), 0);
    assert_eq!(isolith_free(ptr), 1000, "a double free");
    assert_eq!(isolith_sizeof(ptr), u32::MAX);
    assert_eq!(isolith_realloc(ptr, 5) as u32, u32::MAX);
    assert_eq!(isolith_alloc(u32::MAX, 16), 0);
    assert_eq!(isolith_heap_check(), 0);
}

#[wasm_bindgen_test]
fn the_list_names_every_live_block_once_in_order() {
    let blocks: Vec<_> = (1..=50).map(|size| isolith_alloc(size, 16)).collect();
    let mut list = vec![Block::default(); 500];
    // SAFETY: the list has room for as many.
    let count = unsafe { isolith_heap_list(0, list.as_mut_ptr(), list.len()) };
    let listed: Vec<_> = list[..count].iter().map(|block| block.ptr).collect();
    assert!(listed.is_sorted());
    assert!(blocks.iter().all(|ptr| listed.contains(&(*ptr as u32))));
    for ptr in blocks {
        assert_eq!(isolith_free(ptr), 0);
    }
}
