//! No space: a file whose changes do not fit gets its last durable contents back.

use super::Fs;
use super::id::Node;
use super::inode::{Body, File, Inode, Name};
use super::journal::{Before, Grave};
use crate::error::Error;

impl Fs {
    /// Takes back the changes to the bytes of `node` that are not durable, and tells its writers
    /// `error`. A file that the store never knew loses its names; what it had replaced by a
    /// rename stands there again. Names, modes and other files stay as they are.
    pub(crate) fn revert(&mut self, node: Node, error: &Error) {
        let store = node.store();
        let Some(volume) = self.volume_mut(store) else { return };
        let before = volume.journal.changes.before.remove(&node);
        volume.journal.fail(Some(node), error.clone());
        let (Some(before), true) = (before, self.tree.contains(node)) else { return };
        self.restore_bytes(node, &before);
        self.dirty(node);
        self.restore_replaced(node, error);
        let nameless = self.tree.get(node).is_some_and(|inode| inode.links.is_empty());
        if !before.existed {
            self.remove_names(node);
        } else if nameless {
            self.restore_names(node, &before);
        }
        self.release(node);
    }

    fn restore_bytes(&mut self, node: Node, before: &Before) {
        let Ok(now) = self.tree.file(node).copied() else { return };
        let Some(changes) = self.changes(node.store()) else { return };
        changes.data.remove(now.data);
        // What was cut stays cut: cutting needs no space, and the bytes are gone.
        let cut = changes.cuts.get(before.file.data).unwrap_or(u64::MAX);
        if now.data == before.file.data {
            self.cache.discard(now.data);
        } else {
            changes.dropped.remove(before.file.data);
            self.drop_data(&now);
        }
        if let Some(inode) = self.tree.get_mut(node) {
            inode.times.mtime = before.mtime;
            inode.body = Body::File(File {
                size: before.file.size.min(cut),
                based: before.file.based.min(cut),
                stamp: now.stamp.wrapping_add(1),
                ..before.file
            });
        }
        if let Some(volume) = self.volume_mut(node.store()) {
            volume.journal.owners.insert(before.file.data, node);
        }
    }

    /// Gives the names that `node` took over by renames back to whom they belonged.
    fn restore_replaced(&mut self, node: Node, error: &Error) {
        let Some(changes) = self.changes(node.store()) else { return };
        let (mine, others) = std::mem::take(&mut changes.graves)
            .into_iter()
            .partition::<Vec<_>, _>(|grave| grave.by == node);
        changes.graves = others;
        for Grave { dir, name, node: buried, inode, undone, .. } in mine {
            let is_back = inode.is_some() || self.tree.contains(buried);
            let Some(volume) = self.volume_mut(node.store()) else { return };
            if undone || !is_back {
                volume.journal.fail(Some(buried), error.clone());
            }
            if self.tree.lookup(dir, &name) == Ok(Some(node)) {
                self.tree.unlink(dir, &name);
            }
            let vacant = self.tree.lookup(dir, &name) == Ok(None) && self.tree.accepts(dir).is_ok();
            match inode {
                Some(inode) if vacant => self.exhume(buried, inode),
                // It lives on in somebody's handle, or it cannot come back.
                None if vacant && self.tree.contains(buried) => {}
                _ => continue,
            }
            let linked = self.tree.link(dir, name, buried);
            debug_assert!(linked.is_ok(), "the directory accepts the name");
            self.dirty(buried);
        }
    }

    fn exhume(&mut self, node: Node, inode: Inode) {
        if let Some(changes) = self.changes(node.store()) {
            changes.deleted.remove(node);
            if let Some(file) = inode.file() {
                changes.dropped.remove(file.data);
            }
        }
        self.tree.insert(node, inode);
    }

    fn restore_names(&mut self, node: Node, before: &Before) {
        for link in &before.links {
            let vacant = matches!(self.tree.lookup(link.dir, &link.name), Ok(None));
            if vacant && self.tree.accepts(link.dir).is_ok() {
                let linked = self.tree.link(link.dir, link.name.clone(), node);
                debug_assert!(linked.is_ok(), "the directory accepts the name");
            }
        }
    }

    pub(crate) fn remove_names(&mut self, node: Node) {
        let Some(inode) = self.tree.get(node) else { return };
        let names: Vec<(Node, Name)> =
            inode.links.iter().map(|link| (link.dir, link.name.clone())).collect();
        let now = self.env.now();
        for (dir, name) in names {
            self.tree.unlink(dir, &name);
            self.touch_dir(dir, now);
            self.watch.push(super::watch::Change::Removed, node, dir, &name);
        }
    }
}
