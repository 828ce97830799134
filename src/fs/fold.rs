//! Folding: what the log has long held moves to packs and extents, so that the log stays short.

use super::EXTENT;
use super::Fs;
use super::block::touched;
use super::codec::Writer;
use super::commit::{Draft, Fold};
use super::id::{Data, IdMap, Node, StoreId};
use super::record::{Key, Write};
use super::sorted::Row;
use super::step::Need;

/// The log is folded when it holds more than this: it is read at mount, and its data sits in
/// memory meanwhile.
const LOG_BYTES: usize = 4 * 1024 * 1024;
const LOG_RECORDS: usize = 2048;

/// Extents folded with one batch, so that none takes long.
const STEP: usize = 64;

impl Fs {
    /// What folding the log of `store` needs in memory: load these when there is time, then take
    /// a batch. While it is not loaded, the log keeps what patches it.
    pub fn fold_needs(&self, store: StoreId) -> Vec<Need> {
        let Some(volume) = self.volume(store) else { return Vec::new() };
        let current = |need: &Need| {
            let file = self.tree.get(need.node)?.file()?;
            (file.data == need.data).then_some(Need { stamp: file.stamp, ..*need })
        };
        volume.journal.wanted.iter().filter_map(current).collect()
    }

    /// Whether the log of `store` is longer than it should be.
    pub fn wants_fold(&self, store: StoreId) -> bool {
        self.volume(store).is_some_and(|volume| {
            let journal = &volume.journal;
            journal.log_bytes > LOG_BYTES || journal.log.len() > LOG_RECORDS
        })
    }

    /// The log records up to which a batch folds, if it does.
    fn cutoff(&self, store: StoreId, fold: Fold, seq: u64) -> Option<u64> {
        let tail = self.volume(store)?.journal.tail;
        match fold {
            Fold::All => Some(seq),
            Fold::Auto => self.wants_fold(store).then(|| tail + (seq - tail) / 2),
        }
    }

    /// Adds to a batch the extents whose oldest patches the log has held long enough.
    pub(crate) fn fold_extents(&mut self, store: StoreId, fold: Fold, draft: &mut Draft) {
        let Some(cutoff) = self.cutoff(store, fold, draft.flight.seq) else { return };
        let Some(volume) = self.volume(store) else { return };
        let old: Vec<_> = volume.journal.redo.oldest().filter(|(.., seq)| *seq <= cutoff).collect();
        let limit = if fold == Fold::All { usize::MAX } else { STEP };
        let mut wanted = Vec::new();
        let mut folded = 0;
        for (data, extent, _) in old {
            // Data that this very batch drops has no owner any more.
            let Some(node) = self.owner(store, data) else { continue };
            if folded == limit || draft.flight.extents.contains(&(data, extent)) {
                continue;
            }
            match self.fold_extent(node, data, extent, draft) {
                None => folded += 1,
                Some(need) => wanted.push(need),
            }
        }
        if let Some(volume) = self.volume_mut(store) {
            volume.journal.wanted = wanted;
        }
    }

    /// Adds to a batch the packs that have long been behind, and deletes what of the log nothing
    /// needs any more. Inodes are as the batch leaves them by now.
    pub(crate) fn fold_packs(&mut self, store: StoreId, fold: Fold, draft: &mut Draft) {
        let Some(cutoff) = self.cutoff(store, fold, draft.flight.seq) else { return };
        let Some(volume) = self.volume(store) else { return };
        let behind = volume.journal.packs.behind().filter(|(_, seq)| *seq <= cutoff);
        for number in behind.map(|(number, _)| number).collect::<Vec<_>>() {
            self.put_pack(store, number, draft);
        }
        self.trim(store, draft);
    }

    /// Writes one extent's record with its patches applied, or says what must be loaded first.
    fn fold_extent(
        &mut self,
        node: Node,
        data: Data,
        extent: u32,
        draft: &mut Draft,
    ) -> Option<Need> {
        let file = *self.tree.get(node)?.file()?;
        let start = u64::from(extent) * EXTENT as u64;
        let len = file.size.saturating_sub(start).min(EXTENT as u64) as usize;
        if touched(0, len) & !self.cache.valid(data, extent) == 0 {
            // Pages of this very batch may be among them; their pieces in the same log record
            // come before the mark that voids them, so nothing is lost and nothing applies twice.
            draft.flight.pieces.retain(|(d, e, _)| (*d, *e) != (data, extent));
            self.put_extent(node, data, extent, draft);
        } else if start >= file.based && !draft.flight.blocks.contains(&(data, extent)) {
            let journal = &self.volume(node.store())?.journal;
            let mut value = journal.redo.compose(data, extent, &[]).into_owned();
            value.truncate(len);
            self.put_extent_value(node, data, extent, value, draft);
        } else {
            return Some(Need { node, data, extent, stamp: file.stamp });
        }
        None
    }

    fn put_pack(&mut self, store: StoreId, number: u32, draft: &mut Draft) {
        let Some(volume) = self.volume(store) else { return };
        let mut pack = Writer::default();
        for node in volume.journal.packs.members(number) {
            if let Some(inode) = self.tree.get(node) {
                pack.inode(node, inode);
            }
        }
        let key = Key::Pack(number);
        let empty = pack.bytes.is_empty();
        draft.writes.push(if empty {
            Write::Delete(key, key)
        } else {
            Write::Put(key, pack.bytes)
        });
        draft.flight.packs.insert(number);
    }

    /// Deletes the log records that nothing needs any more; the newest always stays, it says
    /// how far the numbers are.
    fn trim(&mut self, store: StoreId, draft: &mut Draft) {
        let Some(volume) = self.volume_mut(store) else { return };
        let journal = &mut volume.journal;
        let mut folded = IdMap::<Data, Row<()>>::default();
        for (data, extent) in &draft.flight.extents {
            folded.entry(*data).or_default().get_or_insert_with(*extent, || ());
        }
        let dropped = &draft.flight.changes.dropped;
        let patches = journal.redo.oldest().filter(|(data, extent, _)| {
            let is_folded = folded.get(data).is_some_and(|row| row.get(*extent).is_some());
            !is_folded && !dropped.contains(*data)
        });
        let packs = journal.packs.behind().filter(|(n, _)| !draft.flight.packs.contains(*n));
        let oldest = patches.map(|(_, _, seq)| seq).chain(packs.map(|(_, seq)| seq)).min();
        let tail = oldest.unwrap_or(u64::MAX).min(draft.flight.seq);
        if tail > journal.tail {
            let last = Key::Log(tail - 1);
            draft.writes.push(Write::Delete(Key::Log(journal.tail), last));
            draft.flight.tail = tail;
        }
    }
}
