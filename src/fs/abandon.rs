//! Giving up: another tab has taken the right to write, and what is not durable here never will be.

use super::Fs;
use super::id::{Node, StoreId};
use super::sorted::Set;
use crate::error::Error;

impl Fs {
    /// Drops all changes of `store` that are not durable and tells everybody who waits for them
    /// `error`. The tree is out of date afterwards: [`refresh`](Self::refresh) it with the whole
    /// store before anything else.
    pub fn abandon(&mut self, store: StoreId, error: Error) {
        let Some(volume) = self.volume_mut(store) else { return };
        let journal = &mut volume.journal;
        let later = std::mem::take(&mut journal.changes);
        let changes = match journal.flight.take() {
            Some(flight) => flight.changes.merge(later),
            None => later,
        };
        journal.fail(None, error);
        journal.epoch += 1;
        journal.is_new = false;
        for data in changes.data.iter() {
            self.cache.discard(data);
        }
        let touched: Set<Node> =
            changes.inodes.iter().chain(changes.before.keys().copied()).collect();
        for node in touched.iter() {
            if let Some(inode) = self.tree.get_mut(node) {
                // No record has this version: whatever the store says of it replaces it.
                inode.version = u64::MAX;
            }
        }
    }
}
