//! Group commit: all changes since the last batch become one, and its end is told to everybody.

use super::Fs;
use super::block::{runs, touched};
use super::codec::Writer;
use super::core::Volume;
use super::handle::HandleId;
use super::id::{Data, Node, StoreId};
use super::journal::{Changes, Flight, Ticket};
use super::record::{Batch, FORMAT, Key, Write, extent_value};
use super::redo::{PENDING, Piece};
use super::sorted::Set;
use super::step::Step;
use super::{EXTENT, PAGE};
use crate::error::{Error, Kind};

/// An extent with more dirty bytes than this, and whole in memory, is written as a record of its
/// own; fewer bytes go to the log.
const LOGGED: usize = 32 * 1024;

/// A batch of at most so many bytes is small.
const LITTLE: usize = 128 * 1024;

/// How much of the log to fold into packs and extents with a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fold {
    /// Nothing, unless the log has grown long: then its older half.
    Auto,
    /// All of it: before the store is handed over, or when there is time.
    All,
}

/// A batch under construction.
pub(crate) struct Draft {
    pub(crate) log: Writer,
    pub(crate) writes: Vec<Write>,
    pub(crate) flight: Flight,
}

impl Fs {
    /// The changes of `store` since the last batch, to be written in one transaction; none if
    /// there are none (with [`Fold::Auto`]) or a batch is in flight already.
    ///
    /// The batch is self-contained: bytes are copied. From any thread, under the lock; the time
    /// it takes grows with the bytes changed. Exactly one [`batch_done`](Self::batch_done) must
    /// follow.
    pub fn take_batch(&mut self, store: StoreId, fold: Fold) -> Option<Batch> {
        let journal = &mut self.volume_mut(store)?.journal;
        let must_fold = fold == Fold::All && journal.is_behind();
        if journal.flight.is_some() || journal.is_clean() && !must_fold {
            return None;
        }
        let (epoch, seq, tail) = (journal.epoch, journal.seq + 1, journal.tail);
        let changes = std::mem::take(&mut journal.changes);
        journal.epoch += 1;
        journal.is_new = false;
        let (mut log, mut writes) = (Writer::default(), Vec::new());
        if journal.format < FORMAT {
            let mut format = Writer::default();
            format.number(FORMAT);
            writes.push(Write::Put(Key::Super, format.bytes));
            // Who reads a new store reads the record; who follows an old one reads the log.
            if journal.format > 0 {
                log.op_format(FORMAT);
            }
        }
        let flight = Flight {
            epoch,
            seq,
            log_bytes: 0,
            tail,
            changes,
            blocks: Vec::new(),
            pieces: Vec::new(),
            extents: Vec::new(),
            packs: Set::default(),
            hard: std::mem::take(&mut journal.hard),
        };
        let mut draft = Draft { log, writes, flight };
        self.put_cuts(&mut draft);
        self.put_data(store, &mut draft);
        self.fold_extents(store, fold, &mut draft);
        self.put_inodes(store, &mut draft);
        self.fold_packs(store, fold, &mut draft);
        let Draft { log, mut writes, mut flight } = draft;
        flight.log_bytes = log.bytes.len();
        writes.push(Write::Put(Key::Log(seq), log.bytes));
        self.volume_mut(store)?.journal.flight = Some(flight);
        Some(Batch { store, epoch, writes })
    }

    fn put_cuts(&mut self, draft: &mut Draft) {
        for (data, has_extents) in draft.flight.changes.dropped.iter() {
            draft.log.op_drop(data);
            // Deleting a range that is empty costs a store as much as writing a record.
            if !has_extents {
                continue;
            }
            let (first, last) = Key::extents(data.id(), 0);
            draft.writes.push(Write::Delete(first, last));
        }
        for (data, at) in draft.flight.changes.cuts.iter() {
            draft.log.op_cut(data, at);
            let index = at.div_ceil(EXTENT as u64) as u32;
            let (first, last) = Key::extents(data.id(), index);
            draft.writes.push(Write::Delete(first, last));
        }
    }

    fn put_data(&mut self, store: StoreId, draft: &mut Draft) {
        let all: Vec<_> = draft.flight.changes.data.iter().collect();
        for data in all {
            let Some(node) = self.owner(store, data) else { continue };
            for extent in self.cache.dirty_extents(data) {
                self.put_pages(node, data, extent, draft);
            }
            if let Ok(file) = self.tree.file_mut(node) {
                file.stored = true;
            }
        }
    }

    /// The file that `data` is the contents of now.
    pub(crate) fn owner(&self, store: StoreId, data: Data) -> Option<Node> {
        let node = self.volume(store)?.journal.owners.get(data)?;
        let file = self.tree.get(node)?.file()?;
        (file.data == data).then_some(node)
    }

    /// One extent's dirty pages: as a record if they are many, else to the log.
    fn put_pages(&mut self, node: Node, data: Data, extent: u32, draft: &mut Draft) {
        let Ok(file) = self.tree.file(node) else { return };
        let start = u64::from(extent) * EXTENT as u64;
        let len = file.size.saturating_sub(start).min(EXTENT as u64) as usize;
        let pages = self.cache.launch(data, extent) & touched(0, len);
        draft.flight.blocks.push((data, extent));
        let is_whole = touched(0, len) & !self.cache.valid(data, extent) == 0;
        if is_whole && pages.count_ones() as usize * PAGE > LOGGED {
            return self.put_extent(node, data, extent, draft);
        }
        let known = self.cache.bytes(data, extent);
        for (from, to) in runs(pages) {
            let to = to.min(len);
            let mut bytes = known[from.min(known.len())..to.min(known.len())].to_vec();
            bytes.resize(to - from, 0);
            draft.log.op_piece(data, start + from as u64, &bytes);
            let (start, end, seq) = (from as u32, to as u32, draft.flight.seq);
            let piece = Piece { seq, start, end, bytes: Some(bytes) };
            draft.flight.pieces.push((data, extent, piece));
        }
    }

    /// Writes the extent's record from the cache, where it is whole.
    pub(crate) fn put_extent(&mut self, node: Node, data: Data, extent: u32, draft: &mut Draft) {
        let known = self.cache.bytes(data, extent);
        let Ok(file) = self.tree.file(node) else { return };
        let start = u64::from(extent) * EXTENT as u64;
        let len = file.size.saturating_sub(start).min(EXTENT as u64);
        let value = known[..known.len().min(len as usize)].to_vec();
        self.put_extent_value(node, data, extent, value, draft);
    }

    /// Writes the extent's record with `value`.
    pub(crate) fn put_extent_value(
        &mut self,
        node: Node,
        data: Data,
        extent: u32,
        value: Vec<u8>,
        draft: &mut Draft,
    ) {
        let Ok(file) = self.tree.file_mut(node) else { return };
        let end = u64::from(extent) * EXTENT as u64 + value.len() as u64;
        file.based = if value.is_empty() { file.based } else { file.based.max(end) };
        file.stamp = file.stamp.wrapping_add(1);
        draft.log.op_extent(data, extent);
        let key = Key::Extent { data: data.id(), index: extent };
        let write = match value.is_empty() {
            true => Write::Delete(key, key),
            false => Write::Put(key, extent_value(value)),
        };
        draft.writes.push(write);
        draft.flight.extents.push((data, extent));
        // How far its records reach is the inode's to say.
        draft.flight.changes.inodes.insert(node);
    }

    fn put_inodes(&mut self, store: StoreId, draft: &mut Draft) {
        let Some(volume) = self.volumes.get_mut(store.0 as usize).and_then(Option::as_mut) else {
            return;
        };
        for node in draft.flight.changes.inodes.iter() {
            if let Some(inode) = self.tree.get_mut(node) {
                inode.stored = true;
                inode.version += 1;
                draft.log.op_inode(node, inode, volume.journal.packs.assign(node));
            }
        }
        for node in draft.flight.changes.deleted.iter() {
            draft.log.op_delete(node);
        }
    }

    /// Ends the batch in flight: `result` is its transaction's. From any thread, under the lock.
    ///
    /// With `ENOSPC` the largest writers of the batch get their last durable contents back and
    /// are told; all else stays and goes with the next batch. With any other error nothing is
    /// undone, everybody is told, and all of it goes with the next batch.
    pub fn batch_done(&mut self, store: StoreId, epoch: u64, result: crate::Result<()>) {
        let Some(volume) = self.volume_mut(store) else { return };
        let Some(flight) = volume.journal.flight.take_if(|flight| flight.epoch == epoch) else {
            return;
        };
        match result {
            Ok(()) => self.committed(store, flight),
            Err(error) => self.refused(store, flight, error),
        }
    }

    fn committed(&mut self, store: StoreId, flight: Flight) {
        for (data, extent) in &flight.blocks {
            self.cache.land(*data, *extent, false);
        }
        let Some(volume) = self.volume_mut(store) else { return };
        let journal = &mut volume.journal;
        journal.soft = !flight.hard;
        let (seq, changes) = (flight.seq, flight.changes);
        for data in changes.dropped.keys() {
            journal.redo.forget(data);
            journal.owners.remove(data);
        }
        for (data, extent) in &flight.extents {
            journal.redo.fold(*data, *extent);
        }
        for (data, extent, piece) in flight.pieces {
            journal.redo.push(data, extent, piece);
        }
        if !changes.cuts.is_empty() {
            journal.redo.settle(seq);
        }
        // What was cut while the batch was in flight is cut from what the batch brought, too.
        for (data, at) in journal.changes.cuts.iter() {
            journal.redo.cut(data, at, PENDING);
        }
        flight.packs.iter().for_each(|number| journal.packs.written(number));
        for node in changes.inodes.iter() {
            if !journal.packs.is_in(node, &flight.packs) {
                journal.packs.changed(node, seq);
            }
        }
        changes.deleted.iter().for_each(|node| journal.packs.deleted(node, seq));
        journal.add_log(seq, flight.log_bytes);
        journal.trim_log(flight.tail);
        journal.format = FORMAT;
        journal.durable = flight.epoch;
    }

    fn refused(&mut self, store: StoreId, flight: Flight, error: Error) {
        for (data, extent) in &flight.blocks {
            self.cache.land(*data, *extent, true);
        }
        let mut sizes: Vec<(Data, usize)> = Vec::new();
        let pieces = flight.pieces.iter().map(|(data, _, p)| (*data, (p.end - p.start) as usize));
        for (data, bytes) in pieces.chain(flight.extents.iter().map(|(data, _)| (*data, EXTENT))) {
            match sizes.last_mut() {
                Some((last, sum)) if *last == data => *sum += bytes,
                _ => sizes.push((data, bytes)),
            }
        }
        let Some(volume) = self.volume_mut(store) else { return };
        let journal = &mut volume.journal;
        journal.is_new |= journal.seq == 0;
        journal.hard |= flight.hard;
        let later = std::mem::take(&mut journal.changes);
        journal.changes = flight.changes.merge(later);
        let largest = sizes.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        // A folded extent is nobody's wish; only files with changes of their own can give way.
        let large: Vec<Node> = sizes
            .iter()
            .filter(|(data, bytes)| *bytes * 2 > largest && journal.changes.data.contains(*data))
            .filter_map(|(data, _)| journal.owners.get(*data))
            .collect();
        if error.kind() != Kind::NoSpace || large.is_empty() {
            journal.fail(None, error);
            journal.epoch += 1;
            return;
        }
        for node in large {
            self.revert(node, &error);
        }
        if let Some(volume) = self.volume_mut(store) {
            volume.journal.epoch += 1;
        }
    }

    /// A claim on the durability of all changes made to `node` until now.
    pub fn ticket(&self, node: Node) -> Ticket {
        let epoch = self.volume(node.store()).map_or(0, |volume| volume.journal.epoch);
        Ticket { node, epoch }
    }

    /// A claim on the durability of what was last changed through an open file; settled for one
    /// through which nothing was. A failure is told to it even if later changes have landed.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn ticket_of(&self, handle: HandleId) -> Step<Ticket> {
        let open = self.handles.get(handle)?;
        Ok(Ticket { node: open.node, epoch: open.changed })
    }

    /// Something has been changed through the open file.
    pub(crate) fn changed_by(&mut self, handle: HandleId) -> Step<()> {
        let node = self.handles.get(handle)?.node;
        self.handles.get_mut(handle)?.changed = self.ticket(node).epoch;
        Ok(())
    }

    /// As [`ticket`](Self::ticket), and the claim is settled only when the disk itself has the
    /// changes, not only the operating system: the next batch is a [hard](Self::is_hard) one.
    pub fn harden(&mut self, node: Node) -> Ticket {
        let owned = |volume: &&mut Volume| volume.is_journaled() && volume.owned;
        if let Some(volume) = self.volume_mut(node.store()).filter(owned) {
            let journal = &mut volume.journal;
            let in_flight = journal.flight.as_ref().is_some_and(|flight| !flight.hard);
            let waits = !journal.changes.is_empty() || journal.is_new;
            journal.hard |= waits || journal.soft || in_flight;
            if journal.hard && !waits {
                // Something must be written for the disk to be waited for.
                journal.changes.inodes.insert(node);
            }
        }
        self.ticket(node)
    }

    /// Whether the batch in flight must be on the disk itself before it is
    /// [done](Self::batch_done).
    pub fn is_hard(&self, store: StoreId) -> bool {
        let flight = self.volume(store).and_then(|volume| volume.journal.flight.as_ref());
        flight.is_some_and(|flight| flight.hard)
    }

    /// How the changes of `ticket` ended: none while they have not, then whether they are
    /// durable. A store in memory is as durable as it gets at once.
    pub fn settled(&self, ticket: Ticket) -> Option<crate::Result<()>> {
        match self.volume(ticket.node.store()) {
            Some(volume) if volume.is_journaled() => volume.journal.settled(ticket),
            _ => Some(Ok(())),
        }
    }

    /// Whether a batch of `store` is in flight.
    pub fn flies(&self, store: StoreId) -> bool {
        self.volume(store).is_some_and(|volume| volume.journal.flight.is_some())
    }

    /// Whether a batch of `store`, which this kernel may write to, would be small: copying it and
    /// handing it to the browser is a matter of microseconds.
    pub fn is_little(&self, store: StoreId) -> bool {
        self.cache.held_bytes() <= LITTLE
            && self.volume(store).is_some_and(|volume| {
                volume.owned && volume.journal.changes.inodes.len() <= LITTLE / PAGE
            })
    }

    /// Whether all changes of `store` are durable.
    pub fn is_clean(&self, store: StoreId) -> bool {
        self.volume(store).is_none_or(|volume| volume.journal.is_clean())
    }

    /// Notes that `node` has changed.
    pub(crate) fn dirty(&mut self, node: Node) {
        if let Some(changes) = self.changes(node.store()) {
            changes.inodes.insert(node);
        }
    }

    /// The open changes of `store`, if it keeps any.
    pub(crate) fn changes(&mut self, store: StoreId) -> Option<&mut Changes> {
        let volume = self.volume_mut(store)?;
        volume.is_journaled().then_some(&mut volume.journal.changes)
    }
}
