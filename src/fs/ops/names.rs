//! Giving names: hard links, symbolic links, and reading the latter.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::id::Node;
use crate::fs::inode::{Body, Name};
use crate::fs::path::{self, Place};
use crate::fs::resolve::Follow;
use crate::fs::step::{At, Step, Stop, fail};
use crate::fs::watch::Change;

/// An inode has at most this many names; its record holds them all.
const LINKS: usize = 65_000;

impl Fs {
    /// Gives what stands at `from` the further name `to`. A symbolic link at `from` is followed
    /// only if asked.
    ///
    /// # Errors
    /// `EEXIST`, `EPERM` for a directory, `EXDEV` across stores, `ENOENT` (also for a name with a
    /// trailing slash), `EMLINK`.
    pub fn link(&mut self, from: Place<'_>, to: Place<'_>, follow: Follow) -> Step<Node> {
        let mut run = || {
            let node = self.walk(&from, follow)?;
            let found = self.resolve(&to, Follow::Name)?;
            let (dir, name) = (found.dir, Name::from(found.vacant()?));
            if found.slash {
                return fail(Kind::NotFound);
            }
            let inode = self.tree.inode(node)?;
            if inode.is_dir() {
                return fail(Kind::NotPermitted);
            }
            if node.store() != dir.store() {
                return fail(Kind::CrossDevice);
            }
            if inode.links.len() >= LINKS {
                return fail(Kind::TooManyLinks);
            }
            self.tree.accepts(dir)?;
            self.writable(dir)?;
            let now = self.env.now();
            self.tree.link(dir, name.clone(), node)?;
            self.touch_inode(node, now);
            self.touch_dir(dir, now);
            self.watch.push(Change::Created, node, dir, &name);
            Ok(node)
        };
        run().between(from.path, to.path)
    }

    /// Makes a symbolic link at `place` that says `target`, which need not exist.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` for an empty target or a name with a trailing slash, `ENAMETOOLONG`.
    pub fn symlink(&mut self, target: &[u8], place: Place<'_>) -> Step<Node> {
        let mut run = || {
            path::validate(target)?;
            let found = self.resolve(&place, Follow::Name)?;
            let (dir, name) = (found.dir, found.vacant()?.to_vec());
            if found.slash {
                return fail(Kind::NotFound);
            }
            self.tree.accepts(dir)?;
            self.writable(dir)?;
            self.create(dir, &name, Body::Symlink(target.into()), 0o777)
        };
        run().between(target, place.path)
    }

    /// What the symbolic link at `place` says.
    ///
    /// # Errors
    /// `EINVAL` if it is no link, `ENOENT`, and those of any path.
    pub fn readlink(&self, place: Place<'_>) -> Step<&[u8]> {
        let node = self.walk(&place, Follow::No).at(place.path)?;
        match &self.tree.inode(node)?.body {
            Body::Symlink(target) => Ok(target),
            _ => fail(Kind::InvalidArgument).at(place.path),
        }
    }

    /// The absolute path of `place` without links, `.` and `..`.
    ///
    /// # Errors
    /// `ENOENT`, and those of any path.
    pub fn realpath(&self, place: Place<'_>) -> Step<Vec<u8>> {
        // The last name counts, not the first one of the inode: walk to the directory by itself.
        let run = || {
            let mut here = place;
            let mut text;
            for _ in 0..=40 {
                let found = self.resolve(&here, Follow::Name)?;
                let node = found.existing()?;
                let crate::fs::resolve::Last::Name(name) = found.last else {
                    return self.tree.path_of(node);
                };
                if let Body::Symlink(target) = &self.tree.inode(node)?.body {
                    // Links beyond the budget of one walk are refused here as they are there.
                    self.walk(&here, Follow::Yes)?;
                    text = join(&self.tree.path_of(found.dir)?, target);
                    here = Place::root(&text);
                    continue;
                }
                if found.slash && !self.tree.inode(node)?.is_dir() {
                    return fail(Kind::NotDirectory);
                }
                return Ok(join(&self.tree.path_of(found.dir)?, name));
            }
            Err::<Vec<u8>, Stop>(crate::fs::step::fault(Kind::SymlinkLoop))
        };
        run().at(place.path)
    }
}

/// `name` as seen from the directory `dir`.
fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if name.first() == Some(&b'/') {
        return name.to_vec();
    }
    let slash: &[u8] = if dir == b"/" { b"" } else { b"/" };
    [dir, slash, name].concat()
}
