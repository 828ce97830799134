//! Reading and writing open files: at their own offset or at a given one.

use crate::error::Kind;
use crate::fs::EXTENT;
use crate::fs::block::{Pages, covered, touched};
use crate::fs::core::Backing;
use crate::fs::handle::{Flags, HandleId};
use crate::fs::id::{Node, StoreId};
use crate::fs::inode::File;
use crate::fs::step::{Need, Step, Stop, fail};
use crate::fs::{Fs, MAX_SIZE};

/// One call moves at most this much, so that none holds the lock for long.
const MOST: usize = 8 * 1024 * 1024;

/// From where a seek counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whence {
    /// The beginning.
    Start,
    /// The present offset.
    Current,
    /// The end.
    End,
}

/// The extents that `offset..offset + len` touches, each with its own part of the range.
fn spans(offset: u64, len: usize) -> impl Iterator<Item = (u32, (usize, usize))> {
    let end = offset + len as u64;
    let first = offset / EXTENT as u64;
    let last = end.div_ceil(EXTENT as u64);
    (first..last).map(move |extent| {
        let base = extent * EXTENT as u64;
        let from = offset.max(base) - base;
        let to = end.min(base + EXTENT as u64) - base;
        (extent as u32, (from as usize, to as usize))
    })
}

impl Fs {
    /// Reads up to `len` bytes at `offset` and hands them to `sink` piece by piece, in order,
    /// once and only once everything is in memory: one copy, straight from the cache.
    ///
    /// Returns how many bytes: fewer at the end of the file, and no more than a call's limit of
    /// 8 MiB (less with a small cache).
    ///
    /// # Errors
    /// `EBADF` without [`Flags::READ`], `EISDIR` for a directory.
    pub fn read_at(
        &mut self,
        handle: HandleId,
        offset: u64,
        len: usize,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Step<usize> {
        let handle = *self.handles.get(handle)?;
        if !handle.flags.has(Flags::READ) {
            return fail(Kind::BadHandle);
        }
        self.read_node(handle.node, offset, len, sink)
    }

    /// As [`read_at`](Self::read_at) at the handle's offset, which moves on.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn read(
        &mut self,
        handle: HandleId,
        len: usize,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Step<usize> {
        let offset = self.handles.get(handle)?.offset;
        let done = self.read_at(handle, offset, len, sink)?;
        self.handles.get_mut(handle)?.offset = offset + done as u64;
        Ok(done)
    }

    pub(crate) fn read_node(
        &mut self,
        node: Node,
        offset: u64,
        len: usize,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Step<usize> {
        let file = *self.tree.file(node)?;
        let rest = usize::try_from(file.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = len.min(rest).min(self.most());
        self.cache.make_room(0);
        let mut needs = Vec::new();
        for (extent, (from, to)) in spans(offset, len) {
            needs.extend(self.want(node, &file, extent, touched(from, to))?);
        }
        if !needs.is_empty() {
            return Err(Stop::Load(needs));
        }
        for (extent, span) in spans(offset, len) {
            self.cache.read(file.data, extent, span, sink);
        }
        Ok(len)
    }

    /// Lets `source` provide up to `len` bytes for `offset`, piece by piece and in order,
    /// straight into the cache. With [`Flags::APPEND`] the offset is the end of the file.
    ///
    /// Returns how many bytes were asked of `source`: no more than a call's limit of 8 MiB (less
    /// with a small cache). Bytes of one call become durable together or not at all.
    ///
    /// # Errors
    /// `EBADF` without [`Flags::WRITE`], `EFBIG` beyond the largest size, `ENOMEM`, `EROFS`.
    pub fn write_at(
        &mut self,
        handle: HandleId,
        offset: u64,
        len: usize,
        source: &mut dyn FnMut(&mut [u8]),
    ) -> Step<usize> {
        let open = *self.handles.get(handle)?;
        if !open.flags.has(Flags::WRITE) {
            return fail(Kind::BadHandle);
        }
        let append = open.flags.has(Flags::APPEND);
        let offset = if append { self.tree.file(open.node)?.size } else { offset };
        let done = self.write_node(open.node, offset, len, source)?;
        self.changed_by(handle)?;
        Ok(done)
    }

    /// As [`write_at`](Self::write_at) at the handle's offset, which moves on.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    pub fn write(
        &mut self,
        handle: HandleId,
        len: usize,
        source: &mut dyn FnMut(&mut [u8]),
    ) -> Step<usize> {
        let open = *self.handles.get(handle)?;
        let append = open.flags.has(Flags::APPEND);
        let offset = if append { self.tree.file(open.node)?.size } else { open.offset };
        let done = self.write_at(handle, offset, len, source)?;
        self.handles.get_mut(handle)?.offset = offset + done as u64;
        Ok(done)
    }

    pub(crate) fn write_node(
        &mut self,
        node: Node,
        offset: u64,
        len: usize,
        source: &mut dyn FnMut(&mut [u8]),
    ) -> Step<usize> {
        let file = *self.tree.file(node)?;
        self.writable(node)?;
        let len = len.min(self.most());
        if len == 0 {
            return Ok(0);
        }
        let end = offset.checked_add(len as u64).filter(|end| *end <= MAX_SIZE);
        let Some(end) = end else { return fail(Kind::FileTooLarge) };
        self.make_room(node.store(), len)?;
        let mut needs = Vec::new();
        for (extent, (from, to)) in spans(offset, len) {
            // Pages covered in part must be known, but those beyond the end are zeros.
            let partly = touched(from, to) & !covered(from, to);
            needs.extend(self.want(node, &file, extent, partly & within(&file, extent))?);
        }
        if !needs.is_empty() {
            return Err(Stop::Load(needs));
        }
        // From here on nothing may fail: memory first, then the bytes.
        for (extent, (_, to)) in spans(offset, len) {
            self.cache.reserve(file.data, extent, to)?;
        }
        self.before_change(node)?;
        for (extent, span) in spans(offset, len) {
            self.cache.write(file.data, extent, span, source)?;
        }
        self.tree.file_mut(node)?.size = file.size.max(end);
        self.bytes_changed(node, &file);
        Ok(len)
    }

    /// After a change of bytes: times, journal, watchers.
    pub(crate) fn bytes_changed(&mut self, node: Node, file: &File) {
        let now = self.env.now();
        if let Some(inode) = self.tree.get_mut(node) {
            (inode.times.mtime, inode.times.ctime) = (now, now);
        }
        if let Some(changes) = self.changes(node.store()) {
            changes.inodes.insert(node);
            changes.data.insert(file.data);
        }
        self.announce(crate::fs::watch::Change::Modified, node);
    }

    /// Moves the handle's offset and returns it.
    ///
    /// # Errors
    /// `EINVAL` for a place before the beginning, `EISDIR` for the end of a directory.
    pub fn seek(&mut self, handle: HandleId, offset: i64, whence: Whence) -> Step<u64> {
        let open = *self.handles.get(handle)?;
        let base = match whence {
            Whence::Start => 0,
            Whence::Current => open.offset,
            Whence::End => self.tree.file(open.node)?.size,
        };
        let target = base.checked_add_signed(offset).filter(|at| *at <= i64::MAX as u64);
        let Some(target) = target else { return fail(Kind::InvalidArgument) };
        self.handles.get_mut(handle)?.offset = target;
        Ok(target)
    }

    /// Where the handle stands.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn tell(&self, handle: HandleId) -> Step<u64> {
        Ok(self.handles.get(handle)?.offset)
    }

    /// Takes the answer to a [`Need`]: the extent's record, or none if the store has none. An
    /// answer to a question that has been overtaken by a change is dropped; the operation that
    /// asked will ask again.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn fill(&mut self, need: &Need, base: Option<&[u8]>) -> Step<()> {
        let file = self.tree.get(need.node).and_then(|inode| inode.file()).copied();
        match file {
            Some(file) if file.data == need.data && file.stamp == need.stamp => {
                self.cache.make_room(EXTENT);
                self.materialize(need.node, &file, need.extent, base.unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    /// What must be loaded for `pages` of an extent to be known, if anything.
    pub(crate) fn want(
        &mut self,
        node: Node,
        file: &File,
        extent: u32,
        pages: Pages,
    ) -> Step<Option<Need>> {
        if pages & !self.cache.valid(file.data, extent) == 0 {
            return Ok(None);
        }
        if u64::from(extent) * EXTENT as u64 >= file.based {
            self.materialize(node, file, extent, &[])?;
            return Ok(None);
        }
        Ok(Some(Need { node, data: file.data, extent, stamp: file.stamp }))
    }

    /// Makes all pages of an extent known from its record and the redo log.
    fn materialize(&mut self, node: Node, file: &File, extent: u32, base: &[u8]) -> Step<()> {
        let volume = self.volumes.get(node.store().0 as usize).and_then(Option::as_ref);
        match volume.filter(|volume| volume.backing == Backing::Records) {
            Some(volume) => {
                let whole = volume.journal.redo.compose(file.data, extent, base);
                self.cache.fill(file.data, extent, &whole)
            }
            None => self.cache.fill(file.data, extent, base),
        }
    }

    /// Makes room for `len` bytes to be written, or asks for a commit that will.
    pub(crate) fn make_room(&mut self, store: StoreId, len: usize) -> Step<()> {
        self.cache.make_room(len);
        let is_full = self.cache.held_bytes() + len > self.cache.budget() / 2;
        match self.volume(store) {
            Some(volume) if volume.is_journaled() && is_full && !volume.journal.is_clean() => {
                Err(Stop::Commit(store))
            }
            _ => Ok(()),
        }
    }

    /// How many bytes one call may move: what fits the cache several times over.
    pub(crate) fn most(&self) -> usize {
        (self.cache.budget() / 8).clamp(EXTENT, MOST) / EXTENT * EXTENT
    }
}

/// The pages of an extent that lie before the end of the file.
fn within(file: &File, extent: u32) -> Pages {
    let start = u64::from(extent) * EXTENT as u64;
    touched(0, file.size.saturating_sub(start).min(EXTENT as u64) as usize)
}
