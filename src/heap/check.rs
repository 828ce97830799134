//! The whole-heap checker: every live block, every cached chunk and all counts must agree.

use super::class;
use super::core::{Heap, zone_is_sound};
use super::live::GRANULE;
use super::pages::Pages;
use crate::error::{Error, Kind, Result};

impl<P: Pages> Heap<P> {
    /// Checks the heap while no other thread uses it.
    ///
    /// # Errors
    /// `ERR_HEAP_CORRUPT` with the address of the first block whose header or zone is damaged, that
    /// overlaps the one before, or that lies in a thread's free chunks; or with a count that is off.
    pub fn check(&self) -> Result<()> {
        let mut blocks = 0u64;
        let mut bytes = 0u64;
        let mut end = 0;
        let mut next = 0;
        while let Some(offset) = self.live.next(next) {
            next = offset + GRANULE;
            let ptr = self.address(offset);
            let header = self
                .inspect(ptr)
                .map_err(|_| corrupt("the header of the block was overwritten", ptr))?;
            // SAFETY: `inspect` answers with the sound header of a live block.
            if !unsafe { zone_is_sound(ptr, &header) } {
                return Err(corrupt("bytes behind the end of the block were overwritten", ptr));
            }
            let (size, align) = header.chunk();
            if ptr - align < end {
                return Err(corrupt("the block overlaps the one before", ptr));
            }
            end = ptr - align + size;
            blocks += 1;
            bytes += u64::from(header.size);
        }
        for cache in self.each_cache() {
            let mut stray = None;
            // SAFETY: by this function's contract no owner is at work.
            let counted = unsafe {
                cache.walk(|class, chunk| {
                    let within = self.live.next(self.offset(chunk)).map(|it| self.address(it));
                    if within.is_some_and(|ptr| ptr < chunk + class::size_of_class(class)) {
                        stray = Some(chunk);
                    }
                })
            };
            if let Some(chunk) = stray {
                return Err(corrupt("a live block lies in a free chunk", chunk));
            }
            if !counted {
                return Err(corrupt(
                    "the list of free chunks is broken, of the thread at",
                    cache as *const _ as usize,
                ));
            }
        }
        let stats = self.stats();
        if (stats.blocks, stats.bytes_in_use) != (blocks, bytes) {
            let told = format!(
                "counted {} blocks of {} bytes, found {blocks} of {bytes}",
                stats.blocks, stats.bytes_in_use
            );
            return Err(Error::with(Kind::HeapCorrupt, told));
        }
        Ok(())
    }
}

fn corrupt(what: &str, address: usize) -> Error {
    Error::with(Kind::HeapCorrupt, format!("{what} (address {address})"))
}
