//! Directories in memory: entries by name, and by a cookie that keeps a reader's place.

use super::id::Node;
use super::inode::{FileType, Name};
use std::collections::BTreeMap;

/// The cookie of `.`; that of `..` is one more, and entries follow.
pub(crate) const DOT: u64 = 1;
const FIRST: u64 = 3;

/// A directory's entries.
///
/// A cookie is an entry's number in the order of creation and is never given twice. A reader
/// that says "after cookie c" therefore sees every entry that stays exactly once, whatever is
/// created or deleted meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Dir {
    /// The directory that `..` means; the root's is itself.
    pub(crate) parent: Node,
    entries: BTreeMap<Name, Entry>,
    order: BTreeMap<u64, Name>,
    next: u64,
    subdirs: u32,
    /// Of all states that a directory of this kernel was ever in only this one has this number;
    /// that of new ones, which are alike, is 0.
    pub(crate) stamp: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    node: Node,
    cookie: u64,
    file_type: FileType,
}

impl Entry {
    fn is_dir(&self) -> bool {
        self.file_type == FileType::Dir
    }
}

impl Dir {
    pub(crate) fn new(parent: Node) -> Self {
        let (entries, order) = (BTreeMap::new(), BTreeMap::new());
        Self { parent, entries, order, next: FIRST, subdirs: 0, stamp: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn subdirs(&self) -> u32 {
        self.subdirs
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<Node> {
        self.entries.get(name).map(|entry| entry.node)
    }

    /// Adds an entry, or lets an existing one mean `node`; the latter keeps its cookie.
    pub(crate) fn insert(&mut self, name: Name, node: Node, file_type: FileType) {
        let cookie = match self.entries.get(&name) {
            Some(old) => {
                self.subdirs -= u32::from(old.is_dir());
                old.cookie
            }
            None => {
                let cookie = self.next;
                self.next += 1;
                self.order.insert(cookie, name.clone());
                cookie
            }
        };
        let entry = Entry { node, cookie, file_type };
        self.subdirs += u32::from(entry.is_dir());
        self.entries.insert(name, entry);
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Node> {
        let entry = self.entries.remove(name)?;
        self.order.remove(&entry.cookie);
        self.subdirs -= u32::from(entry.is_dir());
        Some(entry.node)
    }

    /// Entries by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, Node, FileType)> {
        self.entries.iter().map(|(name, entry)| (name, entry.node, entry.file_type))
    }

    /// Entries whose cookie is greater than `cookie`, oldest first, with their cookies.
    pub(crate) fn after(&self, cookie: u64) -> impl Iterator<Item = (u64, &Name, Node, FileType)> {
        self.order.range(cookie.saturating_add(1)..).filter_map(|(cookie, name)| {
            self.entries.get(name).map(|entry| (*cookie, name, entry.node, entry.file_type))
        })
    }

    /// Whether both indexes and the counters agree; for the checker.
    pub(crate) fn is_consistent(&self) -> bool {
        let subdirs = self.entries.values().filter(|entry| entry.is_dir()).count();
        self.order.len() == self.entries.len()
            && subdirs == self.subdirs as usize
            && self.order.iter().all(|(cookie, name)| {
                *cookie < self.next && self.entries.get(name).is_some_and(|e| e.cookie == *cookie)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::StoreId;
    use super::*;

    fn node(id: u64) -> Node {
        Node::new(StoreId(0), id)
    }

    #[test]
    fn a_reader_keeps_its_place_while_entries_come_and_go() {
        let mut dir = Dir::new(node(1));
        for id in 10..20 {
            dir.insert(Name::from(format!("f{id}").as_bytes()), node(id), FileType::File);
        }
        let seen: Vec<_> = dir.after(0).take(4).map(|(cookie, ..)| cookie).collect();
        dir.remove(b"f13");
        dir.remove(b"f15");
        dir.insert(Name::from(&b"new"[..]), node(30), FileType::Dir);
        let rest: Vec<_> = dir.after(*seen.last().unwrap()).map(|(_, _, n, _)| n.id()).collect();
        assert_eq!(rest, [14, 16, 17, 18, 19, 30]);
        assert!(dir.is_consistent());
        assert_eq!(dir.subdirs(), 1);
    }

    #[test]
    fn replacing_an_entry_keeps_its_cookie() {
        let mut dir = Dir::new(node(1));
        dir.insert(Name::from(&b"a"[..]), node(2), FileType::Dir);
        dir.insert(Name::from(&b"a"[..]), node(3), FileType::File);
        assert_eq!(dir.after(0).map(|(c, _, n, _)| (c, n.id())).collect::<Vec<_>>(), [(FIRST, 3)]);
        assert!(dir.is_consistent());
    }
}
