//! Files: the core of the filesystem, pure state and steps, without a browser in sight.
//!
//! # The shape
//! [`Fs`] is an ordinary structure: every inode and name of every mounted store, the open files,
//! a cache of file bytes, and per store a journal of what is not durable. The kernel keeps one
//! behind a [`Lock`](crate::sync::lock::Lock) in shared memory; any thread that holds the lock
//! runs operations on it. No operation blocks and none calls a store. Each ends with a value or
//! with a [`Stop`]:
//!
//! - `Fail`: it failed.
//! - `Load`: extents are missing. For each [`Need`] get the record [`Need::key`] (or, for a store
//!   that is not made of records, the bytes at [`Need::offset`]), hand it to [`Fs::fill`], run the
//!   operation again. Keep the lock between filling and running again, or expect to be asked
//!   once more.
//! - `Commit`: the cache is full of changes. Have a batch committed, run it again; if the commit
//!   fails, give the operation up with that error.
//! - `Own`: another tab is the store's writer. Become it ([many tabs](#many-tabs)), run it again.
//!
//! Nothing has changed when an operation stops, so running it again is always right. A worker
//! does these things by waiting on a futex for the I/O worker, the page by awaiting it.
//! [`MemoryStore::run`] is such a driver at its plainest.
//!
//! Metadata is whole in memory: looking up, listing, renaming, creating never wait. Bytes come
//! and go by extents of 256 KiB, in which pages of 4 KiB are known, dirty, or in flight, under
//! the budget of [`Fs::set_cache_bytes`]; clean cold extents are evicted first, and when half the
//! budget is dirty, writers are asked to commit.
//!
//! # What a store holds
//! A store keeps records by [`Key`] and writes a [`Batch`] in one transaction. Keys sort as their
//! bytes do:
//!
//! | key | holds | written |
//! |---|---|---|
//! | `Super` | the format number | once |
//! | `Pack(n)` | up to 256 inodes | when the log is folded |
//! | `Log(seq)` | one commit: changed inodes, cuts, small writes | one with each batch |
//! | `Extent { data, index }` | up to 256 KiB of bytes | with a batch that has most of an extent; when the log is folded |
//!
//! So a commit of a thousand small files is one record; four kilobytes into a large file are one
//! record of little more than four kilobytes; a large file is its extents and one record. A mount
//! reads everything before [`Key::FIRST_EXTENT`]: some forty packs for ten thousand files, and a
//! log of at most a few MiB.
//!
//! *Names are with the inode* (a list of directory and name), not with the directory: a rename is
//! a change of one inode, a directory of any size costs nothing to change, and the tree is put
//! together at mount.
//!
//! *Bytes have their own identifier*, [`Data`], apart from the inode: truncating to nothing and
//! replacing a file as a whole give the inode new data, and one small record switches from the
//! old version to the new. Writes of one call, and files replaced as a whole, are the old version
//! or the new one after a crash; several calls are several changes, in order.
//!
//! *The log is replayed over the packs*: the last word on an inode wins, and pieces of data
//! patch their extents in order. A piece is void once the extent's record has been written, which
//! the log says itself. The log is folded a little with a batch when it is long: patched extents
//! are written whole, packs that are behind are written, and the records that nothing needs any
//! more are deleted from the front. Folding may need extents in memory: load [`Fs::fold_needs`]
//! when there is time. The newest log record always stays; it says how far numbers are.
//!
//! # Committing
//! One thread, the I/O worker, does for each store: [`Fs::take_batch`], write it in one
//! transaction, [`Fs::batch_done`]. Everything changed since the last batch goes with the next:
//! group commit. The batch owns copies of its bytes; changes go on while it is in flight, and its
//! pages stay in memory until it is done. Whoever wants durability takes a [`Ticket`] under the
//! same lock as the change and asks [`Fs::settled`] after each `batch_done`.
//!
//! A transaction that fails for lack of space undoes the *largest writers* of the batch: their
//! files get back the bytes that are durable, new ones lose their names, what they had replaced
//! by a rename stands there again, and their tickets fail. The others go with the next batch. Any
//! other failure undoes nothing and fails all open tickets; the changes go with the next batch.
//!
//! # Many tabs
//! One tab at a time owns a store ([`Fs::set_owned`]). The owner commits everything, gives up the
//! right, and tells the number of its last log record. The next owner, and every tab that reads,
//! fetches the log records after [`Fs::last_log`] and hands them to [`Fs::refresh`], or the whole
//! image if some are folded away already; inodes carry versions, and the cache drops what is of
//! another version. Inodes without a name may be another tab's open files: [`Fs::sweep_orphans`]
//! is for a tab that knows itself alone.
//!
//! # Always true
//! [`Fs::check`] looks at all of it, and tests do so after every operation.
//!
//! - A directory's entries and the names that inodes hold are the same relation.
//! - An inode without a name is held by a handle or mapping, or came so with the mount.
//! - Pages that are not known hold zeros; bytes past a file's end are zeros or not there.
//! - An extent as stored is its record with the redo log's pieces over it, and no record reaches
//!   beyond the inode's `based`.
//! - Dirty and flying pages are never evicted; at most one batch of a store is in flight.
//!
//! # Deliberately absent
//! Permission bits are kept and reported, not enforced (whoever reaches the kernel may do
//! everything); reads do not change `atime`; directories have no hard links; no record is
//! larger than what the budget lets be dirty.

mod abandon;
mod block;
mod cache;
mod check;
mod codec;
mod commit;
mod core;
mod dir;
mod env;
#[cfg(target_arch = "wasm32")]
pub mod export;
mod fold;
mod handle;
mod id;
mod image;
mod inode;
mod journal;
mod log;
mod mount;
mod ops;
mod packs;
mod path;
mod record;
mod redo;
mod resolve;
mod revert;
mod sorted;
mod step;
mod store;
mod table;
mod tree;
mod watch;

pub use self::core::{Fs, Space};
pub use commit::Fold;
pub use env::{Env, Seeded};
pub use handle::{Flags, HandleId, Owner};
pub use id::{Data, Node, StoreId};
pub use image::Image;
pub use inode::{FileType, Stat, Times};
pub use journal::Ticket;
pub use ops::{Access, DirEntry, Mapping, Publish, SetAttr, SetTime, SpaceStat, Whence};
pub use path::{Base, NAME_MAX, PATH_MAX, Place};
pub use record::{Batch, FORMAT, Key, Write};
pub use resolve::Follow;
pub use step::{Need, Step, Stop};
pub use store::MemoryStore;
pub use table::Table;
pub use watch::{Change, Event, Events};

/// Bytes of a page: what the cache knows, dirties and logs at a time.
pub const PAGE: usize = 4096;

/// Bytes of an extent: what a record of file data holds, and what is loaded and evicted at a time.
pub const EXTENT: usize = 256 * 1024;

/// The number of the last extent a file may have.
const LAST: u64 = u32::MAX as u64 - 1;

/// The largest size of a file, nearly a pebibyte.
pub const MAX_SIZE: u64 = (LAST + 1) * EXTENT as u64;

/// The cache's budget unless one is given.
pub const CACHE_BYTES: usize = 256 * 1024 * 1024;
