//! One extent of a file in memory: its bytes, and which of its pages are known, dirty, in flight.

use super::step::{Step, fault};
use super::{EXTENT, PAGE};
use crate::error::Kind;

/// Pages of an extent as bits: 64 pages of 4 KiB are 256 KiB.
pub(crate) type Pages = u64;

const _: () = assert!(EXTENT / PAGE == Pages::BITS as usize);

/// The pages that `start..end` (offsets within the extent) touches.
pub(crate) fn touched(start: usize, end: usize) -> Pages {
    if start >= end {
        return 0;
    }
    let (first, last) = (start / PAGE, (end - 1) / PAGE);
    (Pages::MAX >> (63 - (last - first))) << first
}

/// The pages that `start..end` covers as a whole.
pub(crate) fn covered(start: usize, end: usize) -> Pages {
    let (first, last) = (start.div_ceil(PAGE), end / PAGE);
    if first >= last { 0 } else { (Pages::MAX >> (64 - (last - first))) << first }
}

/// The runs of set bits in `pages`, as offsets within the extent.
pub(crate) fn runs(mut pages: Pages) -> impl Iterator<Item = (usize, usize)> {
    std::iter::from_fn(move || {
        if pages == 0 {
            return None;
        }
        let first = pages.trailing_zeros();
        let length = (pages >> first).trailing_ones();
        pages &= !((Pages::MAX >> (64 - length)) << first);
        Some((first as usize * PAGE, (first + length) as usize * PAGE))
    })
}

/// What is known of an extent's pages.
#[derive(Default, Debug, Clone, Copy)]
pub(crate) struct Marks {
    /// Pages whose contents are known. Bytes of others are zeros.
    pub(crate) valid: Pages,
    /// Pages that no batch has carried yet.
    pub(crate) dirty: Pages,
    /// Pages in the batch that is being committed: not to be evicted before it is.
    pub(crate) flight: Pages,
    /// Used since the clock's hand last passed.
    pub(crate) hot: bool,
    /// Seen by the sweep of the clock that is under way.
    pub(crate) swept: bool,
}

impl Marks {
    /// How many pages keep the block in memory.
    pub(crate) fn held(&self) -> usize {
        (self.dirty | self.flight).count_ones() as usize
    }
}

/// One extent. A known page may reach past the end of `bytes`: the rest of it is zero.
#[derive(Default, Debug)]
pub(crate) struct Block {
    /// At most one extent long. Empty while the file is mapped as one piece.
    pub(crate) bytes: Vec<u8>,
    pub(crate) marks: Marks,
}

/// Makes `bytes` at least `len` long, zeros at the end, doubling within an extent.
///
/// # Errors
/// `ENOMEM` if the heap cannot grow.
pub(crate) fn lengthen(bytes: &mut Vec<u8>, len: usize) -> Step<()> {
    debug_assert!(len <= EXTENT, "a block is at most one extent");
    if bytes.len() < len {
        if bytes.capacity() < len {
            let wanted = if bytes.is_empty() { len } else { (len * 2).min(EXTENT) };
            let more = wanted - bytes.len();
            bytes.try_reserve_exact(more).map_err(|_| fault(Kind::OutOfMemory))?;
        }
        bytes.resize(len, 0);
    }
    Ok(())
}

/// Copies `source`, an extent's bytes that zeros follow, into the `missing` pages of `target`.
pub(crate) fn fill_missing(target: &mut [u8], missing: Pages, source: &[u8]) {
    for (start, end) in runs(missing) {
        let end = end.min(source.len()).min(target.len());
        if start < end {
            target[start..end].copy_from_slice(&source[start..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sets_are_exact_at_the_edges() {
        assert_eq!(touched(0, 1), 1);
        assert_eq!(touched(PAGE - 1, PAGE + 1), 0b11);
        assert_eq!(touched(0, EXTENT), Pages::MAX);
        assert_eq!(touched(5, 5), 0);
        assert_eq!(covered(0, PAGE), 1);
        assert_eq!(covered(1, PAGE * 2), 0b10);
        assert_eq!(covered(1, PAGE * 2 - 1), 0);
        assert_eq!(covered(0, EXTENT), Pages::MAX);
    }

    #[test]
    fn runs_cover_each_set_bit_once() {
        let found: Vec<_> = runs(0b1100_0111).collect();
        assert_eq!(found, [(0, 3 * PAGE), (6 * PAGE, 8 * PAGE)]);
        assert_eq!(runs(Pages::MAX).collect::<Vec<_>>(), [(0, EXTENT)]);
    }
}
