//! The rules of tidiness, one function each: what is wrong with a file, as sentences with their place.

use crate::source::Source;

/// Layers from the lowest up; a layer uses only those before it, never one of its own rank.
const LAYERS: [&[&str]; 9] = [
    &["error"],
    &["sys"],
    &["sync"],
    &["heap"],
    &["store"],
    &["fs"],
    &["pool"],
    &["runtime"],
    &["jobs", "db"],
];

/// The leaf that uses nothing but errors and that no layer uses.
const LEAF: &str = "linker";

/// What any layer may use although it lies higher: the one door to atomics.
const EVERYWHERE: &str = "sync::primitive";

/// Names that reach the browser.
const BROWSER: [&str; 4] = ["wasm_bindgen", "js_sys", "web_sys", "wasm_bindgen_futures"];

/// Hard limit of lines in a file.
const MAX_LINES: usize = 600;

/// What is wrong with one file, by all rules. `places` are paths of this machine.
pub(crate) fn check(source: &Source, places: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for rule in [purpose, length, layers, browser_boundary, atomics, safety, leftovers] {
        wrong.extend(rule(source));
    }
    wrong.extend(machine_paths(source, places));
    wrong
}

fn problem(source: &Source, line: usize, text: &str) -> String {
    format!("{}:{}: {text}", source.path, line + 1)
}

/// The first line is a sentence that says what the file is for.
pub(crate) fn purpose(source: &Source) -> Vec<String> {
    let mut lines = source.text.lines();
    let first = lines.next().unwrap_or_default();
    let text = if source.path.ends_with(".rs") {
        first.strip_prefix("//! ")
    } else if first == "/**" {
        lines.next().and_then(|line| line.strip_prefix(" * "))
    } else {
        first.strip_prefix("// ").or_else(|| first.strip_prefix("/** "))
    };
    let text = text.unwrap_or_default().trim_end_matches("*/").trim();
    if text.split_whitespace().count() >= 3 {
        return Vec::new();
    }
    vec![problem(source, 0, "the first line must be a comment that says what this file is for")]
}

/// No file is so long that it cannot be held in the head.
pub(crate) fn length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= MAX_LINES {
        return Vec::new();
    }
    vec![problem(source, MAX_LINES, &format!("{lines} lines, the limit is {MAX_LINES}: split it"))]
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&layer))
}

/// The folder or file directly below `src` that a kernel source belongs to.
fn layer_of(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("src/")?;
    Some(inner.split('/').next()?.trim_end_matches(".rs"))
}

/// Modules that `line` names by `crate::…`, also in the grouped form `crate::{a::x, b}`.
fn used_modules(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(rest);
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    found.push(group[start..i].trim());
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(group[start..i].trim());
                    start = i + 1;
                }
                _ => {}
            }
        }
    }
    found
}

/// A layer uses only the layers below it; the leaf uses only errors.
pub(crate) fn layers(source: &Source) -> Vec<String> {
    let Some(own) = layer_of(&source.path).filter(|_| source.is_kernel()) else {
        return Vec::new();
    };
    if own == "lib" {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for (number, line) in joined_uses(&source.code) {
        for used in used_modules(&line) {
            let name: String =
                used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let known = rank(&name).is_some() || name == LEAF;
            if name == own || !known || used.starts_with(EVERYWHERE) {
                continue;
            }
            let allowed = match (rank(own), rank(&name)) {
                (Some(own), Some(used)) => used < own,
                _ => name == "error",
            };
            if !allowed {
                let text = format!("`{own}` must not use `{name}`: layers go one way only");
                wrong.push(problem(source, number, &text));
            }
        }
    }
    wrong
}

/// Lines of code with their numbers, a `use` that spans several lines as one.
fn joined_uses(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in code.lines().enumerate() {
        match found.last_mut().filter(|_| open) {
            Some((_, whole)) => whole.push_str(line.trim()),
            None => found.push((number, line.to_owned())),
        }
        let starts = line.trim_start();
        let is_use = open || starts.starts_with("use ") || starts.starts_with("pub use ");
        open = is_use && !line.contains(';');
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(part)
            && !line[at + word.len()..].chars().next().is_some_and(part)
    })
}

/// Only `sys`, the `export` files and `store/idb.rs` touch the browser.
pub(crate) fn browser_boundary(source: &Source) -> Vec<String> {
    let path = &source.path;
    let is_door = path.starts_with("src/sys/")
        || path == "src/sys.rs"
        || path.ends_with("/export.rs")
        || path.contains("/export/")
        || path == "src/store/idb.rs";
    if !source.is_kernel() || is_door {
        return Vec::new();
    }
    let reaches = |line: &str| BROWSER.into_iter().find(|name| has_word(line, name));
    lines_where(source, |line| {
        reaches(line)
            .map(|name| format!("`{name}` outside of `sys`, `export.rs` and `store/idb.rs`"))
    })
}

/// The kernel's atomics come from `sync/primitive.rs`, so that loom can take over; tests may count by others.
pub(crate) fn atomics(source: &Source) -> Vec<String> {
    let is_test = source.path.ends_with("tests.rs") || source.path.contains("/tests/");
    if !source.is_kernel() || is_test || source.path == "src/sync/primitive.rs" {
        return Vec::new();
    }
    let own_tests = tests_begin(&source.code);
    let mut wrong = Vec::new();
    for (i, line) in source.code.lines().enumerate().take(own_tests) {
        if line.contains("sync::atomic") {
            wrong.push(problem(source, i, "atomics must come from `crate::sync::primitive`"));
        }
    }
    wrong
}

/// The line where a file's own tests begin: `#[cfg(test)]` above a module with a body.
fn tests_begin(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().collect();
    let is_tests = |i: &usize| {
        let next = lines.get(i + 1).unwrap_or(&"").trim();
        lines[*i].trim() == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{')
    };
    (0..lines.len()).find(is_tests).unwrap_or(lines.len())
}

fn lines_where(source: &Source, wrong: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let lines = source.code.lines().enumerate();
    lines.filter_map(|(i, line)| wrong(line).map(|text| problem(source, i, &text))).collect()
}

/// Every unsafe block and impl has a comment above it that argues why it is sound.
pub(crate) fn safety(source: &Source) -> Vec<String> {
    if !source.path.ends_with(".rs") {
        return Vec::new();
    }
    let text: Vec<&str> = source.text.lines().collect();
    let mut wrong = Vec::new();
    for (i, line) in source.code.lines().enumerate() {
        let mut rest = line;
        while let Some(at) = rest.find("unsafe") {
            let after = rest[at + "unsafe".len()..].trim_start();
            let is_block =
                after.starts_with('{') || after.starts_with("impl ") || after.starts_with("impl<");
            if is_block && has_word(rest, "unsafe") && !is_argued(&text, i) {
                wrong.push(problem(source, i, "unsafe without a SAFETY comment above it"));
            }
            rest = &rest[at + "unsafe".len()..];
        }
    }
    wrong
}

/// Whether a SAFETY comment stands on line `at`, or above the statement that `at` belongs to.
fn is_argued(text: &[&str], at: usize) -> bool {
    let mut in_comment = false;
    for (distance, line) in text[..=at].iter().rev().enumerate() {
        let line = line.trim();
        if line.contains("SAFETY:") {
            return true;
        }
        let comment = line.starts_with("//");
        if in_comment && !comment {
            return false;
        }
        in_comment = comment;
        // A line that ends something is above the statement, unless it is the line itself.
        let ends = line.is_empty() || line.ends_with([';', '{', '}']);
        if distance > 0 && !comment && ends {
            return false;
        }
    }
    false
}

/// Nothing that was meant to be done later, and no debugging aids.
pub(crate) fn leftovers(source: &Source) -> Vec<String> {
    // In two parts, so that this file does not accuse itself.
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let macros = [concat!("to", "do!"), concat!("unimple", "mented!"), concat!("db", "g!")];
    let mut wrong = Vec::new();
    for (i, line) in source.text.lines().enumerate() {
        let found = notes.iter().find(|word| has_word(line, word));
        if let Some(word) = found.or_else(|| macros.iter().find(|word| line.contains(**word))) {
            wrong.push(problem(source, i, &format!("leftover {word}")));
        }
    }
    wrong
}

/// No path of the machine it was written on.
pub(crate) fn machine_paths(source: &Source, places: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (i, line) in source.text.lines().enumerate() {
        for place in places {
            if line.contains(place.as_str()) {
                wrong.push(problem(source, i, &format!("holds a path of this machine: {place}")));
            }
        }
    }
    wrong
}
