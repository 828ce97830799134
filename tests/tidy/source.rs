//! Finds the repository's own source files and tells their code from their comments and strings.

use std::fs;
use std::path::Path;

/// Folders whose files are ours to keep tidy.
const FOLDERS: [&str; 7] = ["src", "js", "scripts", "tests", "examples", "benches", "pkg"];

/// Folders inside those that hold what was built, fetched or generated.
const SKIPPED: [&str; 8] =
    ["target", "node_modules", "dist", "generated", "corpus", "artifacts", "fixtures", "results"];

/// One source file: where it is and what it says.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the repository's root, with forward slashes.
    pub(crate) path: String,
    /// The text as it stands.
    pub(crate) text: String,
    /// The text with comments and the insides of strings blanked; same lines as `text`.
    pub(crate) code: String,
}

impl Source {
    /// A source as the rules see it.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { rust_code(text) } else { text.to_owned() };
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// Whether this is Rust of the library itself.
    pub(crate) fn is_kernel(&self) -> bool {
        self.path.starts_with("src/") && self.path.ends_with(".rs")
    }
}

/// All source files (`.rs`, `.ts`, `.mjs`, `.js`) of the repository at `root`, sorted by path.
pub(crate) fn all(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        collect(root, &root.join(folder), &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) && !name.starts_with('.') {
                collect(root, &path, found);
            }
            continue;
        }
        let known = [".rs", ".ts", ".mjs", ".js"].iter().any(|end| name.ends_with(end));
        if !known || name.ends_with(".min.js") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources are UTF-8");
        let relative = path.strip_prefix(root).expect("a path below the root");
        found.push(Source::new(&relative.to_string_lossy().replace('\\', "/"), &text));
    }
}

/// Blanks comments and the insides of string and character literals, keeping every line break.
pub(crate) fn rust_code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => block_comment_end(&chars, at),
            ('"', _) => string_end(&chars, at + 1),
            ('r', Some('"' | '#')) if !follows_name(&chars, at) => raw_string_end(&chars, at),
            ('\'', _) => char_end(&chars, at),
            _ => at + 1,
        };
        if end == at + 1 {
            code.push(chars[at]);
        } else {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        }
        at = end;
    }
    code
}

fn follows_name(chars: &[char], at: usize) -> bool {
    // `br"…"` is a raw string too, so a `b` alone is no name.
    let before = chars[..at].iter().rev().take_while(|c| c.is_alphanumeric() || **c == '_');
    let before: String = before.collect();
    !(before.is_empty() || before == "b")
}

fn line_end(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The end of `r"…"` or `r#"…"#`; just past the `r` where it begins no string (`r#type`).
fn raw_string_end(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return start + 1;
    }
    let closes = |i: usize| {
        chars[i] == '"'
            && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (open + 1..chars.len()).find(|i| closes(*i)).map_or(chars.len(), |i| i + 1 + hashes)
}

/// The end of a character literal; just past the quote where it begins a lifetime.
fn char_end(chars: &[char], start: usize) -> usize {
    match (chars.get(start + 1), chars.get(start + 2)) {
        (Some('\\'), _) => {
            let close = (start + 3..chars.len()).find(|i| chars[*i] == '\'');
            close.map_or(chars.len(), |i| i + 1)
        }
        (Some(_), Some('\'')) => start + 3,
        _ => start + 1,
    }
}
