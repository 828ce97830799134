//! Attributes: stat, permissions, times, and how full a store is.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::core::{Backing, Space};
use crate::fs::handle::HandleId;
use crate::fs::id::Node;
use crate::fs::inode::Stat;
use crate::fs::path::{NAME_MAX, Place};
use crate::fs::resolve::Follow;
use crate::fs::step::{At, Step, fail};
use crate::fs::watch::Change;

/// What to set a timestamp to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    /// Leave it.
    Keep,
    /// The present.
    Now,
    /// Nanoseconds since the epoch.
    To(i64),
}

/// What one wants to do with a file; combine by setting several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Access {
    /// Read it.
    pub read: bool,
    /// Write it.
    pub write: bool,
    /// Run it, or search the directory.
    pub execute: bool,
}

/// What `statfs` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpaceStat {
    /// Bytes used and available.
    pub space: Space,
    /// Inodes in the store.
    pub files: u64,
    /// The longest name.
    pub name_max: u32,
    /// The unit that data is kept in.
    pub block_size: u32,
    /// Nothing keeps the files: they are gone with this kernel.
    pub in_memory: bool,
}

impl Fs {
    /// What is at `place`; a symbolic link itself with [`Follow::No`].
    ///
    /// # Errors
    /// `ENOENT`, and those of any path.
    pub fn stat(&self, place: Place<'_>, follow: Follow) -> Step<Stat> {
        self.walk(&place, follow).and_then(|node| self.stat_node(node)).at(place.path)
    }

    /// What an open file is.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn fstat(&self, handle: HandleId) -> Step<Stat> {
        self.stat_node(self.handles.get(handle)?.node)
    }

    /// What an inode is.
    ///
    /// # Errors
    /// `ESTALE` if it is gone.
    pub fn stat_node(&self, node: Node) -> Step<Stat> {
        let inode = self.tree.inode(node)?;
        let is_removed =
            inode.links.is_empty() && inode.dir().is_some_and(|dir| dir.parent != node);
        let (uid, gid) = inode.owner();
        Ok(Stat {
            dev: node.store().device(),
            ino: node.id(),
            file_type: inode.file_type(),
            mode: inode.mode,
            uid,
            gid,
            nlink: if is_removed { 0 } else { inode.nlink() },
            size: inode.size(),
            times: inode.times,
        })
    }

    /// The inode at `place`.
    ///
    /// # Errors
    /// `ENOENT`, and those of any path.
    pub fn node_at(&self, place: Place<'_>, follow: Follow) -> Step<Node> {
        self.walk(&place, follow).at(place.path)
    }

    /// Sets the permission bits of an inode. They are kept and reported, not enforced: whoever
    /// reaches this code may do everything, as root may.
    ///
    /// # Errors
    /// `EROFS`, `ESTALE`.
    pub fn chmod(&mut self, node: Node, mode: u32) -> Step<()> {
        self.writable(node)?;
        self.tree.inode_mut(node)?.mode = mode & 0o7777;
        let now = self.env.now();
        self.touch_inode(node, now);
        self.announce(Change::Attributes, node);
        Ok(())
    }

    /// Sets user and group of an inode; none leaves one as it is. Kept and reported, as the
    /// permission bits are.
    ///
    /// # Errors
    /// `EROFS`, `ESTALE`.
    pub fn chown(&mut self, node: Node, uid: Option<u32>, gid: Option<u32>) -> Step<()> {
        self.writable(node)?;
        self.tree.inode_mut(node)?.change_extras(|extras| {
            extras.uid = uid.unwrap_or(extras.uid);
            extras.gid = gid.unwrap_or(extras.gid);
        });
        let now = self.env.now();
        self.touch_inode(node, now);
        self.announce(Change::Attributes, node);
        Ok(())
    }

    /// Sets an inode's times of access and modification, a symbolic link's own too.
    ///
    /// # Errors
    /// `EROFS`, `ESTALE`.
    pub fn set_times(&mut self, node: Node, atime: SetTime, mtime: SetTime) -> Step<()> {
        self.writable(node)?;
        let now = self.env.now();
        let times = &mut self.tree.inode_mut(node)?.times;
        for (time, set) in [(&mut times.atime, atime), (&mut times.mtime, mtime)] {
            match set {
                SetTime::Keep => {}
                SetTime::Now => *time = now,
                SetTime::To(nanos) => *time = nanos,
            }
        }
        self.touch_inode(node, now);
        self.announce(Change::Attributes, node);
        Ok(())
    }

    /// Whether the permission bits of the owner allow `wanted`, and the store allows writing.
    ///
    /// # Errors
    /// `EACCES`, `EROFS`, `ENOENT`, and those of any path.
    pub fn access(&self, place: Place<'_>, wanted: Access) -> Step<()> {
        let run = || {
            let node = self.walk(&place, Follow::Yes)?;
            let mode = self.tree.inode(node)?.mode;
            let allowed = (!wanted.read || mode & 0o400 != 0)
                && (!wanted.write || mode & 0o200 != 0)
                && (!wanted.execute || mode & 0o100 != 0);
            if wanted.write {
                self.writable(node)?;
            }
            if allowed { Ok(()) } else { fail(Kind::AccessDenied) }
        };
        run().at(place.path)
    }

    /// How full the store at `place` is.
    ///
    /// # Errors
    /// `ENOENT`, and those of any path.
    pub fn statfs(&self, place: Place<'_>) -> Step<SpaceStat> {
        let node = self.walk(&place, Follow::Yes).at(place.path)?;
        let store = node.store();
        let files = self.tree.iter().filter(|(node, _)| node.store() == store).count() as u64;
        let volume = self.volume(store);
        let space = volume.map_or(Space::default(), |volume| volume.space);
        Ok(SpaceStat {
            space,
            files,
            name_max: NAME_MAX as u32,
            block_size: crate::fs::PAGE as u32,
            in_memory: volume.is_some_and(|volume| volume.backing == Backing::Memory),
        })
    }
}
