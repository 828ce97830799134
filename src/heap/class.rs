//! Size classes of the chunks that threads keep at hand: exact to 256 bytes, then four per doubling.

/// How many classes there are.
pub(super) const COUNT: usize = 32;

/// Largest chunk that is cached, in bytes.
pub(super) const LARGEST: usize = 4096;

/// Talc ends every chunk with a tag of one word; classes leave room for it, so that a chunk of
/// class `c` takes exactly `size_of(c) + TAG` bytes, a multiple of 16.
pub(super) const TAG: usize = size_of::<usize>();

const LINEAR: usize = 16;

/// The class whose chunks hold `bytes`, unless they are too large to be cached.
#[inline(always)]
pub(super) const fn of(bytes: usize) -> Option<usize> {
    if bytes + TAG > LARGEST {
        return None;
    }
    let span = bytes + TAG;
    if span <= 256 {
        return Some(span.div_ceil(16).saturating_sub(1));
    }
    // Between 2^k and 2^(k+1) lie four steps of 2^(k-2).
    let k = (span - 1).ilog2() as usize;
    let step = (span - 1 - (1 << k)) >> (k - 2);
    Some(LINEAR + (k - 8) * 4 + step)
}

/// Usable bytes of a chunk of the class.
#[inline(always)]
pub(super) const fn size_of_class(class: usize) -> usize {
    let span = if class < LINEAR {
        (class + 1) * 16
    } else {
        let k = 8 + (class - LINEAR) / 4;
        (1 << k) + ((class - LINEAR) % 4 + 1) * (1 << (k - 2))
    };
    span - TAG
}

/// How many chunks of the class a thread keeps at the most: 32 KiB worth, within 8 to 256.
#[inline(always)]
pub(super) const fn limit(class: usize) -> u32 {
    let fit = 32 * 1024 / (size_of_class(class) + TAG);
    if fit < 8 {
        8
    } else if fit > 256 {
        256
    } else {
        fit as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_what_it_is_for_and_the_one_below_does_not() {
        for bytes in 1..=LARGEST - TAG {
            let class = of(bytes).expect("small enough");
            assert!(class < COUNT, "{bytes} → {class}");
            assert!(size_of_class(class) >= bytes, "{bytes} → {class}");
            assert!(class == 0 || size_of_class(class - 1) < bytes, "{bytes} → {class}");
        }
        assert_eq!(of(LARGEST - TAG + 1), None);
        assert_eq!(of(LARGEST - TAG), Some(COUNT - 1));
    }

    #[test]
    fn spans_are_whole_chunk_units() {
        assert!((0..COUNT).all(|class| (size_of_class(class) + TAG).is_multiple_of(16)));
    }
}
