//! Guests: WASI processes over the kernel's files, with their descriptors, pipes and standard streams.
//!
//! # The shape
//! [`Runtime`] keeps the processes and the pipes; the kernel has one behind a lock in shared
//! memory, so any thread may call for any process. A function of WASI is a function of
//! [`wasi`], handed a [`Call`]: the runtime, the filesystem, the guest's memory ([`Guest`]) and
//! the process. None blocks. Each ends with a value or with a [`Halt`]:
//!
//! - `Errno`: it failed; that is what the guest sees.
//! - `Files`: the filesystem [stopped](crate::fs::Stop); do what it asks and call again.
//! - `Sleep`: nothing to read, no room to write, no timer due: sleep on the process's
//!   [bell](Runtime::bell), for a time at most, and call again.
//! - `Ended`: the process has ended; its threads must not go on.
//!
//! Nothing has changed when a function halts. Locks nest one way: the runtime's, then the files'.
//!
//! # What a guest may reach
//! Its preopens and nothing else. Every path is walked from an open directory as its
//! [jail](crate::fs::Base::Jail): absolute paths, absolute links and steps above it are refused
//! with `EPERM`, a step outside and back too. Descriptors below a read-only preopen are read-only,
//! and whatever changes a directory through one is refused with `EPERM`, whichever way in.
//!
//! Addresses come from the guest and are believed in nothing: all are checked against the size of
//! its memory before a call changes anything (`EFAULT`).
//!
//! # Rights
//! Reported as a descriptor's kind and access mode give them; `fd_fdstat_set_rights` takes rights
//! away for good, and what was taken is `ENOTCAPABLE`. Asking `path_open` for fewer than there are
//! has no effect beyond reading and writing, as programs expect.
//!
//! # Differences between the two generations
//! `wasi_unstable` numbers whence otherwise and lays `filestat` and `subscription` out otherwise;
//! see [`wasi::abi::Abi`].

pub mod descriptor;
pub mod errno;
#[cfg(target_arch = "wasm32")]
pub mod export;
pub mod guest;
pub mod pipe;
pub mod process;
pub mod shape;
pub mod wasi;

pub use errno::Errno;
pub use guest::Guest;
pub use process::{Config, Input, Output, Preopen, Runtime};
pub use wasi::{Call, Halt};
