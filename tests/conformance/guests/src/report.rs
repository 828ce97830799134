//! How cases say what a call answered: a line each, errors by their names in the specification.

use std::fmt::Debug;
pub use wasi::*;

/// The directory that may be changed.
pub const ROOT: Fd = 3;
/// The directory that may only be read.
pub const RO: Fd = 4;
/// Another directory that may be changed.
pub const OTHER: Fd = 5;

/// What can be done with any file: hosts that enforce rights want them named.
const ANY: Rights = RIGHTS_FD_SEEK
    | RIGHTS_FD_TELL
    | RIGHTS_FD_ADVISE
    | RIGHTS_FD_SYNC
    | RIGHTS_FD_DATASYNC
    | RIGHTS_FD_FDSTAT_SET_FLAGS
    | RIGHTS_FD_FILESTAT_GET
    | RIGHTS_FD_FILESTAT_SET_TIMES
    | RIGHTS_POLL_FD_READWRITE;
/// Rights to read a file.
pub const READ: Rights = RIGHTS_FD_READ | ANY;
/// Rights to write a file.
pub const WRITE: Rights = RIGHTS_FD_WRITE | RIGHTS_FD_ALLOCATE | RIGHTS_FD_FILESTAT_SET_SIZE | ANY;

/// The result of a call, in words.
pub fn told<T: Debug>(result: Result<T, Errno>) -> String {
    match result {
        Ok(value) => format!("ok {value:?}").replace("ok ()", "ok"),
        Err(errno) => format!("E{}", errno.name()),
    }
}

/// Prints a label and the answer of a call.
#[macro_export]
macro_rules! say {
    ($label:expr, $call:expr) => {{
        // SAFETY: every pointer handed over is of a live buffer of the length that is told.
        #[allow(unused_unsafe, reason = "some calls are safe")]
        let result = unsafe { $call };
        println!("{}: {}", $label, $crate::report::told(result));
    }};
}

/// Opens a file, as most cases do.
pub fn open(
    dir: Fd,
    path: &str,
    oflags: Oflags,
    rights: Rights,
    fdflags: Fdflags,
) -> Result<Fd, Errno> {
    // SAFETY: the path outlives the call.
    unsafe {
        path_open(
            dir,
            LOOKUPFLAGS_SYMLINK_FOLLOW,
            path,
            oflags,
            rights,
            RIGHTS_FD_READ | RIGHTS_FD_WRITE,
            fdflags,
        )
    }
}

/// Makes a file with these bytes in it.
pub fn file(dir: Fd, path: &str, bytes: &[u8]) {
    let fd =
        open(dir, path, OFLAGS_CREAT | OFLAGS_TRUNC, READ | WRITE, 0).expect("a file to work on");
    write(fd, bytes).expect("bytes in it");
    close(fd);
}

/// Makes a directory.
pub fn dir(at: Fd, path: &str) {
    // SAFETY: the path outlives the call.
    unsafe { path_create_directory(at, path) }.expect("a directory to work in");
}

/// Writes to a descriptor.
pub fn write(fd: Fd, bytes: &[u8]) -> Result<Size, Errno> {
    // SAFETY: the buffer outlives the call.
    unsafe { fd_write(fd, &[Ciovec { buf: bytes.as_ptr(), buf_len: bytes.len() }]) }
}

/// Reads at most `len` bytes, as text.
pub fn read(fd: Fd, len: usize) -> Result<String, Errno> {
    let mut bytes = vec![0; len];
    // SAFETY: the buffer outlives the call and has its length.
    let read = unsafe { fd_read(fd, &[Iovec { buf: bytes.as_mut_ptr(), buf_len: len }]) }?;
    Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
}

/// Reads a whole file by its path.
pub fn contents(at: Fd, path: &str) -> Result<String, Errno> {
    let fd = open(at, path, 0, READ, 0)?;
    let text = read(fd, 4096);
    close(fd);
    text
}

/// Closes a descriptor that is open.
pub fn close(fd: Fd) {
    // SAFETY: closing touches no memory.
    unsafe { fd_close(fd) }.expect("an open descriptor");
}

/// Whether and as what a path is there.
pub fn kind(at: Fd, path: &str) -> Result<&'static str, Errno> {
    // SAFETY: the path outlives the call.
    let stat = unsafe { path_filestat_get(at, 0, path) }?;
    Ok(type_name(stat.filetype))
}

/// The name of a type of file.
pub fn type_name(filetype: Filetype) -> &'static str {
    match filetype {
        FILETYPE_DIRECTORY => "directory",
        FILETYPE_REGULAR_FILE => "file",
        FILETYPE_SYMBOLIC_LINK => "link",
        FILETYPE_CHARACTER_DEVICE => "terminal",
        FILETYPE_BLOCK_DEVICE => "block device",
        FILETYPE_SOCKET_STREAM | FILETYPE_SOCKET_DGRAM => "socket",
        _ => "unknown",
    }
}
