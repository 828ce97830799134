//! The tree of inodes and names, whole in memory: lookups never wait for a store.

use super::dir::Dir;
use super::id::{IdMap, Node};
use super::inode::{Body, File, Inode, Link, Name};
use super::sorted::Map;
use super::step::{Step, fail, fault};
use crate::error::Kind;

/// All inodes of all mounted stores, and which directory is covered by which store's root.
#[derive(Default, Debug)]
pub(crate) struct Tree {
    inodes: IdMap<Node, Inode>,
    /// Covered directory → root of the store mounted there, and back.
    mounted: Map<Node, Node>,
    covers: Map<Node, Node>,
    /// The last stamp that a directory was given.
    stamp: u64,
}

impl Tree {
    pub(crate) fn get(&self, node: Node) -> Option<&Inode> {
        self.inodes.get(&node)
    }

    pub(crate) fn get_mut(&mut self, node: Node) -> Option<&mut Inode> {
        self.inodes.get_mut(&node)
    }

    /// The inode, which a caller that holds an id of it may expect to be there.
    pub(crate) fn inode(&self, node: Node) -> Step<&Inode> {
        self.inodes.get(&node).ok_or(fault(Kind::Stale))
    }

    pub(crate) fn inode_mut(&mut self, node: Node) -> Step<&mut Inode> {
        self.inodes.get_mut(&node).ok_or(fault(Kind::Stale))
    }

    pub(crate) fn dir(&self, node: Node) -> Step<&Dir> {
        self.inode(node)?.dir().ok_or(fault(Kind::NotDirectory))
    }

    /// The file that is `node`; `EISDIR` for a directory, `EINVAL` for a link.
    pub(crate) fn file(&self, node: Node) -> Step<&File> {
        match &self.inode(node)?.body {
            Body::File(file) => Ok(file),
            Body::Dir(_) => fail(Kind::IsDirectory),
            Body::Symlink(_) => fail(Kind::InvalidArgument),
        }
    }

    pub(crate) fn file_mut(&mut self, node: Node) -> Step<&mut File> {
        self.inode_mut(node)?.file_mut().ok_or(fault(Kind::IsDirectory))
    }

    pub(crate) fn insert(&mut self, node: Node, inode: Inode) {
        self.inodes.insert(node, inode);
    }

    pub(crate) fn remove(&mut self, node: Node) -> Option<Inode> {
        self.inodes.remove(&node)
    }

    pub(crate) fn contains(&self, node: Node) -> bool {
        self.inodes.contains_key(&node)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Node, &Inode)> {
        self.inodes.iter().map(|(node, inode)| (*node, inode))
    }

    /// What stands at `name` in `dir`, or nothing; a mounted store's root for what it covers.
    pub(crate) fn lookup(&self, dir: Node, name: &[u8]) -> Step<Option<Node>> {
        Ok(self.dir(dir)?.get(name).map(|node| self.surface(node)))
    }

    /// The root that covers `node`, or `node`.
    pub(crate) fn surface(&self, node: Node) -> Node {
        self.mounted.get(node).unwrap_or(node)
    }

    /// The directory that `..` means in `dir`.
    pub(crate) fn parent(&self, dir: Node) -> Step<Node> {
        let below = self.covers.get(dir).unwrap_or(dir);
        let parent = self.dir(below)?.parent;
        if self.contains(parent) { Ok(parent) } else { fail(Kind::NotFound) }
    }

    /// Lets the store's root `root` cover the directory `over`.
    pub(crate) fn cover(&mut self, over: Node, root: Node) {
        self.mounted.insert(over, root);
        self.covers.insert(root, over);
    }

    /// Uncovers what `root` covers and names it.
    pub(crate) fn uncover(&mut self, root: Node) -> Option<Node> {
        let over = self.covers.remove(root)?;
        self.mounted.remove(over);
        Some(over)
    }

    /// Directories that a store is mounted over.
    pub(crate) fn covered(&self) -> impl Iterator<Item = Node> {
        self.mounted.keys()
    }

    /// Whether a store is mounted at `node`, or `node` is the root of a mounted one.
    pub(crate) fn is_mount_point(&self, node: Node) -> bool {
        self.mounted.contains(node) || self.covers.contains(node)
    }

    /// Whether the name `name` in `dir` may be created: the directory is there and not removed.
    pub(crate) fn accepts(&self, dir: Node) -> Step<()> {
        let inode = self.inode(dir)?;
        let Some(entries) = inode.dir() else { return fail(Kind::NotDirectory) };
        let is_root = entries.parent == dir;
        if inode.links.is_empty() && !is_root { fail(Kind::NotFound) } else { Ok(()) }
    }

    /// Gives `node` the name `name` in `dir`; whatever had the name must be gone or replaced by
    /// the caller.
    pub(crate) fn link(&mut self, dir: Node, name: Name, node: Node) -> Step<()> {
        let inode = self.inode_mut(node)?;
        inode.links.push(Link { dir, name: name.clone() });
        if let Body::Dir(body) = &mut inode.body {
            body.parent = dir;
        }
        let file_type = inode.file_type();
        self.entries_mut(dir)?.insert(name, node, file_type);
        Ok(())
    }

    /// Takes the name `name` in `dir` away and tells whose it was. The inode stays.
    pub(crate) fn unlink(&mut self, dir: Node, name: &[u8]) -> Option<Node> {
        let node = self.entries_mut(dir).ok()?.remove(name)?;
        self.forget_link(node, dir, name);
        Some(node)
    }

    /// The entries of `dir`, to be changed.
    fn entries_mut(&mut self, dir: Node) -> Step<&mut Dir> {
        self.stamp += 1;
        let stamp = self.stamp;
        let entries = self.inode_mut(dir)?.dir_mut().ok_or(fault(Kind::NotDirectory))?;
        entries.stamp = stamp;
        Ok(entries)
    }

    /// Removes one name from the inode's own list only.
    pub(crate) fn forget_link(&mut self, node: Node, dir: Node, name: &[u8]) {
        if let Some(inode) = self.get_mut(node) {
            inode.links.retain(|link| link.dir != dir || *link.name != *name);
        }
    }

    /// Whether `below` is `above` or lies under it, across mounts.
    pub(crate) fn is_within(&self, below: Node, above: Node) -> bool {
        let mut at = below;
        loop {
            if at == above {
                return true;
            }
            match self.parent(at) {
                Ok(parent) if parent != at => at = parent,
                _ => return false,
            }
        }
    }

    /// An absolute path of `node`, the first of several; `ENOENT` if it has none any more.
    pub(crate) fn path_of(&self, node: Node) -> Step<Vec<u8>> {
        let mut names: Vec<Name> = Vec::new();
        let mut at = node;
        loop {
            let below = self.covers.get(at).unwrap_or(at);
            let inode = self.inode(below)?;
            let is_root = inode.dir().is_some_and(|dir| dir.parent == below);
            match inode.links.first() {
                Some(link) => {
                    names.push(link.name.clone());
                    at = link.dir;
                }
                None if is_root => break,
                None => return fail(Kind::NotFound),
            }
        }
        if names.is_empty() {
            return Ok(b"/".to_vec());
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        Ok(path)
    }
}
