//! Paths as POSIX has them: bytes, components between slashes, two limits.

use super::handle::HandleId;
use super::step::{Step, fail};
use crate::error::Kind;

/// A name is at most this long, in bytes.
pub const NAME_MAX: usize = 255;

/// A path is shorter than this, in bytes, as with Linux, which counts a terminating zero.
pub const PATH_MAX: usize = 4096;

/// Where a path starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// At the root directory, also when it has no leading slash.
    Root,
    /// At an open directory; a leading slash starts at the root.
    Dir(HandleId),
    /// At an open directory, and never above it: a leading slash, `..` beyond it and links that
    /// lead out are refused with `EPERM`, a step outside and back too.
    Jail(HandleId),
}

/// A path and where it starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// Where it starts.
    pub base: Base,
    /// Bytes; not necessarily UTF-8.
    pub path: &'a [u8],
}

impl<'a> Place<'a> {
    /// `path` from the root.
    pub const fn root(path: &'a [u8]) -> Self {
        Self { base: Base::Root, path }
    }

    /// `path` from the open directory `dir`, free to leave it.
    pub const fn from_dir(dir: HandleId, path: &'a [u8]) -> Self {
        Self { base: Base::Dir(dir), path }
    }

    /// `path` within the open directory `dir`.
    pub const fn jailed(dir: HandleId, path: &'a [u8]) -> Self {
        Self { base: Base::Jail(dir), path }
    }
}

impl<'a> From<&'a str> for Place<'a> {
    fn from(path: &'a str) -> Self {
        Self::root(path.as_bytes())
    }
}

/// The components of `path` from left to right: neither empty nor changed, `.` and `..` included.
pub(crate) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|component| !component.is_empty())
}

/// Whether the path insists on a directory by ending in a slash.
pub(crate) fn wants_dir(path: &[u8]) -> bool {
    path.last() == Some(&b'/')
}

/// Refuses paths that no lookup may see.
///
/// # Errors
/// `ENOENT` for the empty path, `ENAMETOOLONG` for 4096 bytes or more, `EINVAL` for a zero byte.
pub(crate) fn validate(path: &[u8]) -> Step<()> {
    if path.is_empty() {
        return fail(Kind::NotFound);
    }
    if path.len() >= PATH_MAX {
        return fail(Kind::NameTooLong);
    }
    if path.contains(&0) {
        return fail(Kind::InvalidArgument);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Vec<&str> {
        components(path.as_bytes()).map(|c| std::str::from_utf8(c).unwrap()).collect()
    }

    #[test]
    fn components_skip_only_empty_ones() {
        assert_eq!(split("/a//b/./../c/"), ["a", "b", ".", "..", "c"]);
        assert!(split("///").is_empty());
    }

    #[test]
    fn limits_are_refused_at_the_edge() {
        assert!(validate(&[b'a'; PATH_MAX - 1]).is_ok());
        assert!(validate(&[b'a'; PATH_MAX]).is_err());
        assert!(validate(b"").is_err());
        assert!(validate(b"a\0b").is_err());
    }
}
