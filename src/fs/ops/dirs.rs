//! Directories: making them and reading them.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::dir::{DOT, Dir};
use crate::fs::handle::HandleId;
use crate::fs::id::Node;
use crate::fs::inode::{Body, FileType};
use crate::fs::path::{self, Place};
use crate::fs::resolve::Follow;
use crate::fs::step::{At, Step, Stop, fail};

/// One entry of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirEntry<'a> {
    /// Where it stands: reading on after this cookie yields what follows.
    pub cookie: u64,
    /// The name.
    pub name: &'a [u8],
    /// The inode.
    pub node: Node,
    /// What it is.
    pub file_type: FileType,
}

impl Fs {
    /// Makes a directory with permissions `mode`.
    ///
    /// # Errors
    /// `EEXIST`, also for a dangling link; `ENOENT` and `ENOTDIR` for the path before it.
    pub fn mkdir(&mut self, place: Place<'_>, mode: u32) -> Step<Node> {
        self.make_dir(&place, mode).at(place.path)
    }

    fn make_dir(&mut self, place: &Place<'_>, mode: u32) -> Step<Node> {
        let found = self.resolve(place, Follow::Name)?;
        let (dir, name) = (found.dir, found.vacant()?.to_vec());
        self.tree.accepts(dir)?;
        self.writable(dir)?;
        self.create(dir, &name, Body::Dir(Dir::new(dir)), mode)
    }

    /// Makes a directory and those that lead to it, as far as they are missing. Returns the
    /// length of the part of the path that ends with the first one made, if any was.
    ///
    /// # Errors
    /// `ENOTDIR` if something on the way is no directory, `EEXIST` if the last is none, `ENOENT`
    /// for a link that leads nowhere.
    pub fn mkdir_all(&mut self, place: Place<'_>, mode: u32) -> Step<Option<usize>> {
        self.make_dirs(&place, mode).at(place.path)
    }

    fn make_dirs(&mut self, place: &Place<'_>, mode: u32) -> Step<Option<usize>> {
        // Mostly all but the last are there. And what else is wrong with the path, this tells.
        match self.make_dir(place, mode) {
            Ok(_) => return Ok(Some(place.path.len())),
            Err(Stop::Fail(error)) if matches!(error.kind(), Kind::Exists | Kind::NotFound) => {}
            Err(stop) => return Err(stop),
        }
        path::validate(place.path)?;
        let mut first = None;
        let bytes = place.path;
        let mut end = 0;
        while end < bytes.len() {
            let start = end + bytes[end..].iter().take_while(|byte| **byte == b'/').count();
            let name = bytes[start..].iter().take_while(|byte| **byte != b'/').count();
            end = start + name;
            if name == 0 {
                break;
            }
            let part = Place { path: &bytes[..end], ..*place };
            match self.make_dir(&part, mode) {
                Ok(_) => {
                    first.get_or_insert(end);
                }
                Err(Stop::Fail(error)) if error.kind() == Kind::Exists => {
                    // A link that leads nowhere is in the way: where it leads to is not there.
                    let is_last = path::components(&bytes[end..]).next().is_none();
                    let node = self.walk(if is_last { place } else { &part }, Follow::Yes)?;
                    if !self.tree.inode(node)?.is_dir() {
                        return fail(if is_last { Kind::Exists } else { Kind::NotDirectory });
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(first)
    }

    /// Hands the entries of an open directory that follow `cookie` (0: all) to `visit` until it
    /// says false: `.`, `..`, then the others, oldest first. A cookie stays good whatever is
    /// created or removed meanwhile.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`.
    pub fn read_dir(
        &self,
        handle: HandleId,
        cookie: u64,
        visit: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Step<()> {
        let node = self.handles.get(handle)?.node;
        let dir = self.tree.dir(node)?;
        let up = self.tree.parent(node).unwrap_or(node);
        for (at, name, node) in [(DOT, &b"."[..], node), (DOT + 1, b"..", up)] {
            let entry = DirEntry { cookie: at, name, node, file_type: FileType::Dir };
            if at > cookie && !visit(entry) {
                return Ok(());
            }
        }
        for (cookie, name, node, file_type) in dir.after(cookie) {
            // What is mounted over a directory is one, too.
            let node = self.tree.surface(node);
            if !visit(DirEntry { cookie, name, node, file_type }) {
                break;
            }
        }
        Ok(())
    }

    /// Hands the entries of the directory at `place` to `visit`, by name, without `.` and `..`.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, and those of any path.
    pub fn list(&self, place: Place<'_>, visit: &mut dyn FnMut(&[u8], Node, FileType)) -> Step<()> {
        let run = |visit: &mut dyn FnMut(&[u8], Node, FileType)| {
            let node = self.walk(&place, Follow::Yes)?;
            for (name, node, file_type) in self.tree.dir(node)?.iter() {
                visit(name, self.tree.surface(node), file_type);
            }
            Ok(())
        };
        run(visit).at(place.path)
    }

    /// The stamp of the directory at `place`: as long as it is the same, so is what
    /// [`list`](Self::list) says of names and types, whatever the path was then. It means
    /// something in this kernel only, and nothing after it.
    ///
    /// # Errors
    /// Those of `list`.
    pub fn list_stamp(&self, place: Place<'_>) -> Step<u64> {
        let run = || Ok(self.tree.dir(self.walk(&place, Follow::Yes)?)?.stamp);
        run().at(place.path)
    }
}
