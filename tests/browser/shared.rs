//! That these suites run where they claim to: on shared memory, where a thread may block, with panics that unwind.

use core::arch::wasm32::memory_atomic_wait32;
use std::panic::catch_unwind;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = "export function on_shared_memory(memory) {
    return memory.buffer instanceof SharedArrayBuffer;
}")]
extern "C" {
    fn on_shared_memory(memory: &JsValue) -> bool;
}

#[wasm_bindgen_test]
fn memory_is_shared() {
    assert!(on_shared_memory(&wasm_bindgen::memory()));
}

#[wasm_bindgen_test]
fn a_wait_times_out_instead_of_trapping() {
    let mut word = 7;
    // SAFETY: the pointer is to a live, aligned word of this stack.
    let answer = unsafe { memory_atomic_wait32(&raw mut word, 7, 1_000_000) };
    assert_eq!(answer, 2, "2 stands for a timeout");
}

#[wasm_bindgen_test]
fn panics_unwind() {
    assert!(catch_unwind(|| panic!("on purpose")).is_err());
}

#[wasm_bindgen_test]
fn rust_allocates_in_the_heap() {
    let bytes = vec![3_u8; 1 << 20];
    assert!(bytes.iter().all(|byte| *byte == 3));
}
