//! Functions on paths below a directory: making, removing, renaming, linking, looking at.

use super::abi::{Abi, rights};
use super::fd::times;
use super::open::follow;
use super::{Call, Halt, Path, Step};
use crate::fs::{Follow, Place};
use crate::runtime::errno::Errno;

/// A path of the guest: the directory it starts at, its address, its bytes.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The directory's descriptor.
    pub dir: u32,
    /// Where the path stands.
    pub path: u32,
    /// How long it is.
    pub len: u32,
}

impl Call<'_> {
    /// `path_create_directory`.
    ///
    /// # Errors
    /// `EEXIST`, and those of any path.
    pub fn path_create_directory(&mut self, at: At) -> Step<()> {
        let (dir, _) = self.dir(at.dir, rights::PATH_CREATE_DIRECTORY, true)?;
        let path = Path::read(self.guest, at.path, at.len)?;
        self.fs.mkdir(Place::jailed(dir, path.bytes()), 0o755)?;
        Ok(())
    }

    /// `path_filestat_get`.
    ///
    /// # Errors
    /// Those of any path.
    pub fn path_filestat_get(&mut self, at: At, lookup: u32, to: u32, abi: Abi) -> Step<()> {
        let (dir, _) = self.dir(at.dir, rights::PATH_FILESTAT_GET, false)?;
        let follow = follow(lookup)?;
        let path = Path::read(self.guest, at.path, at.len)?;
        let stat = self.fs.stat(Place::jailed(dir, path.bytes()), follow)?;
        self.put_filestat(&stat, to, abi)
    }

    /// `path_filestat_set_times`: nanoseconds, of a link itself unless it is followed.
    ///
    /// # Errors
    /// `EINVAL` for flags that contradict each other, and those of any path.
    pub fn path_filestat_set_times(
        &mut self,
        at: At,
        lookup: u32,
        atime: u64,
        mtime: u64,
        flags: u32,
    ) -> Step<()> {
        let (atime, mtime) = times(atime, mtime, flags)?;
        let (dir, _) = self.dir(at.dir, rights::PATH_FILESTAT_SET_TIMES, true)?;
        let follow = follow(lookup)?;
        let path = Path::read(self.guest, at.path, at.len)?;
        let node = self.fs.node_at(Place::jailed(dir, path.bytes()), follow)?;
        Ok(self.fs.set_times(node, atime, mtime)?)
    }

    /// `path_link`: one more name for a file. Links are not followed, and asking for it is an
    /// error. Both directories are changed by it: neither may be read-only.
    ///
    /// # Errors
    /// `EINVAL`, `EEXIST`, `EPERM` for a directory, and those of any path.
    pub fn path_link(&mut self, from: At, lookup: u32, to: At) -> Step<()> {
        let (old, _) = self.dir(from.dir, rights::PATH_LINK_SOURCE, true)?;
        let (new, _) = self.dir(to.dir, rights::PATH_LINK_TARGET, true)?;
        if follow(lookup)? == Follow::Yes {
            return Err(Errno::INVAL.into());
        }
        let from = Path::read(self.guest, from.path, from.len)?;
        let to = Path::read(self.guest, to.path, to.len)?;
        let places = (Place::jailed(old, from.bytes()), Place::jailed(new, to.bytes()));
        self.fs.link(places.0, places.1, Follow::No)?;
        Ok(())
    }

    /// `path_readlink`: as many bytes of what the link says as there is room for.
    ///
    /// # Errors
    /// `EINVAL` for what is no link, `EPERM` for one that says an absolute path, and those of any
    /// path.
    pub fn path_readlink(&mut self, at: At, buffer: u32, room: u32, to: u32) -> Step<()> {
        let (dir, _) = self.dir(at.dir, rights::PATH_READLINK, false)?;
        let path = Path::read(self.guest, at.path, at.len)?;
        self.guest.check(buffer, room)?;
        self.guest.check(to, 4)?;
        let target = self.fs.readlink(Place::jailed(dir, path.bytes()))?;
        if target.first() == Some(&b'/') {
            return Err(Errno::PERM.into());
        }
        let part = &target[..target.len().min(room as usize)];
        self.guest.write(part, buffer)?;
        self.guest.write_u32(part.len() as u32, to)
    }

    /// `path_remove_directory`.
    ///
    /// # Errors
    /// `ENOTEMPTY`, `ENOTDIR`, `EINVAL` for `.`, and those of any path.
    pub fn path_remove_directory(&mut self, at: At) -> Step<()> {
        let (dir, _) = self.dir(at.dir, rights::PATH_REMOVE_DIRECTORY, true)?;
        let path = Path::read(self.guest, at.path, at.len)?;
        self.fs.rmdir(Place::jailed(dir, path.bytes()))?;
        Ok(())
    }

    /// `path_rename`, also from one preopen to another. Neither may be read-only.
    ///
    /// # Errors
    /// As POSIX has them, and those of any path.
    pub fn path_rename(&mut self, from: At, to: At) -> Step<()> {
        let (old, _) = self.dir(from.dir, rights::PATH_RENAME_SOURCE, true)?;
        let (new, _) = self.dir(to.dir, rights::PATH_RENAME_TARGET, true)?;
        let from = Path::read(self.guest, from.path, from.len)?;
        let to = Path::read(self.guest, to.path, to.len)?;
        let places = (Place::jailed(old, from.bytes()), Place::jailed(new, to.bytes()));
        self.fs.rename(places.0, places.1)?;
        Ok(())
    }

    /// `path_symlink`: a link at `to` that says `from`, which need not exist but not be absolute.
    ///
    /// # Errors
    /// `EPERM` for an absolute path to be said, `EEXIST`, `ENOTDIR` for a file with a trailing
    /// slash, and those of any path.
    pub fn path_symlink(&mut self, from: u32, from_len: u32, to: At) -> Step<()> {
        let (dir, _) = self.dir(to.dir, rights::PATH_SYMLINK, true)?;
        let target = Path::read(self.guest, from, from_len)?;
        let path = Path::read(self.guest, to.path, to.len)?;
        if target.bytes().first() == Some(&b'/') {
            return Err(Errno::PERM.into());
        }
        let place = Place::jailed(dir, path.bytes());
        match self.fs.symlink(target.bytes(), place).map_err(Halt::from) {
            Ok(_) => Ok(()),
            Err(Halt::Errno(Errno::EXIST)) if path.bytes().ends_with(b"/") => {
                // What insists on a directory and is none is told for that.
                self.fs.node_at(place, Follow::No)?;
                Err(Errno::EXIST.into())
            }
            Err(halt) => Err(halt),
        }
    }

    /// `path_unlink_file`: also a link, never a directory.
    ///
    /// # Errors
    /// `EISDIR`, `ENOTDIR` for a file with a trailing slash, and those of any path.
    pub fn path_unlink_file(&mut self, at: At) -> Step<()> {
        let (dir, _) = self.dir(at.dir, rights::PATH_UNLINK_FILE, true)?;
        let path = Path::read(self.guest, at.path, at.len)?;
        self.fs.unlink(Place::jailed(dir, path.bytes()))?;
        Ok(())
    }
}
