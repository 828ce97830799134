//! Samples for each rule, good and bad, so that every checker has been seen to fail.

use crate::rules;
use crate::source::{Source, rust_code};

type Rule = fn(&Source) -> Vec<String>;

fn holds(rule: Rule, path: &str, text: &str) {
    assert_eq!(rule(&Source::new(path, text)), Vec::<String>::new(), "in {text:?}");
}

/// The rule finds exactly one problem, on `line` (counted from 1).
fn breaks(rule: Rule, path: &str, text: &str, line: usize) {
    let wrong = rule(&Source::new(path, text));
    assert_eq!(wrong.len(), 1, "in {text:?}: {wrong:?}");
    assert!(wrong[0].starts_with(&format!("{path}:{line}: ")), "{wrong:?}");
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // b\n/* c /* d */\n e */ f \"g // \\\" h\" 'i' '\\n' &'j r#\"k \" l\"# r#m br\"n\" or\"p\"";
    let words: Vec<String> = rust_code(text).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words, ["a", "f", "&'j", "r#m", "b", "or"]);
    assert_eq!(rust_code(text).lines().count(), text.lines().count());
}

#[test]
fn a_purpose_is_asked_of_every_file() {
    holds(rules::purpose, "src/a.rs", "//! The room of a.\n");
    holds(rules::purpose, "js/src/a.ts", "/** The room of a. */\n");
    holds(rules::purpose, "scripts/a.mjs", "// The room of a.\n");
    breaks(rules::purpose, "src/a.rs", "", 1);
    breaks(rules::purpose, "src/a.rs", "//! Room.\n", 1);
    breaks(rules::purpose, "src/a.rs", "// The room of a.\n", 1);
    breaks(rules::purpose, "src/a.rs", "use b;\n//! The room of a.\n", 1);
    holds(rules::purpose, "js/src/a.ts", "/**\n * The room of a.\n */\n");
    breaks(rules::purpose, "js/src/a.ts", "/**\n * @module a\n */\n", 1);
}

#[test]
fn long_files_are_refused() {
    holds(rules::length, "src/a.rs", &"x\n".repeat(600));
    breaks(rules::length, "src/a.rs", &"x\n".repeat(601), 601);
}

#[test]
fn layers_look_down_only() {
    holds(
        rules::layers,
        "src/heap/a.rs",
        "use crate::sync::Lock;\nuse crate::heap::b;\nuse crate::Result;",
    );
    holds(rules::layers, "src/sys/a.rs", "use crate::sync::primitive::AtomicU32;");
    holds(rules::layers, "src/db/a.rs", "use crate::{fs::Tree, error::{Error, Kind}, store};");
    holds(rules::layers, "src/sys/a.rs", "// crate::heap is named in a comment only");
    holds(rules::layers, "src/lib.rs", "pub use crate::fs::Tree;");
    holds(rules::layers, "src/linker/a.rs", "use crate::error::Error;");
    breaks(rules::layers, "src/heap/a.rs", "\nfn f() { crate::fs::open() }", 2);
    breaks(rules::layers, "src/sys/a.rs", "use crate::sync::Lock;", 1);
    breaks(
        rules::layers,
        "src/sync/a.rs",
        "use crate::{\n    error::Error,\n    heap::{A, B},\n};",
        1,
    );
    breaks(rules::layers, "src/jobs/a.rs", "use crate::db::Db;", 1);
    breaks(rules::layers, "src/linker/a.rs", "use crate::sync::Lock;", 1);
    breaks(rules::layers, "src/fs/a.rs", "use crate::linker::parse;", 1);
    breaks(rules::layers, "src/error.rs", "use crate::sys::now;", 1);
}

#[test]
fn the_browser_is_behind_its_doors() {
    for path in ["src/sys/a.rs", "src/heap/export.rs", "src/store/idb.rs", "tests/browser/a.rs"] {
        holds(rules::browser_boundary, path, "use web_sys::window;");
    }
    holds(rules::browser_boundary, "src/fs/a.rs", "// unlike js_sys\nlet my_js_sys_like = 1;");
    breaks(rules::browser_boundary, "src/fs/a.rs", "fn f() {\n    js_sys::eval();\n}", 2);
    breaks(rules::browser_boundary, "src/store/mod.rs", "use wasm_bindgen::prelude::*;", 1);
}

#[test]
fn atomics_have_one_source() {
    holds(rules::atomics, "src/sync/primitive.rs", "pub use core::sync::atomic::AtomicU32;");
    holds(
        rules::atomics,
        "src/sync/a.rs",
        "use super::primitive::AtomicU32;\n#[cfg(loom)]\nmod m;",
    );
    breaks(rules::atomics, "src/heap/a.rs", "use core::sync::atomic::AtomicU32;", 1);
    breaks(rules::atomics, "src/heap/a.rs", "let a = std::sync::atomic::AtomicBool::new(true);", 1);
    breaks(
        rules::atomics,
        "src/sync/a.rs",
        "#[cfg(test)]
use core::sync::atomic::AtomicU8;
#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU8;
}",
        2,
    );
    holds(rules::atomics, "src/sync/queue_tests.rs", "use std::sync::atomic::AtomicUsize;");
}

#[test]
fn unsafe_must_argue() {
    holds(rules::safety, "src/a.rs", "// SAFETY: live.\nunsafe { f() }");
    holds(
        rules::safety,
        "src/a.rs",
        "// SAFETY: it is live,\n// and ours.\nlet x =\n    unsafe { f() };",
    );
    holds(rules::safety, "src/a.rs", "// SAFETY: no state.\nunsafe impl Send for A {}");
    holds(rules::safety, "src/a.rs", "unsafe fn f() {}\nlet s = \"unsafe {\"; // unsafe {");
    holds(rules::safety, "src/a.rs", "// SAFETY: live.\n#[inline]\nlet x = unsafe { f() };");
    breaks(rules::safety, "src/a.rs", "unsafe { f() }", 1);
    breaks(rules::safety, "src/a.rs", "// It is live.\nunsafe { f() }", 2);
    breaks(rules::safety, "src/a.rs", "// SAFETY: of g.\ng();\nunsafe { f() }", 3);
    breaks(
        rules::safety,
        "src/a.rs",
        "// SAFETY: of the first.\nlet a = unsafe { f() };\nlet b = unsafe { f() };",
        3,
    );
    breaks(rules::safety, "src/a.rs", "unsafe impl<T> Send for A<T> {}", 1);
}

#[test]
fn leftovers_are_found() {
    let note = concat!("// TO", "DO later");
    breaks(rules::leftovers, "js/src/a.ts", note, 1);
    breaks(rules::leftovers, "src/a.rs", concat!("\n    to", "do!()"), 2);
    breaks(rules::leftovers, "src/a.rs", concat!("db", "g!(x);"), 1);
    holds(rules::leftovers, "src/a.rs", "// what to do next");
}

#[test]
fn paths_of_this_machine_are_found() {
    let source = Source::new("src/a.rs", "ok\nlet x = \"/home/me/file\";");
    let places = ["/home/me/".to_owned()];
    assert_eq!(rules::machine_paths(&source, &places).len(), 1);
    assert!(rules::machine_paths(&Source::new("src/a.rs", "/home/you"), &places).is_empty());
}
