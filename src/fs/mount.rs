//! Mounting: stores become directories, and follow what other tabs have written.

use super::Fs;
use super::core::{Backing, Space, Volume};
use super::dir::Dir;
use super::id::{Node, ROOT_ID, StoreId};
use super::image::{Changed, Image, adopt_owners, replay};
use super::inode::{Body, File, Inode, Link};
use super::journal::Journal;
use super::path::Place;
use super::resolve::Follow;
use super::step::{At, Step, fail};
use crate::error::{Error, Kind};
use std::collections::BinaryHeap;

impl Fs {
    /// Mounts a store of records over the directory `at` (the first one at `/`, whatever `at`
    /// is). An empty image is a new store; nothing is written before the first batch.
    ///
    /// # Errors
    /// `EIO` for damaged records, `ENOTSUP` for those of a newer version, `ENOENT`, `ENOTDIR`,
    /// `EBUSY` if something is mounted there already.
    pub fn mount(&mut self, at: Place<'_>, image: &Image, read_only: bool) -> Step<StoreId> {
        let store = self.add_volume(at, Backing::Records)?;
        let mut journal = Journal::new();
        journal.is_new = image.is_empty();
        let root = Node::new(store, ROOT_ID);
        if journal.is_new {
            self.dirty(root);
        } else if !image.is_whole() {
            self.remove_volume(store);
            return fail(Kind::Io);
        }
        let changed = match replay(store, image, &mut journal) {
            Ok(changed) => changed,
            Err(error) => {
                self.remove_volume(store);
                return Err(error.into());
            }
        };
        if let Some(volume) = self.volume_mut(store) {
            std::mem::swap(&mut volume.journal.changes, &mut journal.changes);
            volume.journal = journal;
            volume.read_only = read_only;
        }
        self.reconcile(store, changed);
        Ok(store)
    }

    /// Mounts an empty store that lives in memory only.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `EBUSY`.
    pub fn mount_memory(&mut self, at: Place<'_>) -> Step<StoreId> {
        self.add_volume(at, Backing::Memory)
    }

    /// Mounts a store whose files are added with [`add_remote`](Self::add_remote) and whose bytes
    /// come by [`fill`](Self::fill) only. It is read-only once [`seal`](Self::seal)ed.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `EBUSY`.
    pub fn mount_remote(&mut self, at: Place<'_>) -> Step<StoreId> {
        self.add_volume(at, Backing::Remote)
    }

    /// Adds a file of `size` bytes, whose directories exist, to a remote store.
    ///
    /// # Errors
    /// As creating a file has them.
    pub fn add_remote(&mut self, at: Place<'_>, size: u64, mtime: i64, mode: u32) -> Step<Node> {
        let mut run = || {
            let found = self.resolve(&at, Follow::Name)?;
            let (dir, name) = (found.dir, found.vacant()?.to_vec());
            self.writable(dir)?;
            let file = File { size, based: size, ..self.fresh_file(dir.store()) };
            let node = self.create(dir, &name, Body::File(file), mode)?;
            self.tree.inode_mut(node)?.times.mtime = mtime;
            Ok(node)
        };
        run().at(at.path)
    }

    /// Makes a store read-only.
    pub fn seal(&mut self, store: StoreId) {
        if let Some(volume) = self.volume_mut(store) {
            volume.read_only = true;
        }
    }

    /// Takes a store away. Commit everything first; what cannot be committed any more is given up
    /// if `lose` says so, and everybody who waits for it is told.
    ///
    /// # Errors
    /// `EBUSY` for `/`, while a file of it is open, another store is mounted in it, or something
    /// is not durable; `ENOENT` if it is not mounted.
    pub fn unmount(&mut self, store: StoreId, lose: bool) -> Step<()> {
        let Some(volume) = self.volume(store) else { return fail(Kind::NotFound) };
        let of_store = |node: Node| node.store() == store;
        let in_use = self.tree.iter().any(|(node, inode)| of_store(node) && inode.opens > 0)
            || self.tree.covered().any(of_store);
        if store.0 == 0 || in_use {
            return fail(Kind::Busy);
        }
        let is_clean = !volume.is_journaled() || volume.journal.is_clean();
        if !is_clean && !lose {
            let words = "resource busy or locked: the store has changes that are not durable";
            return Err(Error::new(Kind::Busy, words).into());
        }
        self.remove_tree(store);
        if is_clean {
            self.volumes[store.0 as usize] = None;
        } else if let Some(volume) = self.volume_mut(store) {
            // The number is not given again: by it those who wait are told.
            let journal = &mut volume.journal;
            journal
                .fail(None, Error::new(Kind::Io, "input/output error: the store was taken away"));
            (journal.changes, journal.flight) = (super::journal::Changes::default(), None);
        }
        Ok(())
    }

    /// Follows what another tab has written: `image` holds the log records after
    /// [`last_log`](Self::last_log), or, if the oldest of them is gone already, the whole store.
    /// Caches drop what changed; open files stay open, those removed elsewhere without a name.
    ///
    /// # Errors
    /// `EBUSY` if this kernel has changes that are not durable, `ESTALE` if log records between
    /// are missing (read the whole store), `EIO` for damaged ones.
    pub fn refresh(&mut self, store: StoreId, image: &Image) -> Step<()> {
        let Some(volume) = self.volume_mut(store) else { return fail(Kind::NotFound) };
        let journal = &mut volume.journal;
        if !journal.is_clean() {
            return fail(Kind::Busy);
        }
        if image.is_whole() {
            let mut fresh = Journal::new();
            (fresh.epoch, fresh.durable) = (journal.epoch, journal.durable);
            // Who has not asked yet how a change ended must still be told.
            fresh.failures = std::mem::take(&mut journal.failures);
            let mut changed = replay(store, image, &mut fresh)?;
            *journal = fresh;
            for (node, inode) in self.tree.iter().filter(|(node, _)| node.store() == store) {
                match changed.get(&node) {
                    Some(Some(new)) if new.version == inode.version => changed.remove(&node),
                    Some(_) => None,
                    None => changed.insert(node, None),
                };
            }
            self.reconcile(store, changed);
        } else if let Some(first) = image.first_log() {
            if first != journal.seq + 1 {
                return fail(Kind::Stale);
            }
            let changed = replay(store, image, journal)?;
            self.reconcile(store, changed);
        }
        Ok(())
    }

    /// The number of the last log record that this kernel has seen.
    pub fn last_log(&self, store: StoreId) -> u64 {
        self.volume(store).map_or(0, |volume| volume.journal.seq)
    }

    /// Deletes inodes without a name that came with the mount: call it once no other tab has the
    /// store open, for whose open files and drafts they may be.
    pub fn sweep_orphans(&mut self, store: StoreId) {
        let Some(volume) = self.volume_mut(store) else { return };
        for node in std::mem::take(&mut volume.orphans) {
            self.release(node);
        }
    }

    fn add_volume(&mut self, at: Place<'_>, backing: Backing) -> Step<StoreId> {
        let free = self.volumes.iter().position(Option::is_none).unwrap_or(self.volumes.len());
        if free >= StoreId::LIMIT {
            return fail(Kind::TooManyHandles);
        }
        let store = StoreId(free as u16);
        let root = Node::new(store, ROOT_ID);
        if free > 0 {
            let over = self.walk(&at, Follow::Yes).at(at.path)?;
            self.tree.dir(over).at(at.path)?;
            if self.tree.is_mount_point(over) || over == self.root()? {
                return fail(Kind::Busy).at(at.path);
            }
            self.tree.cover(over, root);
        }
        let now = self.env.now();
        self.tree.insert(root, Inode::new(Body::Dir(Dir::new(root)), 0o755, now));
        if free == self.volumes.len() {
            self.volumes.push(None);
        }
        self.volumes[free] = Some(Volume {
            root,
            backing,
            read_only: false,
            owned: true,
            journal: Journal::new(),
            space: Space::default(),
            findings: Vec::new(),
            orphans: Vec::new(),
        });
        Ok(store)
    }

    fn remove_volume(&mut self, store: StoreId) {
        self.remove_tree(store);
        self.volumes[store.0 as usize] = None;
    }

    fn remove_tree(&mut self, store: StoreId) {
        self.tree.uncover(Node::new(store, ROOT_ID));
        let nodes: Vec<_> =
            self.tree.iter().map(|(node, _)| node).filter(|node| node.store() == store).collect();
        for node in nodes {
            if let Some(Body::File(file)) = self.tree.remove(node).map(|inode| inode.body) {
                self.cache.forget(file.data);
            }
        }
    }

    /// Makes the tree what the records say of some inodes.
    fn reconcile(&mut self, store: StoreId, changed: Changed) {
        let mut names = Vec::new();
        for (node, new) in changed {
            let links = new.as_ref().map_or(Vec::new(), |inode| inode.links.clone());
            let old = self.tree.get(node).map_or(Vec::new(), |inode| inode.links.clone());
            for link in old.iter().filter(|link| !links.contains(link)) {
                self.tree.unlink(link.dir, &link.name);
                self.watch.push(super::watch::Change::Removed, node, link.dir, &link.name);
            }
            let added = links.into_iter().filter(|link| !old.contains(link));
            match new {
                Some(new) => {
                    names.extend(added.map(|link| (link.dir, link.name, node)));
                    self.put_inode(node, new);
                }
                None => self.forget_inode(node),
            }
        }
        // By a heap: a sort of the standard library takes six kilobytes of module.
        for (dir, name, node) in BinaryHeap::from(names).into_sorted_vec() {
            let vacant = matches!(self.tree.lookup(dir, &name), Ok(None));
            if !vacant || self.tree.link(dir, name.clone(), node).is_err() {
                let text = String::from_utf8_lossy(&name);
                let finding = format!("the name '{text}' of {node:?} in {dir:?} cannot be given");
                self.volumes[store.0 as usize].iter_mut().for_each(|volume| {
                    volume.findings.push(finding.clone());
                });
                continue;
            }
            self.watch.push(super::watch::Change::Created, node, dir, &name);
        }
        let nameless = |(node, inode): (Node, &Inode)| {
            let is_orphan = inode.links.is_empty() && inode.opens == 0 && node.id() != ROOT_ID;
            (is_orphan && node.store() == store).then_some(node)
        };
        let orphans = self.tree.iter().filter_map(nameless).collect();
        if let Some(volume) = self.volumes[store.0 as usize].as_mut() {
            volume.orphans = orphans;
            adopt_owners(&mut volume.journal, self.tree.iter());
        }
    }

    /// Takes an inode over from the records, without names that are new.
    fn put_inode(&mut self, node: Node, mut new: Inode) {
        let Some(old) = self.tree.get_mut(node) else {
            new.links.clear();
            self.tree.insert(node, new);
            return;
        };
        (old.mode, old.times, old.version) = (new.mode, new.times, new.version);
        old.extras = new.extras.take();
        old.stored = true;
        let links: &Vec<Link> = &new.links;
        old.links.retain(|link| links.contains(link));
        let mut stale = None;
        match (&mut old.body, new.body) {
            // Entries come with the inodes that have them.
            (Body::Dir(_), Body::Dir(_)) => {}
            (Body::File(old), Body::File(mut new)) => {
                new.stamp = old.stamp.wrapping_add(1);
                stale = Some((old.data, old.data == new.data));
                *old = new;
            }
            (body, new) => *body = new,
        }
        match stale {
            Some((data, true)) => self.cache.discard(data),
            Some((data, false)) => self.cache.forget(data),
            None => {}
        }
    }

    fn forget_inode(&mut self, node: Node) {
        if self.tree.get(node).is_some_and(|inode| inode.opens == 0)
            && let Some(Body::File(file)) = self.tree.remove(node).map(|inode| inode.body)
        {
            self.cache.forget(file.data);
        }
    }
}
