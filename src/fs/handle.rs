//! Open files: flags, offset, and the slab that hands out numbers for them.

use super::id::Node;
use super::step::{Step, fault};
use crate::error::Kind;
use std::ops::{BitAnd, BitOr};

/// How a file is opened; combine with `|`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u32);

impl Flags {
    /// May be read.
    pub const READ: Self = Self(1);
    /// May be written.
    pub const WRITE: Self = Self(1 << 1);
    /// Every write goes to the end, positional ones too, as on Linux.
    pub const APPEND: Self = Self(1 << 2);
    /// Create it if it is missing.
    pub const CREATE: Self = Self(1 << 3);
    /// With [`CREATE`](Self::CREATE): it must be missing, a dangling link counts as present.
    pub const EXCLUSIVE: Self = Self(1 << 4);
    /// Cut an existing file to nothing; needs [`WRITE`](Self::WRITE).
    pub const TRUNCATE: Self = Self(1 << 5);
    /// It must be a directory.
    pub const DIRECTORY: Self = Self(1 << 6);
    /// It must not be a symbolic link.
    pub const NOFOLLOW: Self = Self(1 << 7);
    /// Kept and reported: writes wait for data. The caller waits; see [`Fs::ticket`](super::Fs::ticket).
    pub const DSYNC: Self = Self(1 << 8);
    /// Kept and reported: reads wait for pending writes.
    pub const RSYNC: Self = Self(1 << 9);
    /// Kept and reported: writes wait for data and metadata.
    pub const SYNC: Self = Self(1 << 10);
    /// Kept and reported: without effect on files.
    pub const NONBLOCK: Self = Self(1 << 11);

    /// What may change while a file is open (`F_SETFL`, `fd_fdstat_set_flags`).
    pub const STATUS: Self = Self(1 << 2 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11);

    /// From plain bits, unknown ones dropped.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0xfff)
    }

    /// As plain bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These without `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// An open file, as a number that is positive as an `int`, too: 20 bits of slot, 11 of generation,
/// so that a number used after its file was closed is `EBADF` and not somebody else's file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HandleId(u32);

impl HandleId {
    /// The plain number, for a boundary that only passes integers.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The handle of a plain number; using a made-up one is `EBADF`.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    const fn slot(self) -> usize {
        (self.0 & 0xf_ffff) as usize
    }

    const fn generation(self) -> u32 {
        self.0 >> 20
    }
}

/// Whom an open file belongs to: a process or thread whose death closes all of its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Owner(pub u32);

/// One open file: what POSIX calls an open file description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handle {
    pub(crate) node: Node,
    pub(crate) flags: Flags,
    pub(crate) offset: u64,
    pub(crate) owner: Owner,
    /// The epoch of what was last changed through it; 0 before anything was.
    pub(crate) changed: u64,
    /// Descriptors that share it; closed with the last.
    pub(crate) shares: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Handles {
    slots: Vec<(u32, Option<Handle>)>,
    free: Vec<u32>,
}

impl Handles {
    const LIMIT: usize = 1 << 20;

    pub(crate) fn insert(&mut self, handle: Handle) -> Step<HandleId> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() == Self::LIMIT => return Err(fault(Kind::TooManyHandles)),
            None => {
                self.slots.push((0, None));
                (self.slots.len() - 1) as u32
            }
        };
        let entry = &mut self.slots[slot as usize];
        entry.1 = Some(handle);
        Ok(HandleId(entry.0 << 20 | slot))
    }

    pub(crate) fn get(&self, id: HandleId) -> Step<&Handle> {
        match self.slots.get(id.slot()) {
            Some((generation, Some(handle))) if *generation == id.generation() => Ok(handle),
            _ => Err(fault(Kind::BadHandle)),
        }
    }

    pub(crate) fn get_mut(&mut self, id: HandleId) -> Step<&mut Handle> {
        match self.slots.get_mut(id.slot()) {
            Some((generation, Some(handle))) if *generation == id.generation() => Ok(handle),
            _ => Err(fault(Kind::BadHandle)),
        }
    }

    pub(crate) fn remove(&mut self, id: HandleId) -> Step<Handle> {
        let handle = *self.get(id)?;
        let entry = &mut self.slots[id.slot()];
        *entry = ((entry.0 + 1) & 0x7ff, None);
        self.free.push(id.slot() as u32);
        Ok(handle)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (HandleId, &Handle)> {
        self.slots.iter().enumerate().filter_map(|(slot, (generation, handle))| {
            handle.as_ref().map(|handle| (HandleId(generation << 20 | slot as u32), handle))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::StoreId;
    use super::*;

    #[test]
    fn a_closed_handle_does_not_become_the_next_one() {
        let node = Node::new(StoreId(0), 7);
        let (flags, owner) = (Flags::READ, Owner(1));
        let handle = Handle { node, flags, offset: 0, owner, changed: 0, shares: 1 };
        let mut handles = Handles::default();
        let first = handles.insert(handle).unwrap();
        handles.remove(first).unwrap();
        let second = handles.insert(handle).unwrap();
        assert_ne!(first, second);
        assert!(handles.get(first).is_err() && handles.remove(first).is_err());
        assert_eq!(handles.get(second).unwrap().node, node);
        assert_eq!(handles.iter().count(), 1);
    }
}
