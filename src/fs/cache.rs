//! The page cache: extents of files in heap memory, under a budget.

use super::block::{self, Block, Marks, Pages, runs, touched};
use super::id::{Data, IdMap};
use super::sorted::{Row, Set};
use super::step::{Step, fault};
use super::{EXTENT, PAGE};
use crate::error::Kind;
use std::collections::VecDeque;

/// What is in memory of one file's bytes.
#[derive(Default, Debug)]
pub(crate) struct Blocks {
    pub(crate) map: Row<Block>,
    /// Extents with dirty pages.
    pub(crate) dirty: Set<u32>,
    /// While mapped: the first extents in one piece, so that the file is one block of memory.
    pub(crate) flat: Vec<u8>,
    pub(crate) maps: u32,
    /// Memory is all there is of it: never dirty, never evicted, outside the budget.
    pub(crate) kept: bool,
}

impl Blocks {
    /// How many extents are mapped as one piece.
    pub(crate) fn flat_extents(&self) -> u32 {
        (self.flat.len() / EXTENT) as u32
    }

    fn flat_start(&self, extent: u32) -> Option<usize> {
        (extent < self.flat_extents()).then(|| extent as usize * EXTENT)
    }

    fn bytes(&self, extent: u32) -> &[u8] {
        match self.flat_start(extent) {
            Some(start) => &self.flat[start..start + EXTENT],
            None => self.map.get(extent).map_or(&[], |block| &block.bytes),
        }
    }

    fn marks(&mut self, extent: u32) -> Option<&mut Marks> {
        self.map.get_mut(extent).map(|block| &mut block.marks)
    }

    /// Memory that blocks and mapping take.
    pub(crate) fn memory(&self) -> usize {
        self.flat.len() + self.map.values().map(|block| block.bytes.capacity()).sum::<usize>()
    }
}

/// All cached bytes. Whoever finds a page missing asks for it; the cache itself never loads.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) files: IdMap<Data, Blocks>,
    /// Second-chance clock over blocks; entries of blocks that are gone are skipped.
    clock: VecDeque<(Data, u32)>,
    budget: usize,
    /// Bytes of memory under the budget.
    pub(crate) used: usize,
    /// Pages that are dirty or in flight.
    pub(crate) held: usize,
    /// The clock is swept of blocks that are gone when it is this long.
    sweep_at: usize,
}

/// The clock is not swept while it is shorter than this.
const SWEEP: usize = 4096;

impl Cache {
    pub(crate) fn new(budget: usize) -> Self {
        let (files, clock) = (IdMap::default(), VecDeque::new());
        Self { files, clock, budget, used: 0, held: 0, sweep_at: SWEEP }
    }

    pub(crate) fn budget(&self) -> usize {
        self.budget
    }

    pub(crate) fn set_budget(&mut self, budget: usize) {
        self.budget = budget;
    }

    /// Bytes in pages that must be committed before they can be evicted.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held * PAGE
    }

    /// Keeps `data` in memory whatever happens, because it is nowhere else.
    pub(crate) fn keep(&mut self, data: Data) {
        self.files.entry(data).or_default().kept = true;
    }

    /// Pages of the extent that are known.
    pub(crate) fn valid(&self, data: Data, extent: u32) -> Pages {
        let block = self.files.get(&data).and_then(|blocks| blocks.map.get(extent));
        block.map_or(0, |block| block.marks.valid)
    }

    /// The extent's bytes as far as there are any; zeros follow.
    pub(crate) fn bytes(&self, data: Data, extent: u32) -> &[u8] {
        self.files.get(&data).map_or(&[], |blocks| blocks.bytes(extent))
    }

    /// Extents of `data` that hold dirty pages, in order.
    pub(crate) fn dirty_extents(&self, data: Data) -> Vec<u32> {
        self.files.get(&data).map_or(Vec::new(), |blocks| blocks.dirty.iter().collect())
    }

    /// Hands `start..end` of an extent whose pages are known to `sink`, in order.
    pub(crate) fn read(
        &mut self,
        data: Data,
        extent: u32,
        (start, end): (usize, usize),
        sink: &mut dyn FnMut(&[u8]),
    ) {
        const ZEROS: [u8; PAGE] = [0; PAGE];
        let Some(blocks) = self.files.get_mut(&data) else { return };
        if let Some(marks) = blocks.marks(extent) {
            debug_assert_eq!(touched(start, end) & !marks.valid, 0, "reads known pages only");
            marks.hot = true;
        }
        let bytes = blocks.bytes(extent);
        let known = bytes.len().clamp(start, end);
        if start < known {
            sink(&bytes[start..known]);
        }
        let mut rest = end - known;
        while rest > 0 {
            let part = rest.min(PAGE);
            sink(&ZEROS[..part]);
            rest -= part;
        }
    }

    /// Marks and memory of an extent's first `len` bytes; makes a block if there is none.
    fn block(&mut self, data: Data, extent: u32, len: usize) -> Step<(&mut Marks, &mut [u8])> {
        if self.clock.len() >= self.sweep_at {
            self.sweep();
        }
        let blocks = self.files.entry(data).or_default();
        let flat = blocks.flat_start(extent);
        let block = blocks.map.get_or_insert_with(extent, || {
            if !blocks.kept {
                self.clock.push_back((data, extent));
            }
            Block::default()
        });
        block.marks.hot = true;
        if let Some(start) = flat {
            return Ok((&mut block.marks, &mut blocks.flat[start..start + EXTENT]));
        }
        let before = block.bytes.capacity();
        block::lengthen(&mut block.bytes, len)?;
        if !blocks.kept {
            self.used += block.bytes.capacity() - before;
        }
        Ok((&mut block.marks, &mut block.bytes))
    }

    /// Makes memory for an extent's first `len` bytes, so that writing there cannot fail.
    pub(crate) fn reserve(&mut self, data: Data, extent: u32, len: usize) -> Step<()> {
        self.block(data, extent, len).map(|_| ())
    }

    /// Lets `source` write `start..end` of an extent. Pages that it covers in part are known, or
    /// lie beyond the end of the file.
    pub(crate) fn write(
        &mut self,
        data: Data,
        extent: u32,
        (start, end): (usize, usize),
        source: &mut dyn FnMut(&mut [u8]),
    ) -> Step<()> {
        let (marks, bytes) = self.block(data, extent, end)?;
        source(&mut bytes[start..end]);
        marks.valid |= touched(start, end);
        self.soil(data, extent, touched(start, end));
        Ok(())
    }

    /// Marks the known ones of `pages` dirty.
    pub(crate) fn soil(&mut self, data: Data, extent: u32, pages: Pages) {
        let Some(blocks) = self.files.get_mut(&data) else { return };
        if blocks.kept {
            return;
        }
        if let Some(marks) = blocks.marks(extent) {
            let before = marks.held();
            marks.dirty |= pages & marks.valid;
            self.held += marks.held() - before;
            if marks.dirty != 0 {
                blocks.dirty.insert(extent);
            }
        }
    }

    /// Fills the unknown pages of an extent from `source`, which zeros follow.
    pub(crate) fn fill(&mut self, data: Data, extent: u32, source: &[u8]) -> Step<()> {
        let missing = !self.valid(data, extent);
        let last = runs(missing).last().map_or(0, |(_, end)| end);
        let (marks, bytes) = self.block(data, extent, source.len().min(last).min(EXTENT))?;
        block::fill_missing(bytes, missing, source);
        marks.valid = Pages::MAX;
        Ok(())
    }

    /// Takes out of the clock what is gone or there twice.
    fn sweep(&mut self) {
        let files = &mut self.files;
        let mut mark = |(data, extent): &(Data, u32), swept: bool| {
            let marks = files.get_mut(data).and_then(|blocks| blocks.marks(*extent));
            marks.map(|marks| std::mem::replace(&mut marks.swept, swept))
        };
        self.clock.retain(|entry| mark(entry, true) == Some(false));
        self.clock.iter().for_each(|entry| _ = mark(entry, false));
        self.sweep_at = self.clock.len() * 2 + SWEEP;
    }

    fn count_out(&mut self, blocks_kept: bool, block: &Block) {
        self.held -= block.marks.held();
        if !blocks_kept {
            self.used -= block.bytes.capacity();
        }
    }

    /// Forgets everything at and beyond `size`: it is zeros from now on, and clean.
    pub(crate) fn cut(&mut self, data: Data, size: u64) {
        let Some(blocks) = self.files.get_mut(&data) else { return };
        let edge = (size / EXTENT as u64) as u32;
        let within = (size % EXTENT as u64) as usize;
        let beyond = blocks.map.split_off(if within == 0 { edge } else { edge + 1 });
        beyond.iter().for_each(|(extent, _)| _ = blocks.dirty.remove(extent));
        if size < blocks.flat.len() as u64 {
            blocks.flat[size as usize..].fill(0);
        }
        if let Some(block) = blocks.map.get_mut(edge) {
            let before = block.marks.held();
            block.bytes.truncate(within);
            let gone = !touched(0, within);
            block.marks.valid |= gone;
            block.marks.dirty &= !gone;
            self.held -= before - block.marks.held();
            if block.marks.dirty == 0 {
                blocks.dirty.remove(edge);
            }
        }
        let kept = blocks.kept;
        beyond.values().for_each(|block| self.count_out(kept, block));
    }

    /// Forgets all bytes of `data`; they may be filled again. Mapped memory becomes zeros.
    pub(crate) fn discard(&mut self, data: Data) {
        self.forget(data);
        if let Some(blocks) = self.files.get_mut(&data) {
            blocks.flat.fill(0);
        }
    }

    /// Forgets all bytes of `data` for good. What is mapped stays as it is until it is unmapped.
    pub(crate) fn forget(&mut self, data: Data) {
        let Some(blocks) = self.files.get_mut(&data) else { return };
        let map = std::mem::take(&mut blocks.map);
        blocks.dirty = Set::default();
        let kept = blocks.kept;
        if blocks.maps == 0 {
            self.files.remove(&data);
        }
        map.values().for_each(|block| self.count_out(kept, block));
    }

    /// Moves dirty pages into flight and tells which.
    pub(crate) fn launch(&mut self, data: Data, extent: u32) -> Pages {
        let Some(blocks) = self.files.get_mut(&data) else { return 0 };
        blocks.dirty.remove(extent);
        let Some(marks) = blocks.marks(extent) else { return 0 };
        debug_assert_eq!(marks.flight, 0, "one flight at a time");
        marks.flight = std::mem::take(&mut marks.dirty);
        marks.flight
    }

    /// Ends the flight of an extent: its pages are clean, or dirty again if `failed`.
    pub(crate) fn land(&mut self, data: Data, extent: u32, failed: bool) {
        let Some(blocks) = self.files.get_mut(&data) else { return };
        let Some(marks) = blocks.marks(extent) else { return };
        let before = marks.held();
        let pages = std::mem::take(&mut marks.flight);
        if failed && pages != 0 {
            marks.dirty |= pages;
            blocks.dirty.insert(extent);
        } else {
            self.held -= before - marks.held();
        }
    }

    /// Evicts clean, unmapped blocks, cold ones first, until `bytes` more fit the budget.
    ///
    /// Returns false if what is left is dirty, in flight or mapped.
    pub(crate) fn make_room(&mut self, bytes: usize) -> bool {
        // Two rounds: the first takes away the second chance of what was used meanwhile.
        let mut turns = self.clock.len() * 2;
        while self.used + bytes > self.budget && turns > 0 {
            turns -= 1;
            let Some((data, extent)) = self.clock.pop_front() else { break };
            let Some(blocks) = self.files.get_mut(&data) else { continue };
            let is_pinned = blocks.maps > 0;
            let Some(marks) = blocks.marks(extent) else { continue };
            if is_pinned || marks.held() > 0 || std::mem::take(&mut marks.hot) {
                self.clock.push_back((data, extent));
                continue;
            }
            let gone = blocks.map.remove(extent).map_or(0, |block| block.bytes.capacity());
            self.used -= gone;
            if blocks.map.is_empty() {
                self.files.remove(&data);
            }
        }
        self.used + bytes <= self.budget
    }

    /// Moves the first `extents` of `data` into one piece of memory and keeps them there until
    /// as many [`unmap`](Self::unmap). The address stays the same meanwhile.
    pub(crate) fn map(&mut self, data: Data, extents: u32) -> Step<*mut u8> {
        let blocks = self.files.entry(data).or_default();
        if blocks.flat.is_empty() {
            let len = extents as usize * EXTENT;
            blocks.flat.try_reserve_exact(len).map_err(|_| fault(Kind::OutOfMemory))?;
            blocks.flat.resize(len, 0);
            let mut freed = 0;
            for (extent, block) in blocks.map.iter_mut().take_while(|(at, _)| *at < extents) {
                let start = extent as usize * EXTENT;
                blocks.flat[start..start + block.bytes.len()].copy_from_slice(&block.bytes);
                freed += std::mem::take(&mut block.bytes).capacity();
            }
            if !blocks.kept {
                self.used = self.used + len - freed;
            }
        }
        blocks.maps += 1;
        Ok(blocks.flat.as_mut_ptr())
    }

    /// How many extents of `data` are mapped as one piece.
    pub(crate) fn mapped(&self, data: Data) -> u32 {
        self.files.get(&data).map_or(0, Blocks::flat_extents)
    }

    /// Ends one mapping; with the last, the bytes become ordinary blocks again.
    pub(crate) fn unmap(&mut self, data: Data) {
        let Some(blocks) = self.files.get_mut(&data) else { return };
        blocks.maps = blocks.maps.saturating_sub(1);
        if blocks.maps > 0 {
            return;
        }
        let flat = std::mem::take(&mut blocks.flat);
        let mut made = 0;
        for (extent, bytes) in flat.chunks(EXTENT).enumerate() {
            if let Some(block) = blocks.map.get_mut(extent as u32) {
                block.bytes = bytes.to_vec();
                made += block.bytes.capacity();
            }
        }
        if !blocks.kept {
            self.used = self.used + made - flat.len();
            if blocks.map.is_empty() {
                self.files.remove(&data);
            }
        }
    }

    /// Whether the counters are true; for the checker.
    pub(crate) fn is_consistent(&self) -> bool {
        let counted = self.files.values().filter(|blocks| !blocks.kept);
        let held = |blocks: &Blocks| blocks.map.values().map(|b| b.marks.held()).sum::<usize>();
        let dirty = |blocks: &Blocks| {
            let all = blocks.map.iter().filter(|(_, block)| block.marks.dirty != 0);
            all.map(|(extent, _)| extent).eq(blocks.dirty.iter())
        };
        self.used == counted.map(Blocks::memory).sum::<usize>()
            && self.held == self.files.values().map(held).sum::<usize>()
            && self.files.values().all(dirty)
    }
}
