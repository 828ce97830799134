//! The whole-tree checker: everything that must always hold, looked at.

use super::Fs;
use super::id::{Node, StoreId};
use super::inode::{Body, Inode};
use super::record::Key;
use super::sorted::{Map, Set};

impl Fs {
    /// Looks at everything and says in words what is not as it must be; nothing if all is sound.
    ///
    /// Takes time in proportion to the number of inodes and cached extents.
    pub fn check(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for volume in self.volumes.iter().flatten() {
            findings.extend(volume.findings.iter().cloned());
        }
        let mut owners = Map::default();
        for (node, inode) in self.tree.iter() {
            self.check_names(node, inode, &mut findings);
            match &inode.body {
                Body::Dir(_) => self.check_dir(node, inode, &mut findings),
                Body::File(file) => {
                    if let Some(other) = owners.insert(file.data, node) {
                        findings.push(format!("{node:?} and {other:?} share {:?}", file.data));
                    }
                }
                Body::Symlink(_) => {}
            }
        }
        self.check_handles(&mut findings);
        if !self.cache.is_consistent() {
            findings.push("the cache's counters are not true".into());
        }
        for (data, blocks) in &self.cache.files {
            let kept = blocks.kept || blocks.maps > 0;
            if !owners.contains(*data) && !kept {
                findings.push(format!("{data:?} is cached but no file's"));
            }
        }
        findings
    }

    fn check_names(&self, node: Node, inode: &Inode, findings: &mut Vec<String>) {
        for link in &inode.links {
            if self.tree.get(link.dir).and_then(|dir| dir.dir()?.get(&link.name)) != Some(node) {
                let name = String::from_utf8_lossy(&link.name);
                findings.push(format!("{node:?} has a name '{name}' that {:?} lacks", link.dir));
            }
        }
        let orphans = self.volume(node.store()).map(|volume| &volume.orphans);
        let excused = inode.opens > 0 || orphans.is_some_and(|orphans| orphans.contains(&node));
        let is_root = self.volume(node.store()).is_some_and(|volume| volume.root == node);
        if inode.links.is_empty() && !is_root && !excused {
            findings.push(format!("{node:?} has neither a name nor a handle"));
        }
    }

    fn check_dir(&self, node: Node, inode: &Inode, findings: &mut Vec<String>) {
        let Some(dir) = inode.dir() else { return };
        if !dir.is_consistent() {
            findings.push(format!("the indexes of {node:?} disagree"));
        }
        if inode.links.len() > 1 {
            findings.push(format!("the directory {node:?} has several names"));
        }
        for (name, entry, file_type) in dir.iter() {
            let known = self.tree.get(entry).is_some_and(|inode| {
                inode.file_type() == file_type
                    && inode.links.iter().any(|link| link.dir == node && link.name == *name)
            });
            if !known {
                let name = String::from_utf8_lossy(name);
                findings.push(format!("{node:?} holds '{name}', which does not know of it"));
            }
        }
        // Up from here is the root, after no more steps than there are directories.
        let mut seen = Set::default();
        let mut at = node;
        while seen.insert(at) {
            match self.tree.get(at).and_then(Inode::dir) {
                Some(dir) if dir.parent == at => return,
                Some(dir) => at = dir.parent,
                None => break,
            }
        }
        if inode.opens == 0 && !inode.links.is_empty() {
            findings.push(format!("no way leads from {node:?} to the root"));
        }
    }

    fn check_handles(&self, findings: &mut Vec<String>) {
        let mut counts: Map<Node, u32> = Map::default();
        for (_, handle) in self.handles.iter() {
            counts.insert(handle.node, counts.get(handle.node).unwrap_or(0) + 1);
        }
        for (node, count) in counts.iter() {
            // Mappings hold inodes, too.
            if self.tree.get(node).is_none_or(|inode| inode.opens < count) {
                findings.push(format!("{node:?} has more handles than it knows of"));
            }
        }
    }

    /// Checks the keys of a store's extent records against the tree: extents of no file take
    /// space for nothing. Call it while the store is clean.
    pub fn check_extents(
        &self,
        store: StoreId,
        keys: impl IntoIterator<Item = Key>,
    ) -> Vec<String> {
        let mut files = Map::<u64, u64>::default();
        for (_, inode) in self.tree.iter().filter(|(node, _)| node.store() == store) {
            inode.file().map(|file| files.insert(file.data.id(), file.based));
        }
        let stray = |key: &Key| match key {
            Key::Extent { data, index } => {
                let start = u64::from(*index) * super::EXTENT as u64;
                files.get(*data).is_none_or(|based| start >= based)
            }
            _ => false,
        };
        let strays = keys.into_iter().filter(stray);
        strays.map(|key| format!("the record {key:?} belongs to no file")).collect()
    }
}
