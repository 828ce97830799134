//! Which addresses are live blocks: two bits per 16 bytes of memory, reached without a lock.
//!
//! A free clears the *live* bit and sets *freed* in one atomic step, so that of two threads that
//! free the same block one is told; bits and not headers decide, so that no content of memory can
//! pass for a block.

use crate::sync::primitive::{AtomicU32, AtomicUsize, Ordering};

/// Every block starts at a multiple of this.
pub(super) const GRANULE: usize = 16;

/// Bytes of memory that one leaf covers.
const SPAN: usize = 1 << 20;

/// How many leaves cover 4 GiB.
const LEAVES: usize = ((1u64 << 32) / SPAN as u64) as usize;

/// Blocks per word: the low half holds *live* bits, the high half *freed* bits.
const PER_WORD: usize = 16;

const WORDS: usize = SPAN / GRANULE / PER_WORD;

/// The bits of one mebibyte; all zero when new.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Leaf([AtomicU32; WORDS]);

/// Bytes of a leaf.
pub(super) const LEAF_BYTES: usize = size_of::<Leaf>();

/// What an address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Live,
    Freed,
    Never,
}

/// The map from addresses, relative to the memory's base, to bits.
#[derive(Debug)]
pub(super) struct LiveMap {
    leaves: [AtomicUsize; LEAVES],
}

impl LiveMap {
    pub(super) const fn new() -> Self {
        Self { leaves: [const { AtomicUsize::new(0) }; LEAVES] }
    }

    fn leaf(&self, index: usize) -> Option<&Leaf> {
        // Acquire pairs with the Release in `install`: the leaf's zeros are visible.
        let address = self.leaves.get(index)?.load(Ordering::Acquire);
        // SAFETY: a nonzero entry is the address of a zeroed leaf that `install`'s caller gave away
        // for good, and its words are atomics.
        unsafe { (address as *const Leaf).as_ref() }
    }

    fn word(&self, offset: usize) -> Option<(&AtomicU32, u32)> {
        let leaf = self.leaf(offset / SPAN)?;
        let granule = offset % SPAN / GRANULE;
        Some((&leaf.0[granule / PER_WORD], 1 << (granule % PER_WORD)))
    }

    /// Whether bits for this offset can be set.
    pub(super) fn is_covered(&self, offset: usize) -> bool {
        self.leaf(offset / SPAN).is_some()
    }

    /// Makes bits for the mebibyte around `offset` available.
    ///
    /// # Safety
    /// `leaf` points to [`LEAF_BYTES`] zeroed bytes, aligned to 4, that belong to the map for ever.
    /// Callers hold the heap's lock, so that no two install the same leaf.
    pub(super) unsafe fn install(&self, offset: usize, leaf: *mut u8) {
        self.leaves[offset / SPAN].store(leaf.addr(), Ordering::Release);
    }

    /// Marks a block that the caller has just made.
    pub(super) fn set(&self, offset: usize) {
        if let Some((word, bit)) = self.word(offset) {
            // Release: who finds the bit set also sees the block's header.
            let before = word.fetch_or(bit, Ordering::Release);
            if before & (bit << PER_WORD) != 0 {
                word.fetch_and(!(bit << PER_WORD), Ordering::Relaxed);
            }
        }
    }

    /// Takes a live block out of the map; to exactly one caller it was [`Place::Live`].
    pub(super) fn clear(&self, offset: usize) -> Place {
        let Some((word, bit)) = self.word(offset) else { return Place::Never };
        let freed = bit << PER_WORD;
        let mut now = word.load(Ordering::Relaxed);
        loop {
            if now & bit == 0 {
                return if now & freed != 0 { Place::Freed } else { Place::Never };
            }
            // Acquire pairs with `set`: the header that the maker wrote is visible.
            match word.compare_exchange_weak(
                now,
                now & !bit | freed,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Place::Live,
                Err(changed) => now = changed,
            }
        }
    }

    /// What the address is at this moment.
    pub(super) fn look(&self, offset: usize) -> Place {
        match self.word(offset) {
            Some((word, bit)) => match word.load(Ordering::Acquire) {
                now if now & bit != 0 => Place::Live,
                now if now & (bit << PER_WORD) != 0 => Place::Freed,
                _ => Place::Never,
            },
            None => Place::Never,
        }
    }

    /// The first live offset at or after `from`.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut granule = from.div_ceil(GRANULE);
        const PER_LEAF: usize = SPAN / GRANULE;
        while granule < LEAVES * PER_LEAF {
            let Some(leaf) = self.leaf(granule / PER_LEAF) else {
                granule = (granule / PER_LEAF + 1) * PER_LEAF;
                continue;
            };
            let within = granule % PER_LEAF;
            let word = leaf.0[within / PER_WORD].load(Ordering::Acquire) as u16;
            let ahead = word >> (within % PER_WORD);
            if ahead != 0 {
                return Some((granule + ahead.trailing_zeros() as usize) * GRANULE);
            }
            granule = (granule / PER_WORD + 1) * PER_WORD;
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
        map.set(64);
        assert_eq!(map.look(64), Place::Live);
        assert_eq!(map.clear(64), Place::Live);
        assert_eq!(map.clear(64), Place::Freed);
        assert_eq!(map.clear(80), Place::Never);
        map.set(64);
        assert_eq!(map.look(64), Place::Live);
    }

    #[test]
    fn a_walk_finds_every_live_block_in_order() {
        let map = map_with_leaves(3);
        let offsets = [16, 32, 256, SPAN - 16, SPAN, 2 * SPAN + 4096, 3 * SPAN - 16];
        offsets.iter().for_each(|&offset| map.set(offset));
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(offset) = map.next(from) {
            found.push(offset);
            from = offset + GRANULE;
        }
        assert_eq!(found, offsets);
    }

    #[test]
    fn of_many_threads_that_free_one_block_one_is_told_it_was_live() {
        let map = map_with_leaves(1);
        for _ in 0..200 {
            map.set(160);
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
