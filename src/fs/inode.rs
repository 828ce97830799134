//! Inodes: what a file, directory or symbolic link is apart from its bytes.

use super::dir::Dir;
use super::id::{Data, Node};
use std::sync::Arc;

/// One component of a path, shared between a directory's two indexes and the inode.
pub(crate) type Name = Arc<[u8]>;

/// Nanoseconds since the Unix epoch; reads leave `atime` alone (as a `noatime` mount does).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// Last access, as set by creation and by `utimes`.
    pub atime: i64,
    /// Last change of the contents.
    pub mtime: i64,
    /// Last change of the inode.
    pub ctime: i64,
    /// Creation.
    pub btime: i64,
}

impl Times {
    pub(crate) const fn all(now: i64) -> Self {
        Self { atime: now, mtime: now, ctime: now, btime: now }
    }
}

/// One name of an inode. Names are stored with the inode, not with the directory: a rename
/// changes one record, and a directory of any size costs nothing to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Link {
    pub(crate) dir: Node,
    pub(crate) name: Name,
}

/// Where a file's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct File {
    pub(crate) size: u64,
    pub(crate) data: Data,
    /// No extent record reaches beyond this offset: what is not in memory there is the redo
    /// log's, or zero.
    pub(crate) based: u64,
    /// Counts events after which an extent that was asked for earlier is out of date.
    pub(crate) stamp: u32,
    /// Whether some batch has carried bytes of `data`: then dropping it is a batch's matter too.
    pub(crate) stored: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    File(File),
    Dir(Dir),
    Symlink(Arc<[u8]>),
}

/// What kind of thing an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
}

/// What most inodes do not have: another owner than user 0, and extended attributes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// By name, in order: a list, for there are few.
    pub(crate) attrs: Vec<(Name, Arc<[u8]>)>,
}

impl Extras {
    /// Where the attribute is, or would be.
    pub(crate) fn find(&self, name: &[u8]) -> Result<usize, usize> {
        self.attrs.binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub(crate) body: Body,
    /// Permission bits only, `0o7777`.
    pub(crate) mode: u32,
    pub(crate) times: Times,
    /// All names; empty once removed while something holds it open. The root has none.
    pub(crate) links: Vec<Link>,
    /// Handles and mounts that keep it alive without a name.
    pub(crate) opens: u32,
    /// Whether a batch has carried a record of it.
    pub(crate) stored: bool,
    /// Grows with every record of it that is written: another tab sees by it what has changed.
    pub(crate) version: u64,
    /// None while it has nothing out of the ordinary.
    pub(crate) extras: Option<Arc<Extras>>,
}

impl Inode {
    pub(crate) fn new(body: Body, mode: u32, now: i64) -> Self {
        let times = Times::all(now);
        let links = Vec::new();
        let mode = mode & 0o7777;
        Self { body, mode, times, links, opens: 0, stored: false, version: 0, extras: None }
    }

    pub(crate) fn file_type(&self) -> FileType {
        match self.body {
            Body::File(_) => FileType::File,
            Body::Dir(_) => FileType::Dir,
            Body::Symlink(_) => FileType::Symlink,
        }
    }

    pub(crate) fn is_dir(&self) -> bool {
        matches!(self.body, Body::Dir(_))
    }

    pub(crate) fn dir(&self) -> Option<&Dir> {
        if let Body::Dir(dir) = &self.body { Some(dir) } else { None }
    }

    pub(crate) fn dir_mut(&mut self) -> Option<&mut Dir> {
        if let Body::Dir(dir) = &mut self.body { Some(dir) } else { None }
    }

    pub(crate) fn file(&self) -> Option<&File> {
        if let Body::File(file) = &self.body { Some(file) } else { None }
    }

    pub(crate) fn file_mut(&mut self) -> Option<&mut File> {
        if let Body::File(file) = &mut self.body { Some(file) } else { None }
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.body {
            Body::File(file) => file.size,
            // As many file systems do: something that grows with the directory.
            Body::Dir(dir) => dir.len() as u64 * 32,
            Body::Symlink(target) => target.len() as u64,
        }
    }

    /// User and group.
    pub(crate) fn owner(&self) -> (u32, u32) {
        self.extras.as_ref().map_or((0, 0), |extras| (extras.uid, extras.gid))
    }

    /// Changes what most inodes do not have; what is ordinary afterwards takes no room.
    pub(crate) fn change_extras<T>(&mut self, change: impl FnOnce(&mut Extras) -> T) -> T {
        let mut extras = self.extras.take().unwrap_or_default();
        let answer = change(Arc::make_mut(&mut extras));
        self.extras = (*extras != Extras::default()).then_some(extras);
        answer
    }

    pub(crate) fn nlink(&self) -> u32 {
        match &self.body {
            // Its name and its `.` and the `..` of each directory in it.
            Body::Dir(dir) => 2 + dir.subdirs(),
            _ => u32::try_from(self.links.len()).unwrap_or(u32::MAX),
        }
    }
}

/// What `stat` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Which store, `st_dev`.
    pub dev: u64,
    /// Which inode of it, `st_ino`: 53 bits.
    pub ino: u64,
    /// What it is.
    pub file_type: FileType,
    /// Permission bits, without the type.
    pub mode: u32,
    /// The user it belongs to: 0 unless `chown` has said otherwise.
    pub uid: u32,
    /// The group it belongs to.
    pub gid: u32,
    /// Number of names.
    pub nlink: u32,
    /// Bytes; of a symbolic link the length of its target.
    pub size: u64,
    /// Timestamps.
    pub times: Times,
}

impl Stat {
    /// Type and permissions as `st_mode` packs them.
    pub const fn st_mode(&self) -> u32 {
        self.mode
            | match self.file_type {
                FileType::File => 0o100_000,
                FileType::Dir => 0o040_000,
                FileType::Symlink => 0o120_000,
            }
    }
}
