//! Talc's source of memory: extends the heap it has, claims a new one where it cannot.
//!
//! Talc's own wasm sources either hold a pointer that is not `Send` or claim a separate heap for
//! every growth, which fragments; this one keeps the end of the newest heap as a number.

use super::pages::{PAGE, Pages};
use std::alloc::Layout;
use std::ptr::NonNull;
use talc::base::{CHUNK_UNIT, Talc, binning::Binning};
use talc::source::Source;

/// Growth is at least this share of what is there, so that many small growths stay rare.
const GROWTH_SHARE: usize = 16;

/// The state of growth behind the heap's lock.
#[derive(Debug)]
pub(super) struct Growth<P> {
    pub(super) pages: P,
    /// End of the newest talc heap as an address; 0 before the first claim.
    end: usize,
}

impl<P: Pages> Growth<P> {
    pub(super) const fn new(pages: P) -> Self {
        Self { pages, end: 0 }
    }

    /// Bytes that are there but not yet talc's, because nothing was allocated so far.
    pub(super) fn unclaimed(&self) -> usize {
        if self.end != 0 {
            return 0;
        }
        let rooms =
            self.pages.initial().map(|(start, end)| (end - start).saturating_sub(FIRST_CLAIM));
        rooms.iter().sum()
    }
}

/// What a claim of a first heap needs beyond the chunk itself: talc's table of free lists.
const FIRST_CLAIM: usize = talc::min_first_heap_size::<talc::DefaultBinning>() + CHUNK_UNIT;

// SAFETY: `acquire` reaches the allocator only through `talc`, and calls no Rust allocator.
unsafe impl<P: Pages> Source for Growth<P> {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if talc.source.end == 0 {
            let claimed =
                talc.source.pages.initial().map(|(start, end)| {
                    end - start > FIRST_CLAIM && claim(talc, start, end).is_ok()
                });
            if claimed.contains(&true) {
                return Ok(());
            }
        }
        let wanted = layout.size() + layout.align() + FIRST_CLAIM;
        let least = wanted.div_ceil(PAGE);
        let ample = least.max(talc.source.pages.count() / GROWTH_SHARE);
        let (start, pages) = match talc.source.pages.grow(ample) {
            Some(start) => (start, ample),
            None => (talc.source.pages.grow(least).ok_or(())?, least),
        };
        // The last chunk unit below 4 GiB stays unused: talc's ends must not wrap to null.
        let end = start.checked_add(pages * PAGE).unwrap_or(usize::MAX & !(CHUNK_UNIT - 1));
        if talc.source.end != start {
            return claim(talc, start, end);
        }
        let old = NonNull::new(talc.source.end as *mut u8).ok_or(())?;
        // SAFETY: `old` is the end that the last claim or extend returned, and the pages after it
        // were just handed to us alone.
        talc.source.end = unsafe { talc.extend(old, end as *mut u8) }.addr().get();
        Ok(())
    }
}

fn claim<P: Pages, B: Binning>(
    talc: &mut Talc<Growth<P>, B>,
    start: usize,
    end: usize,
) -> Result<(), ()> {
    // SAFETY: `Pages` handed out the range to us alone.
    let claimed = unsafe { talc.claim(start as *mut u8, end - start) }.ok_or(())?;
    talc.source.end = claimed.addr().get();
    Ok(())
}
