//! Keeps the repository tidy: layers, the browser's boundary, file heads and lengths, SAFETY comments, no leftovers.
#![cfg(not(target_arch = "wasm32"))]

#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/samples.rs"]
mod samples;
#[path = "tidy/source.rs"]
mod source;

use std::path::Path;

/// Paths that would betray this machine: where the checkout is, and whose home it is in.
fn places() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR").to_owned();
    let home = std::env::var("HOME").ok().filter(|home| home.len() > 1);
    let home = home.map(|home| format!("{}/", home.trim_end_matches('/')));
    [Some(root), home, Some(concat!(".cargo/", "registry").to_owned())]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn the_repository_is_tidy() {
    let sources = source::all(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(sources.len() > 20, "the sources were not found");
    let places = places();
    let wrong: Vec<String> =
        sources.iter().flat_map(|source| rules::check(source, &places)).collect();
    assert!(wrong.is_empty(), "{} things to tidy:\n{}", wrong.len(), wrong.join("\n"));
}
