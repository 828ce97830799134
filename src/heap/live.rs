//! Which addresses are live blocks: one byte per 16 bytes of memory, reached without a lock.
//!
//! These bytes and not headers decide what a block is, so that no content of memory can pass for
//! one. Making a block is a plain store, because its maker is alone with the address; ending one is
//! a single exchange, so that of two threads that free the same block one is told.

use crate::sync::primitive::{AtomicUsize, Ordering, Stamp};

/// Every block starts at a multiple of this.
pub(super) const GRANULE: usize = 16;

/// Bytes of memory that one leaf covers.
const SPAN: usize = 1 << 20;

/// How many leaves cover 4 GiB.
const LEAVES: usize = ((1u64 << 32) / SPAN as u64) as usize;

const PER_LEAF: usize = SPAN / GRANULE;

const NEVER: u8 = 0;
const LIVE: u8 = 1;
const FREED: u8 = 2;

/// The stamps of one mebibyte; all zero when new.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Leaf([Stamp; PER_LEAF]);

/// Bytes of a leaf.
pub(super) const LEAF_BYTES: usize = size_of::<Leaf>();

/// What an address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Live,
    Freed,
    Never,
}

/// The map from addresses, relative to the memory's base, to stamps.
#[derive(Debug)]
pub(super) struct LiveMap {
    leaves: [AtomicUsize; LEAVES],
}

impl LiveMap {
    pub(super) const fn new() -> Self {
        Self { leaves: [const { AtomicUsize::new(0) }; LEAVES] }
    }

    #[inline(always)]
    fn leaf(&self, index: usize) -> Option<&Leaf> {
        // Acquire pairs with the Release in `install`: the leaf's zeros are visible.
        let address = self.leaves.get(index)?.load(Ordering::Acquire);
        // SAFETY: a nonzero entry is the address of a zeroed leaf that `install`'s caller gave away
        // for good, and its stamps are shared cells.
        unsafe { (address as *const Leaf).as_ref() }
    }

    #[inline(always)]
    fn stamp(&self, offset: usize) -> Option<&Stamp> {
        self.leaf(offset / SPAN)?.0.get(offset % SPAN / GRANULE)
    }

    /// Marks a block that the caller has just made, whose address it alone knows; whether there is
    /// a leaf to mark it in.
    #[inline(always)]
    pub(super) fn set(&self, offset: usize) -> bool {
        self.stamp(offset).map(|stamp| stamp.set(LIVE)).is_some()
    }

    /// Makes stamps for the mebibyte around `offset` available.
    ///
    /// # Safety
    /// `leaf` points to [`LEAF_BYTES`] zeroed bytes that belong to the map for ever. Callers hold
    /// the heap's lock, so that no two install the same leaf.
    pub(super) unsafe fn install(&self, offset: usize, leaf: *mut u8) {
        self.leaves[offset / SPAN].store(leaf.addr(), Ordering::Release);
    }

    /// Whether there are stamps for the mebibyte around `offset`.
    pub(super) fn is_covered(&self, offset: usize) -> bool {
        self.leaf(offset / SPAN).is_some()
    }

    /// Takes a live block out of the map; to exactly one caller it was [`Place::Live`].
    #[inline(always)]
    pub(super) fn clear(&self, offset: usize) -> Place {
        match self.stamp(offset) {
            // Whoever finds it live competes for it; an address that is no block is left as it was.
            Some(stamp) if stamp.get() == LIVE => match stamp.swap(FREED) {
                LIVE => Place::Live,
                _ => Place::Freed,
            },
            _ => self.look(offset),
        }
    }

    /// What the address is at this moment.
    pub(super) fn look(&self, offset: usize) -> Place {
        match self.stamp(offset).map_or(NEVER, Stamp::get) {
            LIVE => Place::Live,
            FREED => Place::Freed,
            _ => Place::Never,
        }
    }

    /// The live offset nearest below `offset`, within a mebibyte. For telling errors apart: slow.
    pub(super) fn before(&self, offset: usize) -> Option<usize> {
        let last = (offset / GRANULE).checked_sub(1)?;
        let first = offset.saturating_sub(SPAN) / GRANULE;
        let mut offsets = (first..=last).rev().map(|granule| granule * GRANULE);
        offsets.find(|&at| self.look(at) == Place::Live)
    }

    /// The first live offset at or after `from`.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut granule = from.div_ceil(GRANULE);
        while granule < LEAVES * PER_LEAF {
            let Some(leaf) = self.leaf(granule / PER_LEAF) else {
                granule = (granule / PER_LEAF + 1) * PER_LEAF;
                continue;
            };
            let within = granule % PER_LEAF;
            match leaf.0[within..].iter().position(|stamp| stamp.get() == LIVE) {
                Some(ahead) => return Some((granule + ahead) * GRANULE),
                None => granule += PER_LEAF - within,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map_with_leaves(count: usize) -> LiveMap {
        let map = LiveMap::new();
        for index in 0..count {
            let leaf = Box::leak(vec![0u64; LEAF_BYTES / 8].into_boxed_slice());
            // SAFETY: the leaf is zeroed, aligned and leaked.
            unsafe { map.install(index * SPAN, leaf.as_mut_ptr().cast()) };
        }
        map
    }

    #[test]
    fn a_block_is_live_once_then_freed_then_live_again() {
        let map = map_with_leaves(1);
        assert_eq!(map.look(64), Place::Never);
        assert!(map.set(64));
        assert_eq!(map.look(64), Place::Live);
        assert_eq!(map.clear(64), Place::Live);
        assert_eq!(map.clear(64), Place::Freed);
        assert_eq!(map.clear(80), Place::Never);
        assert!(map.set(64));
        assert_eq!(map.look(64), Place::Live);
    }

    #[test]
    fn an_address_without_a_leaf_is_told_and_was_never_a_block() {
        let map = map_with_leaves(1);
        assert!(!map.set(SPAN + 16));
        assert_eq!(map.clear(SPAN + 16), Place::Never);
        assert_eq!(map.clear(usize::MAX & !15), Place::Never);
    }

    #[test]
    fn a_walk_finds_every_live_block_in_order() {
        let map = map_with_leaves(3);
        let offsets = [16, 32, 256, SPAN - 16, SPAN, 2 * SPAN + 4096, 3 * SPAN - 16];
        assert!(offsets.iter().all(|&offset| map.set(offset)));
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(offset) = map.next(from) {
            found.push(offset);
            from = offset + GRANULE;
        }
        assert_eq!(found, offsets);
        assert_eq!(map.before(SPAN + 160), Some(SPAN));
        assert_eq!(map.before(SPAN), Some(SPAN - 16));
        assert_eq!((map.before(16), map.before(0)), (None, None));
    }

    #[test]
    fn of_many_threads_that_free_one_block_one_is_told_it_was_live() {
        let map = map_with_leaves(1);
        for _ in 0..200 {
            assert!(map.set(160));
            let wins: usize = std::thread::scope(|scope| {
                let runs: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| usize::from(map.clear(160) == Place::Live)))
                    .collect();
                runs.into_iter().map(|run| run.join().expect("no panic")).sum()
            });
            assert_eq!(wins, 1);
        }
    }
}
