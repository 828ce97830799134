//! The filesystem's state and the small steps that every operation is made of.

use super::cache::Cache;
use super::env::Env;
use super::handle::Handles;
use super::id::{Data, Node, StoreId};
use super::inode::{Body, File, Inode, Name};
use super::journal::{Before, Journal};
use super::step::{Step, Stop, fail};
use super::tree::Tree;
use super::watch::{Change, Events, Watch};
use crate::error::Kind;

/// What keeps the bytes of a mounted store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Backing {
    /// Records, by batches.
    Records,
    /// Nothing: memory is all there is.
    Memory,
    /// Something read-only that answers for each extent.
    Remote,
}

/// One mounted store.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) root: Node,
    pub(crate) backing: Backing,
    pub(crate) read_only: bool,
    /// Whether this kernel is the one that may write; another tab may be.
    pub(crate) owned: bool,
    pub(crate) journal: Journal,
    /// Bytes used and available, as far as the store's owner has told.
    pub(crate) space: Space,
    /// What was wrong with the records at mount.
    pub(crate) findings: Vec<String>,
    /// Inodes that came without a name: left over by a crash, or another tab has them open.
    pub(crate) orphans: Vec<Node>,
}

impl Volume {
    pub(crate) fn is_journaled(&self) -> bool {
        self.backing == Backing::Records
    }
}

/// How full a store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Space {
    /// Bytes in use.
    pub used: u64,
    /// Bytes that can still be written.
    pub available: u64,
}

/// The filesystem: every mounted tree, the open files, and the page cache.
///
/// An ordinary structure for one thread at a time: the kernel keeps it behind a
/// [`Lock`](crate::sync::lock::Lock). No operation blocks, all allocate.
#[derive(Debug)]
pub struct Fs {
    pub(crate) env: Box<dyn Env>,
    pub(crate) tree: Tree,
    pub(crate) volumes: Vec<Option<Volume>>,
    pub(crate) cache: Cache,
    pub(crate) handles: Handles,
    pub(crate) watch: Watch,
}

impl Fs {
    /// A filesystem without any store, whose cache keeps to `cache_bytes`. The first store
    /// mounted becomes `/`.
    pub fn new(env: Box<dyn Env>, cache_bytes: usize) -> Self {
        Self {
            env,
            tree: Tree::default(),
            volumes: Vec::new(),
            cache: Cache::new(cache_bytes),
            handles: Handles::default(),
            watch: Watch::default(),
        }
    }

    /// Changes the cache's budget, and evicts what does not fit it as far as it is clean.
    pub fn set_cache_bytes(&mut self, bytes: usize) {
        self.cache.set_budget(bytes);
        self.cache.make_room(0);
    }

    /// Bytes of memory that file contents take now.
    pub fn cached_bytes(&self) -> usize {
        self.cache.used
    }

    /// Says whether this kernel may write to `store`. While it may not, operations that would
    /// change it stop with [`Stop::Own`]. Commit everything before giving up the right, and
    /// [`refresh`](Self::refresh) after getting it.
    pub fn set_owned(&mut self, store: StoreId, owned: bool) {
        if let Some(volume) = self.volume_mut(store) {
            volume.owned = owned;
        }
    }

    /// Tells how full a store is, for `statfs`.
    pub fn set_space(&mut self, store: StoreId, space: Space) {
        if let Some(volume) = self.volume_mut(store) {
            volume.space = space;
        }
    }

    pub(crate) fn volume(&self, store: StoreId) -> Option<&Volume> {
        self.volumes.get(store.0 as usize)?.as_ref()
    }

    pub(crate) fn volume_mut(&mut self, store: StoreId) -> Option<&mut Volume> {
        self.volumes.get_mut(store.0 as usize)?.as_mut()
    }

    /// Refuses changes to what `node` lives in if it is read-only.
    pub(crate) fn writable(&self, node: Node) -> Step<()> {
        match self.volume(node.store()) {
            Some(volume) if volume.read_only => fail(Kind::ReadOnly),
            Some(volume) if !volume.owned => Err(Stop::Own(node.store())),
            Some(_) => Ok(()),
            None => fail(Kind::Stale),
        }
    }

    /// A number that no inode and no data of `store` has.
    pub(crate) fn fresh_node(&mut self, store: StoreId) -> Node {
        loop {
            let node = Node::new(store, self.env.random());
            // Zero and the root's number have meanings; a collision has odds of 2^-53 per file.
            if node.id() > super::id::ROOT_ID && !self.tree.contains(node) {
                return node;
            }
        }
    }

    /// Data without bytes for a new or emptied file.
    pub(crate) fn fresh_file(&mut self, store: StoreId) -> File {
        let data = Data::new(store, self.env.random());
        File { size: 0, data, based: 0, stamp: 0, stored: false }
    }

    /// Creates an inode named `name` in `dir`. The caller has found the name vacant.
    pub(crate) fn create(&mut self, dir: Node, name: &[u8], body: Body, mode: u32) -> Step<Node> {
        let node = self.fresh_node(dir.store());
        let now = self.env.now();
        let name = Name::from(name);
        self.tree.insert(node, Inode::new(body, mode, now));
        self.tree.link(dir, name.clone(), node)?;
        self.dirty(node);
        self.touch_dir(dir, now);
        self.watch.push(Change::Created, node, dir, &name);
        Ok(node)
    }

    /// The directory's contents have changed at `now`.
    pub(crate) fn touch_dir(&mut self, dir: Node, now: i64) {
        if let Some(inode) = self.tree.get_mut(dir) {
            (inode.times.mtime, inode.times.ctime) = (now, now);
        }
        self.dirty(dir);
    }

    /// The inode itself has changed at `now`.
    pub(crate) fn touch_inode(&mut self, node: Node, now: i64) {
        if let Some(inode) = self.tree.get_mut(node) {
            inode.times.ctime = now;
        }
        self.dirty(node);
    }

    /// Tells watchers about `node` under its first name.
    pub(crate) fn announce(&mut self, change: Change, node: Node) {
        if self.watch.watchers == 0 {
            return;
        }
        if let Some(link) = self.tree.get(node).and_then(|inode| inode.links.first()) {
            self.watch.push(change, node, link.dir, &link.name);
        }
    }

    /// The file's bytes are about to change: remembers what is durable of it.
    pub(crate) fn before_change(&mut self, node: Node) -> Step<()> {
        let file = *self.tree.file(node)?;
        let inode = self.tree.inode(node)?;
        let Some(volume) = self.volumes.get_mut(node.store().0 as usize).and_then(Option::as_mut)
        else {
            return fail(Kind::Stale);
        };
        if volume.is_journaled() {
            let journal = &mut volume.journal;
            journal.owners.insert(file.data, node);
            journal.changes.before.entry(node).or_insert_with(|| Before {
                file,
                mtime: inode.times.mtime,
                links: inode.links.clone(),
                existed: inode.stored,
            });
        }
        Ok(())
    }

    /// Lets go of an inode that may have lost its last name or its last handle.
    pub(crate) fn release(&mut self, node: Node) {
        let Some(inode) = self.tree.get(node) else { return };
        let is_root = inode.dir().is_some_and(|dir| dir.parent == node);
        if !inode.links.is_empty() || inode.opens > 0 || is_root {
            return;
        }
        let Some(inode) = self.tree.remove(node) else { return };
        if let Body::File(file) = inode.body {
            self.drop_data(&file);
        }
        if let Some(changes) = self.changes(node.store()) {
            changes.inodes.remove(node);
            changes.before.remove(&node);
            if inode.stored {
                changes.deleted.insert(node);
            }
        }
    }

    /// Forgets the bytes of data that no inode has any more.
    pub(crate) fn drop_data(&mut self, file: &File) {
        self.cache.forget(file.data);
        if let Some(changes) = self.changes(file.data.store()) {
            changes.data.remove(file.data);
            // Cut to nothing, it may still have extents that no batch has deleted.
            let was_cut = changes.cuts.remove(file.data).is_some();
            if file.stored {
                changes.dropped.insert(file.data, was_cut || file.based > 0);
            }
        }
    }

    /// Starts recording changes; pair with [`unwatch`](Self::unwatch). Returns the number of the
    /// next event, to ask [`events`](Self::events) with.
    pub fn watch(&mut self) -> u64 {
        self.watch.watchers += 1;
        self.watch.next()
    }

    /// Ends one [`watch`](Self::watch).
    pub fn unwatch(&mut self) {
        self.watch.watchers = self.watch.watchers.saturating_sub(1);
    }

    /// Changes from event number `seq` on.
    pub fn events(&self, seq: u64) -> Events {
        self.watch.since(seq)
    }

    /// An absolute path of an inode, the first of several.
    ///
    /// # Errors
    /// `ENOENT` if it has no name any more.
    pub fn path_of(&self, node: Node) -> Step<Vec<u8>> {
        self.tree.path_of(node)
    }
}
