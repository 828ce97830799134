//! Paths as the shell means them: WASI knows no current directory, the variable PWD tells it.

use std::path::{Path, PathBuf};

/// The full path that `text` stands for.
pub fn place(text: &str) -> PathBuf {
    let here = std::env::var("PWD").unwrap_or_else(|_| "/".to_owned());
    Path::new(&here).join(text)
}

/// Where something called `from` ends up when it goes to `to`: in it, if that is a directory.
pub fn into(from: &str, to: &Path) -> PathBuf {
    let name = Path::new(from.trim_end_matches('/')).file_name();
    match name {
        Some(name) if to.is_dir() => to.join(name),
        _ => to.to_owned(),
    }
}
