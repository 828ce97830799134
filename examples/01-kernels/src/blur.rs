//! Blurs an RGBA image with the kernel 1-2-1 in both directions: no std, no allocator, SIMD.
#![no_std]

use core::arch::wasm32::{
    u8x16_narrow_i16x8, u16x8_add, u16x8_extend_high_u8x16, u16x8_extend_low_u8x16, u16x8_shl,
    u16x8_shr, u16x8_splat, v128, v128_load, v128_store,
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// Bytes of a pixel, and of the pixels that one step makes.
const PIXEL: usize = 4;
const STEP: usize = 16;

/// The sum of three rows' bytes, the middle one twice, as 16 numbers.
///
/// # Safety
/// The 16 bytes at each pointer can be read.
unsafe fn column(above: *const u8, here: *const u8, below: *const u8) -> [v128; 2] {
    // SAFETY: by the contract; these loads need no alignment.
    let [above, here, below] = unsafe {
        [v128_load(above.cast()), v128_load(here.cast()), v128_load(below.cast())]
    };
    let sum = |part: fn(v128) -> v128| {
        u16x8_add(u16x8_add(part(above), part(below)), u16x8_shl(part(here), 1))
    };
    [sum(u16x8_extend_low_u8x16), sum(u16x8_extend_high_u8x16)]
}

/// Blurs the rows `from..to` of an image of `width` times `height` pixels; beyond its edges the
/// image goes on as it ends.
///
/// # Safety
/// `source` and `target` are `width * height` pixels each and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blur(
    from: usize,
    to: usize,
    source: *const u8,
    target: *mut u8,
    width: usize,
    height: usize,
) {
    let stride = width * PIXEL;
    for y in from..to {
        // SAFETY: every row is one of the image's, and every byte within its row.
        unsafe {
            let here = source.add(y * stride);
            let above = source.add(y.saturating_sub(1) * stride);
            let below = source.add((y + 1).min(height - 1) * stride);
            let out = target.add(y * stride);
            let mut at = PIXEL;
            while at + STEP + PIXEL <= stride {
                let part = |at: usize| column(above.add(at), here.add(at), below.add(at));
                let ([a, b], [c, d], [e, f]) = (part(at - PIXEL), part(at), part(at + PIXEL));
                let mean = |left, middle, right| {
                    let sum = u16x8_add(u16x8_add(left, right), u16x8_shl(middle, 1));
                    u16x8_shr(u16x8_add(sum, u16x8_splat(8)), 4)
                };
                v128_store(out.add(at).cast(), u8x16_narrow_i16x8(mean(a, c, e), mean(b, d, f)));
                at += STEP;
            }
            // The first pixel, and what is left of the row.
            for byte in (0..PIXEL.min(stride)).chain(at..stride) {
                let column = |x: usize| {
                    let [a, b, c] = [above, here, below].map(|row| u32::from(*row.add(x)));
                    a + 2 * b + c
                };
                let left = if byte >= PIXEL { byte - PIXEL } else { byte };
                let right = if byte + PIXEL < stride { byte + PIXEL } else { byte };
                let sum = column(left) + 2 * column(byte) + column(right);
                *out.add(byte) = ((sum + 8) >> 4) as u8;
            }
        }
    }
}
