//! Files: the core of the filesystem, pure state and steps, without a browser in sight.
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
pub use ops::{Access, DirEntry, Mapping, Publish, SetTime, SpaceStat, Whence};
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
