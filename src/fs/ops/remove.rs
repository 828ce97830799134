//! Taking names away: files stay while somebody has them open, directories must be empty.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::id::Node;
use crate::fs::inode::Name;
use crate::fs::path::Place;
use crate::fs::resolve::{Follow, Last};
use crate::fs::step::{At, Step, fail};
use crate::fs::watch::Change;

impl Fs {
    /// Removes the name of a file or link. Returns its directory, whose ticket tells when.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR` for a directory, `ENOTDIR` for a file with a trailing slash, `EROFS`.
    pub fn unlink(&mut self, place: Place<'_>) -> Step<Node> {
        let mut run = || {
            let found = self.resolve(&place, Follow::Name)?;
            let Last::Name(name) = found.last else { return fail(Kind::IsDirectory) };
            let node = found.existing()?;
            let is_dir = self.tree.inode(node)?.is_dir();
            if is_dir || found.slash {
                return fail(if is_dir { Kind::IsDirectory } else { Kind::NotDirectory });
            }
            self.writable(found.dir)?;
            let (dir, name) = (found.dir, Name::from(name));
            self.remove_name(dir, &name, node);
            Ok(dir)
        };
        run().at(place.path)
    }

    /// Removes an empty directory. Returns the one it was in.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ENOTEMPTY` (also for `..`), `EINVAL` for `.`, `EBUSY` for a root or
    /// a directory that a store is mounted at, `EROFS`.
    pub fn rmdir(&mut self, place: Place<'_>) -> Step<Node> {
        let mut run = || {
            let found = self.resolve(&place, Follow::Name)?;
            let name = match found.last {
                Last::Name(name) => name,
                Last::Dot => return fail(Kind::InvalidArgument),
                Last::DotDot => return fail(Kind::NotEmpty),
                Last::Root => return fail(Kind::Busy),
            };
            let node = found.existing()?;
            let entries = self.tree.dir(node)?;
            if self.tree.is_mount_point(node) {
                return fail(Kind::Busy);
            }
            if !entries.is_empty() {
                return fail(Kind::NotEmpty);
            }
            self.writable(found.dir)?;
            let (dir, name) = (found.dir, Name::from(name));
            self.remove_name(dir, &name, node);
            Ok(dir)
        };
        run().at(place.path)
    }

    pub(crate) fn remove_name(&mut self, dir: Node, name: &Name, node: Node) {
        let now = self.env.now();
        self.tree.unlink(dir, name);
        self.touch_inode(node, now);
        self.touch_dir(dir, now);
        self.watch.push(Change::Removed, node, dir, name);
        self.release(node);
    }

    /// Removes what stands at `place` and everything under it, as one change. Returns the
    /// directory it was in.
    ///
    /// # Errors
    /// `ENOENT`, `EBUSY` for a root or where a store is mounted at or under it, `EINVAL` for `.`
    /// and `..`, `EROFS`.
    pub fn remove_all(&mut self, place: Place<'_>) -> Step<Node> {
        let mut run = || {
            let found = self.resolve(&place, Follow::Name)?;
            let name = match found.last {
                Last::Name(name) => name,
                Last::Root => return fail(Kind::Busy),
                Last::Dot | Last::DotDot => return fail(Kind::InvalidArgument),
            };
            let node = found.existing()?;
            let (dir, name) = (found.dir, Name::from(name));
            if found.slash {
                self.tree.dir(node)?;
            }
            self.writable(dir)?;
            let mut doomed = vec![(dir, name, node)];
            let mut at = 0;
            while let Some((_, _, node)) = doomed.get(at) {
                let node = *node;
                at += 1;
                if self.tree.is_mount_point(node) {
                    return fail(Kind::Busy);
                }
                if let Some(entries) = self.tree.inode(node)?.dir() {
                    let surfaced = |below| self.tree.surface(below);
                    doomed.extend(entries.iter().map(|(n, b, _)| (node, n.clone(), surfaced(b))));
                }
            }
            for (dir, name, node) in doomed.into_iter().rev() {
                self.remove_name(dir, &name, node);
            }
            Ok(dir)
        };
        run().at(place.path)
    }
}
