//! The 16 bytes before a block: its size as asked, its alignment, and a mark that tells damage.
//!
//! ```text
//! raw                    ptr - 16                        ptr          ptr + size
//! | padding (align > 16) | size | align | caller | mark  | the block  | zone (debug) |
//! ```

/// Bytes of the header; also the least alignment of a block.
pub(super) const HEADER: usize = 16;

/// Bytes after a block that hold [`ZONE_BYTE`] in debug mode.
pub(super) const ZONE: usize = 16;

/// What the zone after a block is filled with.
pub(super) const ZONE_BYTE: u8 = 0xFD;

/// What a freed block is filled with in debug mode.
pub(super) const FREED_BYTE: u8 = 0xDD;

/// Set in `align` when a zone follows the block.
const ZONED: u32 = 1 << 31;

const SALT: u32 = 0x9E37_79B9;

/// A block's header as it lies in memory.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct Header {
    /// Bytes asked for.
    pub(super) size: u32,
    /// Alignment in bytes, and in the top bit whether a zone follows.
    align: u32,
    /// A number of the caller's, 0 unless debugging: which allocation this was.
    pub(super) serial: u32,
    /// A mix of address and the fields above.
    mark: u32,
}

impl Header {
    /// The header of a block of `size` bytes that starts at `ptr`.
    #[inline(always)]
    pub(super) fn new(ptr: usize, size: u32, align: u32, zoned: bool, serial: u32) -> Self {
        let align = align | if zoned { ZONED } else { 0 };
        Self { size, align, serial, mark: mark(ptr, size, align) }
    }

    /// Whether the header is what [`Header::new`] made for this address.
    #[inline(always)]
    pub(super) fn is_sound(&self, ptr: usize) -> bool {
        self.mark == mark(ptr, self.size, self.align)
    }

    /// Alignment of the block in bytes.
    #[inline(always)]
    pub(super) fn align(&self) -> usize {
        (self.align & !ZONED) as usize
    }

    /// Whether a zone follows the block.
    #[inline(always)]
    pub(super) fn is_zoned(&self) -> bool {
        self.align & ZONED != 0
    }

    /// Size and alignment of the chunk under the block.
    pub(super) fn chunk(&self) -> (usize, usize) {
        chunk(self.size, self.align(), self.is_zoned())
    }
}

/// Size and alignment of the chunk that holds a block: the block starts one alignment in.
#[inline(always)]
pub(super) fn chunk(size: u32, align: usize, zoned: bool) -> (usize, usize) {
    (align + size as usize + if zoned { ZONE } else { 0 }, align)
}

/// Multiplicative mixing: one bit changed in any field changes about half of the mark.
#[inline(always)]
fn mark(ptr: usize, size: u32, align: u32) -> u32 {
    let mixed = (ptr as u32 ^ SALT).wrapping_mul(0x85EB_CA6B) ^ size.rotate_left(15) ^ align;
    (mixed ^ (mixed >> 13)).wrapping_mul(0xC2B2_AE35)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sixteen_bytes() {
        assert_eq!(size_of::<Header>(), HEADER);
    }

    #[test]
    fn a_changed_size_alignment_or_address_is_told() {
        let header = Header::new(4096, 100, 16, false, 0);
        assert!(header.is_sound(4096));
        assert!(!header.is_sound(4112));
        for bit in 0..32 {
            assert!(!Header { size: header.size ^ (1 << bit), ..header }.is_sound(4096));
            assert!(!Header { align: header.align ^ (1 << bit), ..header }.is_sound(4096));
        }
    }
}
