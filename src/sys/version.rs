//! The kernel's version, so that a page and its workers can tell a mismatched pair of files.

use wasm_bindgen::prelude::wasm_bindgen;

/// Version of the crate that this module was built from.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
