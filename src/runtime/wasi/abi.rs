//! Numbers and layouts of WASI, of `wasi_snapshot_preview1` and of `wasi_unstable` before it.

use crate::fs::{FileType, Flags, Stat, Whence};

/// Which generation a guest was built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abi {
    /// `wasi_snapshot_preview1`.
    Preview1,
    /// `wasi_unstable`, also called snapshot 0.
    Unstable,
}

/// Rights, as bits.
pub mod rights {
    macro_rules! rights {
        ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
            $($(#[$doc])* pub const $name: u64 = 1 << $bit;)*
        };
    }

    rights! {
        /// `fd_datasync`.
        FD_DATASYNC = 0;
        /// `fd_read`, `fd_pread`.
        FD_READ = 1;
        /// `fd_seek`.
        FD_SEEK = 2;
        /// `fd_fdstat_set_flags`.
        FD_FDSTAT_SET_FLAGS = 3;
        /// `fd_sync`.
        FD_SYNC = 4;
        /// `fd_tell`.
        FD_TELL = 5;
        /// `fd_write`, `fd_pwrite`.
        FD_WRITE = 6;
        /// `fd_advise`.
        FD_ADVISE = 7;
        /// `fd_allocate`.
        FD_ALLOCATE = 8;
        /// `path_create_directory`.
        PATH_CREATE_DIRECTORY = 9;
        /// `path_open` that creates.
        PATH_CREATE_FILE = 10;
        /// `path_link` from here.
        PATH_LINK_SOURCE = 11;
        /// `path_link` to here.
        PATH_LINK_TARGET = 12;
        /// `path_open`.
        PATH_OPEN = 13;
        /// `fd_readdir`.
        FD_READDIR = 14;
        /// `path_readlink`.
        PATH_READLINK = 15;
        /// `path_rename` from here.
        PATH_RENAME_SOURCE = 16;
        /// `path_rename` to here.
        PATH_RENAME_TARGET = 17;
        /// `path_filestat_get`.
        PATH_FILESTAT_GET = 18;
        /// `path_filestat_set_times`.
        PATH_FILESTAT_SET_TIMES = 20;
        /// `fd_filestat_get`.
        FD_FILESTAT_GET = 21;
        /// `fd_filestat_set_size`.
        FD_FILESTAT_SET_SIZE = 22;
        /// `fd_filestat_set_times`.
        FD_FILESTAT_SET_TIMES = 23;
        /// `path_symlink`.
        PATH_SYMLINK = 24;
        /// `path_remove_directory`.
        PATH_REMOVE_DIRECTORY = 25;
        /// `path_unlink_file`.
        PATH_UNLINK_FILE = 26;
        /// `poll_oneoff`.
        POLL_FD_READWRITE = 27;
    }

    /// A directory's. Size by path (bit 19) is no right of it: no function takes it.
    pub const DIR: u64 = PATH_CREATE_DIRECTORY
        | PATH_CREATE_FILE
        | PATH_LINK_SOURCE
        | PATH_LINK_TARGET
        | PATH_OPEN
        | FD_READDIR
        | PATH_READLINK
        | PATH_RENAME_SOURCE
        | PATH_RENAME_TARGET
        | PATH_FILESTAT_GET
        | PATH_FILESTAT_SET_TIMES
        | FD_FILESTAT_GET
        | FD_FILESTAT_SET_TIMES
        | PATH_SYMLINK
        | PATH_REMOVE_DIRECTORY
        | PATH_UNLINK_FILE;

    /// A file's that is open for reading and writing.
    pub const FILE: u64 = FD_DATASYNC
        | FD_READ
        | FD_SEEK
        | FD_FDSTAT_SET_FLAGS
        | FD_SYNC
        | FD_TELL
        | FD_WRITE
        | FD_ADVISE
        | FD_ALLOCATE
        | FD_FILESTAT_GET
        | FD_FILESTAT_SET_SIZE
        | FD_FILESTAT_SET_TIMES
        | POLL_FD_READWRITE;

    /// An input stream's. Neither seek nor tell: by that `isatty` knows a terminal.
    pub const INPUT: u64 = FD_READ | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE;

    /// An output stream's.
    pub const OUTPUT: u64 = FD_WRITE | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE;
}

/// File types as WASI numbers them.
pub mod filetype {
    /// A stream.
    pub const UNKNOWN: u8 = 0;
    /// A terminal.
    pub const CHARACTER_DEVICE: u8 = 2;
    /// A directory.
    pub const DIRECTORY: u8 = 3;
    /// A file.
    pub const REGULAR_FILE: u8 = 4;
    /// A symbolic link.
    pub const SYMBOLIC_LINK: u8 = 7;
}

/// The number of a file's type.
pub const fn file_type(of: FileType) -> u8 {
    match of {
        FileType::File => filetype::REGULAR_FILE,
        FileType::Dir => filetype::DIRECTORY,
        FileType::Symlink => filetype::SYMBOLIC_LINK,
    }
}

/// The bits of a descriptor's flags, and what each is to the filesystem.
const FDFLAGS: [(u16, Flags); 5] = [
    (1, Flags::APPEND),
    (1 << 1, Flags::DSYNC),
    (1 << 2, Flags::NONBLOCK),
    (1 << 3, Flags::RSYNC),
    (1 << 4, Flags::SYNC),
];

/// The bit of a descriptor that does not block.
pub const NONBLOCK: u16 = 1 << 2;

/// Flags for the filesystem; none for bits that mean nothing.
pub fn flags_from(bits: u32) -> Option<Flags> {
    let known = FDFLAGS.iter().filter(|(bit, _)| bits & u32::from(*bit) != 0);
    (bits < 1 << 5).then(|| known.fold(Flags::default(), |all, (_, flag)| all | *flag))
}

/// Flags of the filesystem as WASI's bits.
pub fn flags_to(flags: Flags) -> u16 {
    FDFLAGS.iter().filter(|(_, flag)| flags.has(*flag)).fold(0, |all, (bit, _)| all | bit)
}

/// A clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// Since 1970.
    Real,
    /// Since some moment; never goes backwards.
    Monotonic,
}

impl Clock {
    /// The clock of a number; processor time is not to be had in a browser.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Real),
            1 => Some(Self::Monotonic),
            _ => None,
        }
    }
}

impl Abi {
    /// What a number of `whence` means.
    pub const fn whence(self, number: u32) -> Option<Whence> {
        match (self, number) {
            (Self::Preview1, 0) | (Self::Unstable, 2) => Some(Whence::Start),
            (Self::Preview1, 1) | (Self::Unstable, 0) => Some(Whence::Current),
            (Self::Preview1, 2) | (Self::Unstable, 1) => Some(Whence::End),
            _ => None,
        }
    }

    /// Bytes of a `filestat`.
    pub const fn filestat_len(self) -> usize {
        match self {
            Self::Preview1 => 64,
            Self::Unstable => 56,
        }
    }

    /// A `filestat`; of a stream all but the type is zero.
    pub fn filestat(self, filetype: u8, stat: Option<&Stat>) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[16] = filetype;
        let Some(stat) = stat else { return bytes };
        bytes[..8].copy_from_slice(&stat.dev.to_le_bytes());
        bytes[8..16].copy_from_slice(&stat.ino.to_le_bytes());
        let rest = match self {
            Self::Preview1 => {
                bytes[24..32].copy_from_slice(&u64::from(stat.nlink).to_le_bytes());
                32
            }
            Self::Unstable => {
                bytes[20..24].copy_from_slice(&stat.nlink.to_le_bytes());
                24
            }
        };
        let times = stat.times;
        let numbers =
            [stat.size, unsigned(times.atime), unsigned(times.mtime), unsigned(times.ctime)];
        for (at, number) in numbers.into_iter().enumerate() {
            let at = rest + at * 8;
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Bytes of a `subscription`.
    pub const fn subscription_len(self) -> u32 {
        match self {
            Self::Preview1 => 48,
            Self::Unstable => 56,
        }
    }

    /// Where a clock's number stands in a `subscription`; its time follows eight bytes later.
    pub const fn clock_at(self) -> usize {
        match self {
            Self::Preview1 => 16,
            Self::Unstable => 24,
        }
    }
}

/// Times before 1970 cannot be told.
fn unsigned(nanos: i64) -> u64 {
    u64::try_from(nanos).unwrap_or(0)
}
