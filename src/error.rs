//! The one error type of the kernel: a private kind with a stable name and number, and a message.

use std::borrow::Cow;
use std::fmt;

/// What every fallible operation of the crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure with a stable code that JavaScript shows as `error.code`.
///
/// The message names what was wrong and where. Two pointers and a tag in size, so that a
/// `Result<u32>` stays cheap to return.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal;)*) => {
        /// The private list of what can go wrong. Numbers are part of the ABI: never reuse one.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        #[allow(dead_code, reason = "the list is the ABI; which part is used depends on features")]
        pub(crate) enum Kind { $($(#[$doc])* $kind = $number,)* }

        impl Kind {
            /// The stable name that JavaScript shows as `error.code`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }
        }

        #[cfg(test)]
        const ALL: &[Kind] = &[$(Kind::$kind,)*];
    };
}

kinds! {
    // POSIX errno names, numbered as Linux does, for the filesystem and WASI.
    NotPermitted = 1, "EPERM";
    NotFound = 2, "ENOENT";
    Io = 5, "EIO";
    BadHandle = 9, "EBADF";
    WouldBlock = 11, "EAGAIN";
    OutOfMemory = 12, "ENOMEM";
    AccessDenied = 13, "EACCES";
    BadAddress = 14, "EFAULT";
    Busy = 16, "EBUSY";
    Exists = 17, "EEXIST";
    CrossDevice = 18, "EXDEV";
    NotDirectory = 20, "ENOTDIR";
    IsDirectory = 21, "EISDIR";
    InvalidArgument = 22, "EINVAL";
    TooManyHandles = 24, "EMFILE";
    FileTooLarge = 27, "EFBIG";
    NoSpace = 28, "ENOSPC";
    InvalidSeek = 29, "ESPIPE";
    ReadOnly = 30, "EROFS";
    TooManyLinks = 31, "EMLINK";
    BrokenPipe = 32, "EPIPE";
    OutOfRange = 34, "ERANGE";
    NameTooLong = 36, "ENAMETOOLONG";
    NotSupportedCall = 38, "ENOSYS";
    NotEmpty = 39, "ENOTEMPTY";
    SymlinkLoop = 40, "ELOOP";
    NoData = 61, "ENODATA";
    Overflow = 75, "EOVERFLOW";
    IllegalSequence = 84, "EILSEQ";
    NotSupported = 95, "ENOTSUP";
    TimedOut = 110, "ETIMEDOUT";
    Stale = 116, "ESTALE";
    Canceled = 125, "ECANCELED";
    OwnerDied = 130, "EOWNERDEAD";

    // The heap.
    DoubleFree = 1000, "ERR_DOUBLE_FREE";
    WildPointer = 1001, "ERR_WILD_POINTER";
    HeapCorrupt = 1002, "ERR_HEAP_CORRUPT";

    // The linker.
    MalformedModule = 2000, "ERR_MALFORMED_MODULE";
    UnsupportedModule = 2001, "ERR_UNSUPPORTED_MODULE";
    NotRelocatable = 2002, "ERR_NOT_RELOCATABLE";
    StaleRelocation = 2003, "ERR_STALE_RELOCATION";
    MissingHeapBase = 2004, "ERR_MISSING_HEAP_BASE";
    UndefinedSymbol = 2005, "ERR_UNDEFINED_SYMBOL";
    DuplicateSymbol = 2006, "ERR_DUPLICATE_SYMBOL";
    LayoutOverflow = 2007, "ERR_LAYOUT_OVERFLOW";
}

impl Error {
    pub(crate) const fn new(kind: Kind, message: &'static str) -> Self {
        Self { kind, message: Cow::Borrowed(message) }
    }

    pub(crate) const fn with(kind: Kind, message: String) -> Self {
        Self { kind, message: Cow::Owned(message) }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable name, an errno name (`"ENOENT"`) or `"ERR_…"`.
    pub const fn code(&self) -> &'static str {
        self.kind.name()
    }

    /// The stable number: Linux's errno for errno names, 1000 and above for the kernel's own.
    pub const fn number(&self) -> u16 {
        self.kind as u16
    }

    /// What was wrong and where, without the code.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_size_is_a_string_and_a_tag() {
        assert_eq!(size_of::<Error>(), 4 * size_of::<usize>());
    }

    #[test]
    fn codes_and_numbers_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|kind| kind.name()).collect();
        let numbers: std::collections::BTreeSet<_> = ALL.iter().map(|kind| *kind as u16).collect();
        assert_eq!(names.len(), ALL.len());
        assert_eq!(numbers.len(), ALL.len());
    }
}
