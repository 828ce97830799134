//! How an operation ends: done, failed, or to be run again once something has happened.

use super::id::{Data, Node, StoreId};
use crate::error::{Error, Kind};

/// What operations return: a value, or why there is none yet or at all.
pub type Step<T> = std::result::Result<T, Stop>;

/// Why an operation has not completed. All but `Fail` say: do what is asked, then run the operation
/// again with the same arguments. Nothing has changed in any case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It failed; nothing has changed.
    Fail(Error),
    /// Extents must be loaded first, each handed to [`Fs::fill`](super::Fs::fill).
    Load(Vec<Need>),
    /// The cache is full of changes: this store must commit a batch first.
    Commit(StoreId),
    /// Somebody else (another tab) writes to this store: become its writer first.
    Own(StoreId),
}

/// One extent that is not in memory. Its bytes are the record [`Need::key`], or none if the
/// store has no such record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Need {
    pub(crate) node: Node,
    pub(crate) data: Data,
    pub(crate) extent: u32,
    /// The file's stamp when the need arose; an answer to an older question is dropped.
    pub(crate) stamp: u32,
}

impl Need {
    /// The store to ask.
    pub const fn store(&self) -> StoreId {
        self.node.store()
    }

    /// The record to ask for.
    pub const fn key(&self) -> super::record::Key {
        super::record::Key::Extent { data: self.data.id(), index: self.extent }
    }

    /// The inode whose bytes these are, for stores that are not made of records.
    pub const fn node(&self) -> Node {
        self.node
    }

    /// Where in the file the missing bytes begin.
    pub const fn offset(&self) -> u64 {
        self.extent as u64 * super::EXTENT as u64
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

/// A failure of `kind` in plain words; [`At::at`] adds the path where one is known.
pub(crate) const fn fault(kind: Kind) -> Stop {
    Stop::Fail(Error::new(kind, words(kind)))
}

/// `Err` of [`fault`].
pub(crate) const fn fail<T>(kind: Kind) -> Step<T> {
    Err(fault(kind))
}

/// The words that Node.js uses for each errno, so that messages read the same.
pub(crate) const fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::NotPermitted => "operation not permitted",
        Kind::NotFound => "no such file or directory",
        Kind::BadHandle => "bad file descriptor",
        Kind::OutOfMemory => "not enough memory",
        Kind::AccessDenied => "permission denied",
        Kind::Busy => "resource busy or locked",
        Kind::Exists => "file already exists",
        Kind::CrossDevice => "cross-device link not permitted",
        Kind::NotDirectory => "not a directory",
        Kind::IsDirectory => "illegal operation on a directory",
        Kind::InvalidArgument => "invalid argument",
        Kind::TooManyHandles => "too many open files",
        Kind::FileTooLarge => "file too large",
        Kind::NoSpace => "no space left on device",
        Kind::ReadOnly => "read-only file system",
        Kind::TooManyLinks => "too many links",
        Kind::NameTooLong => "name too long",
        Kind::NotEmpty => "directory not empty",
        Kind::SymlinkLoop => "too many symbolic links encountered",
        Kind::Io => "i/o error",
        Kind::NoData => "no data available",
        Kind::NotSupported => "operation not supported on socket",
        _ => "operation failed",
    }
}

/// Naming the place in an error.
pub(crate) trait At {
    /// Adds `'path'` to a failure.
    fn at(self, path: &[u8]) -> Self;
    /// Adds `'from' -> 'to'` to a failure.
    fn between(self, from: &[u8], to: &[u8]) -> Self;
}

impl<T> At for Step<T> {
    fn at(self, path: &[u8]) -> Self {
        self.map_err(|stop| match stop {
            Stop::Fail(error) => {
                let path = String::from_utf8_lossy(path);
                Stop::Fail(Error::with(error.kind(), format!("{} '{path}'", error.message())))
            }
            other => other,
        })
    }

    fn between(self, from: &[u8], to: &[u8]) -> Self {
        self.map_err(|stop| match stop {
            Stop::Fail(error) => {
                let (from, to) = (String::from_utf8_lossy(from), String::from_utf8_lossy(to));
                let message = format!("{} '{from}' -> '{to}'", error.message());
                Stop::Fail(Error::with(error.kind(), message))
            }
            other => other,
        })
    }
}
