//! The functions of WASI preview 1, one file per family, over one process, its files and its memory.
//!
//! | file | functions |
//! |---|---|
//! | `abi` | numbers and layouts of both generations |
//! | `args` | `args_*`, `environ_*` |
//! | `clock` | `clock_*`, `random_get` |
//! | `fd` | descriptors: state, flags, rights, numbers, offsets, sizes, times, durability |
//! | `io` | `fd_read`, `fd_write` and their positional forms |
//! | `dir` | `fd_readdir`, `fd_prestat_*` |
//! | `open` | `path_open` |
//! | `path` | the other functions on paths |
//! | `poll` | `poll_oneoff` |
//! | `proc` | `proc_*`, `sched_yield`, `sock_*` |

pub mod abi;
mod args;
mod clock;
mod dir;
mod fd;
mod io;
pub mod open;
pub mod path;
mod poll;
mod proc;
#[cfg(all(test, not(target_arch = "wasm32"), not(loom)))]
mod tests;

use super::descriptor::{Entry, What};
use super::errno::Errno;
use super::guest::Guest;
use super::process::{Pipes, Process};
use crate::fs::{Fs, HandleId, Stop, Ticket};
use std::time::Duration;

pub use abi::{Abi, Clock};

/// Why a function has no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Halt {
    /// It failed.
    Errno(Errno),
    /// Do what the filesystem asks, then call again.
    Files(Stop),
    /// Sleep on the process's bell, for so long at most, then call again.
    Sleep(Option<Duration>),
    /// The process has ended with this code.
    Ended(u32),
}

/// What functions return.
pub type Step<T> = std::result::Result<T, Halt>;

impl From<Errno> for Halt {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fail(error) => Self::Errno(error.kind().into()),
            other => Self::Files(other),
        }
    }
}

/// One call for one process: everything that it may touch.
pub struct Call<'a> {
    pub(super) process: &'a mut Process,
    pub(super) pipes: &'a mut Pipes,
    pub(super) fs: &'a mut Fs,
    pub(super) guest: &'a mut dyn Guest,
    /// Processes to ring for when the call is over.
    pub(super) rung: Vec<u32>,
    /// Changes that must be durable before the guest sees the call return.
    pub durable: Option<Ticket>,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// The file behind `fd`, which has these rights.
    fn file(&self, fd: u32, rights: u64) -> Step<(HandleId, &Entry)> {
        let entry = self.process.table.get(fd)?;
        match entry.what {
            What::File(handle) => {
                entry.needs(rights)?;
                Ok((handle, entry))
            }
            _ => Err(Errno::BADF.into()),
        }
    }

    /// The directory behind `fd`, which has these rights. For `changes`, not a read-only one.
    fn dir(&self, fd: u32, rights: u64, changes: bool) -> Step<(HandleId, &Entry)> {
        let entry = self.process.table.get(fd)?;
        match entry.what {
            What::Dir(handle, _) => {
                entry.needs(rights)?;
                if changes && entry.read_only {
                    return Err(Errno::PERM.into());
                }
                Ok((handle, entry))
            }
            What::File(_) => Err(Errno::NOTDIR.into()),
            _ => Err(Errno::BADF.into()),
        }
    }
}

/// A path from the guest, in place.
struct Path {
    bytes: [u8; crate::fs::PATH_MAX],
    len: usize,
}

impl Path {
    /// Reads a path of `len` bytes.
    ///
    /// # Errors
    /// `EFAULT`, `ENAMETOOLONG`, `EILSEQ` for what is not UTF-8.
    fn read(guest: &dyn Guest, at: u32, len: u32) -> Step<Self> {
        guest.check(at, len)?;
        let mut path = Self { bytes: [0; crate::fs::PATH_MAX], len: len as usize };
        let Some(bytes) = path.bytes.get_mut(..len as usize) else {
            return Err(Errno::NAMETOOLONG.into());
        };
        guest.read(at, bytes)?;
        if std::str::from_utf8(bytes).is_err() {
            return Err(Errno::ILSEQ.into());
        }
        Ok(path)
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
