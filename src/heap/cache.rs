//! One thread's chunks at hand and its counters: changed by its own thread only, without a lock.

use super::class;
use crate::sync::primitive::{AtomicU32, Tally};
use std::cell::UnsafeCell;

/// The chunks of one class, linked through their first word.
#[derive(Clone, Copy, Debug)]
struct Shelf {
    head: usize,
    count: u32,
}

const EMPTY: Shelf = Shelf { head: 0, count: 0 };

/// One thread's part of the heap.
///
/// The tallies are differences since they were last published to the heap; they wrap, so that the
/// sum over all threads is right even where one thread frees what another made.
#[derive(Debug)]
pub struct Cache {
    shelves: UnsafeCell<[Shelf; class::COUNT]>,
    /// Bytes asked for, made less freed.
    pub(super) bytes: Tally,
    /// Blocks, made less freed.
    pub(super) blocks: Tally,
    /// The highest that `bytes` has been, read as a signed number.
    pub(super) peak: Tally,
    /// Bytes in chunks at hand.
    pub(super) held: Tally,
    /// 1 while a thread owns this cache.
    pub(super) owned: AtomicU32,
    /// Address of the next cache in the heap's list; written once, before it is linked.
    pub(super) next: usize,
}

// SAFETY: `shelves` is touched only by the owner, or under the heap's lock by who has taken over a
// dead owner's cache; everything else is atomic or written once.
unsafe impl Sync for Cache {}

impl Cache {
    /// An empty cache, owned by who makes it.
    pub(super) const fn new(next: usize) -> Self {
        Self {
            shelves: UnsafeCell::new([EMPTY; class::COUNT]),
            bytes: Tally::new(),
            blocks: Tally::new(),
            peak: Tally::new(),
            held: Tally::new(),
            owned: AtomicU32::new(1),
            next,
        }
    }

    /// Takes a chunk of the class, if one is at hand.
    ///
    /// # Safety
    /// The calling thread owns this cache.
    #[inline(always)]
    pub(super) unsafe fn take(&self, class: usize) -> Option<usize> {
        // SAFETY: the owner alone reaches its shelves, and the reference ends with this call.
        let shelf = unsafe { &mut (*self.shelves.get())[class] };
        if shelf.head == 0 {
            return None;
        }
        let chunk = shelf.head;
        // SAFETY: a chunk on a shelf is unused memory whose first word is the link `put` wrote.
        shelf.head = unsafe { *(chunk as *const usize) };
        shelf.count -= 1;
        self.held.add((class::size_of_class(class) as u32).wrapping_neg());
        Some(chunk)
    }

    /// Puts a chunk onto its shelf; answers whether the shelf now holds more than it should.
    ///
    /// # Safety
    /// The calling thread owns this cache; the chunk is of this class, unused, and given away.
    #[inline(always)]
    pub(super) unsafe fn put(&self, class: usize, chunk: usize) -> bool {
        // SAFETY: as in `take`.
        let shelf = unsafe { &mut (*self.shelves.get())[class] };
        // SAFETY: the chunk is ours, at least a word long and aligned to 16.
        unsafe { *(chunk as *mut usize) = shelf.head };
        shelf.head = chunk;
        shelf.count += 1;
        self.held.add(class::size_of_class(class) as u32);
        shelf.count > class::limit(class)
    }

    /// Calls `visit` with every chunk at hand and its class; answers whether all counts were right.
    ///
    /// # Safety
    /// The owner is not at work: the caller is the owner, or has taken over after its death.
    pub(super) unsafe fn walk(&self, mut visit: impl FnMut(usize, usize)) -> bool {
        // SAFETY: by the contract nobody changes the shelves meanwhile.
        let shelves = unsafe { *self.shelves.get() };
        shelves.iter().enumerate().all(|(class, shelf)| {
            let mut chunk = shelf.head;
            let mut left = shelf.count;
            while chunk != 0 && left != 0 {
                visit(class, chunk);
                left -= 1;
                // SAFETY: as in `take`.
                chunk = unsafe { *(chunk as *const usize) };
            }
            chunk == 0 && left == 0
        })
    }

    /// Counts a block of `bytes` that this thread made; answers whether to publish soon.
    #[inline(always)]
    pub(super) fn made(&self, bytes: u32) -> bool {
        let now = self.bytes.add(bytes);
        if now.cast_signed() > self.peak.get().cast_signed() {
            self.peak.set(now);
        }
        self.blocks.add(1);
        is_far(bytes, now)
    }

    /// Counts a block of `bytes` that this thread freed; answers whether to publish soon.
    #[inline(always)]
    pub(super) fn freed(&self, bytes: u32) -> bool {
        let now = self.bytes.add(bytes.wrapping_neg());
        self.blocks.add(u32::MAX);
        is_far(bytes, now)
    }
}

/// How far a thread's count of bytes may stray from what it has published.
pub(super) const STRAY: u32 = 64 * 1024;

#[inline(always)]
fn is_far(bytes: u32, difference: u32) -> bool {
    bytes > STRAY || difference.cast_signed().unsigned_abs() > STRAY
}
