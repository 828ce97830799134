//! What a heap says about itself: its figures, and the list of its live blocks.

use super::core::Heap;
use super::live::GRANULE;
use super::pages::Pages;
use crate::sync::primitive::Ordering;
use std::alloc::Layout;

/// A heap's figures, summed over all threads; while others allocate they may be a moment old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stats {
    /// Bytes that live blocks asked for.
    pub bytes_in_use: u64,
    /// The most that `bytes_in_use` has been: exact with one thread, with several an upper estimate
    /// that is at most 64 KiB a thread too high.
    pub peak_bytes: u64,
    /// How many blocks are live.
    pub blocks: u64,
    /// Bytes of the memory as it is now that could be allocated, in whatever pieces.
    pub free_bytes: u64,
    /// The largest block that fits without growth.
    pub largest_free: u64,
    /// WebAssembly pages (64 KiB) that the memory has.
    pub pages: u64,
}

/// One live block, as [`Heap::list`] tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Block {
    /// Address of its first byte.
    pub ptr: u32,
    /// Bytes asked for.
    pub size: u32,
    /// Bytes taken from the memory, with header, padding and zone.
    pub footprint: u32,
    /// In debug mode the how-manieth allocation it was, else 0.
    pub serial: u32,
}

impl<P: Pages> Heap<P> {
    /// The heap's figures. Any thread; takes the heap's lock for a moment.
    pub fn stats(&self) -> Stats {
        let mut bytes = self.bytes.load(Ordering::Relaxed);
        let mut highest = bytes.cast_signed();
        let mut blocks = 0u32;
        let mut held = 0u64;
        for cache in self.each_cache() {
            bytes = bytes.wrapping_add(i64::from(cache.bytes.get().cast_signed()).cast_unsigned());
            highest += i64::from(cache.peak.get().cast_signed()).max(0);
            blocks = blocks.wrapping_add(cache.blocks.get());
            held += u64::from(cache.held.get());
        }
        let peak = self.peak.load(Ordering::Relaxed).max(highest.cast_unsigned());
        let mut inner = self.inner.lock();
        let largest_free = largest(|size| {
            let Ok(layout) = Layout::from_size_align(size, GRANULE) else { return false };
            // SAFETY: the size is not 0.
            let Some(chunk) = (unsafe { inner.try_allocate(layout) }) else { return false };
            // SAFETY: just made with this layout, and given back untouched.
            unsafe { inner.deallocate(chunk.as_ptr(), layout) };
            true
        });
        let counters = inner.counters();
        let pages = inner.source.pages.count();
        let unclaimed = inner.source.unclaimed();
        Stats {
            bytes_in_use: bytes,
            peak_bytes: peak.max(bytes),
            blocks: u64::from(blocks),
            free_bytes: counters.available_bytes as u64 + held + unclaimed as u64,
            largest_free: largest_free.max(unclaimed) as u64,
            pages: pages as u64,
        }
    }

    /// Fills `out` with live blocks from address `from` on, in order; returns how many.
    ///
    /// Any thread, without a lock. Every entry was live, with that size, at one moment of the call;
    /// blocks made or freed meanwhile may be missing or listed.
    pub fn list(&self, from: usize, out: &mut [Block]) -> usize {
        let mut offset = self.offset(from.max(self.address(0)));
        let mut count = 0;
        while count < out.len() {
            let Some(found) = self.live.next(offset) else { break };
            offset = found + GRANULE;
            let ptr = self.address(found);
            // A header that is not sound belongs to a block that was freed a moment ago.
            let Ok(header) = self.inspect(ptr) else { continue };
            let (bytes, align) = header.chunk();
            out[count] = Block {
                ptr: ptr as u32,
                size: header.size,
                footprint: self.footprint(bytes, align) as u32,
                serial: header.serial,
            };
            count += 1;
        }
        count
    }
}

/// The largest size, to the granule, for which `fits` is true; `fits` must be monotonic.
fn largest(mut fits: impl FnMut(usize) -> bool) -> usize {
    let mut low = 0;
    let mut high = (u32::MAX / 2) as usize / GRANULE;
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle * GRANULE) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low * GRANULE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_finds_the_edge() {
        for edge in [0, 16, 4096, 1 << 30] {
            assert_eq!(largest(|size| size <= edge), edge);
        }
    }
}
