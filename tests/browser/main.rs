//! The kernel's tests inside real browsers, in a worker, on shared memory (`node tests/browser/run.mjs`).
#![cfg(target_arch = "wasm32")]
#![feature(stdarch_wasm_atomic_wait)]

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

mod heap;
mod shared;
