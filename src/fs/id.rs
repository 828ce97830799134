//! Names of things within one kernel: stores, inodes and the data of files.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// Identifiers have this many random bits: what a JavaScript number holds exactly.
const BITS: u32 = 53;
const MASK: u64 = (1 << BITS) - 1;

/// Which mounted store something lives in; stable while mounted. `st_dev` is this plus one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StoreId(pub(crate) u16);

impl StoreId {
    /// More stores than this cannot be mounted at a time: what the bits above 53 can tell apart.
    pub(crate) const LIMIT: usize = 1 << (64 - BITS);

    /// The number that `stat` shows as device.
    pub const fn device(self) -> u64 {
        self.0 as u64 + 1
    }

    /// The plain number, for a boundary that only passes integers.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// The store of a plain number; operations on one that is not mounted fail with `ENODEV`'s
    /// nearest kin here, `ENOENT`.
    pub const fn from_number(number: u32) -> Self {
        Self(number as u16)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            pub(crate) const fn new(store: StoreId, id: u64) -> Self {
                Self((store.0 as u64) << BITS | id & MASK)
            }

            pub(crate) const fn to_word(self) -> u64 {
                self.0
            }

            pub(crate) const fn from_word(word: u64) -> Self {
                Self(word)
            }

            /// The store it lives in.
            pub const fn store(self) -> StoreId {
                StoreId((self.0 >> BITS) as u16)
            }

            /// Its number within the store: 53 bits, exact as a JavaScript number.
            pub const fn id(self) -> u64 {
                self.0 & MASK
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}:{:x})", stringify!($name), self.store().0, self.id())
            }
        }
    };
}

id! {
    /// An inode: a file, directory or symbolic link, whatever its names are.
    Node
}

id! {
    /// The contents of a file. A file that is truncated to nothing or replaced as a whole gets
    /// new data, so that one small record switches from the old version to the new.
    Data
}

/// The root directory of every store.
pub(crate) const ROOT_ID: u64 = 1;

/// Hashes what is random already: the identity, folded.
#[derive(Default, Debug, Clone, Copy)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, id: u64) {
        // The table uses the top 7 bits too, and those are the store's: spread the random ones.
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A hash map by [`Node`] or [`Data`].
pub(crate) type IdMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<IdHasher>>;
