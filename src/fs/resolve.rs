//! Path resolution: one component at a time, with a symlink budget and, for guests, a jail.

use super::Fs;
use super::id::Node;
use super::inode::Body;
use super::path::{self, Base, NAME_MAX, Place};
use super::step::{Step, fail};
use crate::error::Kind;

/// This many symbolic links are followed in one resolution, as in Linux.
const LINK_BUDGET: u32 = 40;

/// What to do when the last component is a symbolic link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Follow {
    /// Follow it.
    Yes,
    /// Stay at the link, unless a trailing slash insists on a directory.
    No,
    /// Never follow: the operation is about the name itself (make, remove, rename).
    Name,
    /// Follow it, for a file to be created: a trailing slash is `EISDIR`, as soon as the
    /// directory is reached.
    Create,
    /// As [`Create`](Self::Create), but never follow.
    CreateNew,
}

/// What the last component is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last<'a> {
    Name(&'a [u8]),
    /// The path is a root or starting directory without any component.
    Root,
    Dot,
    DotDot,
}

/// Where a path leads: the directory of the last component, and what stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) dir: Node,
    pub(crate) last: Last<'a>,
    pub(crate) node: Option<Node>,
    /// The path, or the link it ended in, has a trailing slash.
    pub(crate) slash: bool,
}

impl<'a> Found<'a> {
    /// The existing inode, or `ENOENT`.
    pub(crate) fn existing(&self) -> Step<Node> {
        self.node.map_or(fail(Kind::NotFound), Ok)
    }

    /// The name to create, or the reason why not: `EEXIST` also for `.`, `..` and `/`.
    pub(crate) fn vacant(&self) -> Step<&'a [u8]> {
        match (self.last, self.node) {
            (Last::Name(name), None) => Ok(name),
            _ => fail(Kind::Exists),
        }
    }
}

impl Fs {
    /// Walks `place`. The last component may be missing (`node` is then none); all before it
    /// must be directories or links to such.
    ///
    /// A jail's root is the directory of the handle it starts at, and nothing else: a path that
    /// leaves that directory is refused even where another open directory would allow it. Since
    /// the walk starts at the jail's root and refuses `..` there, it can never be above it.
    pub(crate) fn resolve<'a>(&'a self, place: &Place<'a>, follow: Follow) -> Step<Found<'a>> {
        path::validate(place.path)?;
        let (mut at, jail) = self.start(place.base)?;
        if place.path[0] == b'/' {
            at = if jail.is_some() { return fail(Kind::NotPermitted) } else { self.root()? };
        }
        let mut slash = path::wants_dir(place.path);
        let mut budget = LINK_BUDGET;
        // What is left to walk, the next component last.
        let mut rest: Vec<&[u8]> = path::components(place.path).rev().collect();
        let whole = |dir, last| Ok(Found { dir, last, node: Some(dir), slash: false });
        if rest.is_empty() {
            return whole(at, Last::Root);
        }
        loop {
            let Some(component) = rest.pop() else { return whole(at, Last::Root) };
            let is_last = rest.is_empty();
            self.tree.dir(at)?;
            match component {
                b"." if is_last => return whole(at, Last::Dot),
                b"." => continue,
                b".." => {
                    if jail == Some(at) {
                        return fail(Kind::NotPermitted);
                    }
                    at = self.tree.parent(at)?;
                    if is_last {
                        return whole(at, Last::DotDot);
                    }
                    continue;
                }
                _ => {}
            }
            if component.len() > NAME_MAX {
                return fail(Kind::NameTooLong);
            }
            if is_last && slash && matches!(follow, Follow::Create | Follow::CreateNew) {
                return fail(Kind::IsDirectory);
            }
            let last = Last::Name(component);
            let Some(node) = self.tree.lookup(at, component)? else {
                let missing = Found { dir: at, last, node: None, slash };
                return if is_last { Ok(missing) } else { fail(Kind::NotFound) };
            };
            let stay = is_last
                && match follow {
                    Follow::Yes | Follow::Create => false,
                    Follow::No => !slash,
                    Follow::Name | Follow::CreateNew => true,
                };
            match &self.tree.inode(node)?.body {
                Body::Symlink(target) if !stay => {
                    if budget == 0 {
                        return fail(Kind::SymlinkLoop);
                    }
                    budget -= 1;
                    if target.first() == Some(&b'/') {
                        if jail.is_some() {
                            return fail(Kind::NotPermitted);
                        }
                        at = self.root()?;
                    }
                    slash |= is_last && path::wants_dir(target);
                    rest.extend(path::components(target).rev());
                }
                body => {
                    if is_last {
                        if slash && follow != Follow::Name && !matches!(body, Body::Dir(_)) {
                            return fail(Kind::NotDirectory);
                        }
                        return Ok(Found { dir: at, last, node: Some(node), slash });
                    }
                    at = node;
                }
            }
        }
    }

    /// The directory a base means, and the jail's root if it is one.
    fn start(&self, base: Base) -> Step<(Node, Option<Node>)> {
        match base {
            Base::Root => Ok((self.root()?, None)),
            Base::Dir(handle) => {
                let node = self.handles.get(handle)?.node;
                self.tree.dir(node)?;
                Ok((node, None))
            }
            Base::Jail(handle) => {
                let node = self.handles.get(handle)?.node;
                self.tree.dir(node)?;
                Ok((node, Some(node)))
            }
        }
    }

    /// The directory that `/` means.
    pub(crate) fn root(&self) -> Step<Node> {
        match self.volumes.first() {
            Some(Some(volume)) => Ok(volume.root),
            _ => fail(Kind::NotFound),
        }
    }

    /// The existing inode that `place` leads to.
    pub(crate) fn walk(&self, place: &Place<'_>, follow: Follow) -> Step<Node> {
        self.resolve(place, follow)?.existing()
    }
}
