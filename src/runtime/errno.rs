//! Error numbers as WASI preview 1 has them, and what the kernel's errors are among them.

use crate::error::Kind;

/// A WASI error number; 0 would be success and never stands here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub u16);

macro_rules! errnos {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl Errno {
            $($(#[$doc])* pub const $name: Self = Self($number);)*
        }
    };
}

errnos! {
    /// Permission denied.
    ACCES = 2;
    /// Would block.
    AGAIN = 6;
    /// No such descriptor, or not open for this.
    BADF = 8;
    /// In use.
    BUSY = 10;
    /// Exists already.
    EXIST = 20;
    /// An address outside of the guest's memory.
    FAULT = 21;
    /// Too large a file.
    FBIG = 22;
    /// A path that is not UTF-8.
    ILSEQ = 25;
    /// An argument that makes no sense.
    INVAL = 28;
    /// The store failed.
    IO = 29;
    /// A directory where a file was wanted.
    ISDIR = 31;
    /// Too many symbolic links, or one where none was wanted.
    LOOP = 32;
    /// Too many descriptors.
    MFILE = 33;
    /// Too many names.
    MLINK = 34;
    /// A path too long, or a buffer too short for a name.
    NAMETOOLONG = 37;
    /// Nothing there.
    NOENT = 44;
    /// No memory.
    NOMEM = 48;
    /// No space.
    NOSPC = 51;
    /// A file where a directory was wanted.
    NOTDIR = 54;
    /// A directory with entries.
    NOTEMPTY = 55;
    /// Not a socket.
    NOTSOCK = 57;
    /// Not to be had here.
    NOTSUP = 58;
    /// A number too large for its field.
    OVERFLOW = 61;
    /// Not allowed.
    PERM = 63;
    /// Nobody reads the pipe.
    PIPE = 64;
    /// A read-only store.
    ROFS = 69;
    /// A stream has no offset.
    SPIPE = 70;
    /// The file is gone.
    STALE = 72;
    /// It took too long.
    TIMEDOUT = 73;
    /// Two stores.
    XDEV = 75;
    /// The descriptor has lost the right.
    NOTCAPABLE = 76;
}

impl From<Kind> for Errno {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::NotPermitted => Self::PERM,
            Kind::NotFound => Self::NOENT,
            Kind::BadHandle => Self::BADF,
            Kind::WouldBlock => Self::AGAIN,
            Kind::OutOfMemory => Self::NOMEM,
            Kind::AccessDenied => Self::ACCES,
            Kind::BadAddress => Self::FAULT,
            Kind::Busy => Self::BUSY,
            Kind::Exists => Self::EXIST,
            Kind::CrossDevice => Self::XDEV,
            Kind::NotDirectory => Self::NOTDIR,
            Kind::IsDirectory => Self::ISDIR,
            Kind::InvalidArgument => Self::INVAL,
            Kind::TooManyHandles => Self::MFILE,
            Kind::FileTooLarge => Self::FBIG,
            Kind::NoSpace => Self::NOSPC,
            Kind::InvalidSeek => Self::SPIPE,
            Kind::ReadOnly => Self::ROFS,
            Kind::TooManyLinks => Self::MLINK,
            Kind::BrokenPipe => Self::PIPE,
            Kind::NameTooLong => Self::NAMETOOLONG,
            Kind::NotEmpty => Self::NOTEMPTY,
            Kind::SymlinkLoop => Self::LOOP,
            Kind::Overflow => Self::OVERFLOW,
            Kind::IllegalSequence => Self::ILSEQ,
            Kind::NotSupported => Self::NOTSUP,
            Kind::TimedOut => Self::TIMEDOUT,
            Kind::Stale => Self::STALE,
            _ => Self::IO,
        }
    }
}
