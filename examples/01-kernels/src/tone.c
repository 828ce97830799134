// Turns an RGBA image into tones of grey through a curve: freestanding C, a table made once, SIMD for the weights.

#include <wasm_simd128.h>

typedef unsigned int u32;
typedef unsigned char u8;

// One table for all threads: `prepare` fills it before any of them reads.
static u8 curve[256];

// Fills the curve: contrast is how steep it is, in sixteenths, around the middle.
__attribute__((export_name("prepare"))) void prepare(int contrast) {
  for (int at = 0; at < 256; at++) {
    int tone = 128 + (at - 128) * contrast / 16;
    curve[at] = (u8)(tone < 0 ? 0 : tone > 255 ? 255 : tone);
  }
}

static void put(u8 *pixel, u32 grey, u8 alpha) {
  u8 tone = curve[grey];
  pixel[0] = tone;
  pixel[1] = tone;
  pixel[2] = tone;
  pixel[3] = alpha;
}

// Rows `from..to` of an image of `width` pixels a row, in place.
__attribute__((export_name("tone"))) void tone(u32 from, u32 to, u8 *image, u32 width) {
  const v128_t weights = wasm_i16x8_make(77, 150, 29, 0, 77, 150, 29, 0);
  u8 *end = image + to * width * 4;
  u8 *at = image + from * width * 4;
  for (; at + 16 <= end; at += 16) {
    v128_t pixels = wasm_v128_load(at);
    // Two sums for each pixel: red and green, blue and nothing.
    v128_t low = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(pixels), weights);
    v128_t high = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_high_u8x16(pixels), weights);
    v128_t sums = wasm_i32x4_add(wasm_i32x4_shuffle(low, high, 0, 2, 4, 6), wasm_i32x4_shuffle(low, high, 1, 3, 5, 7));
    v128_t greys = wasm_u32x4_shr(sums, 8);
    put(at, (u32)wasm_i32x4_extract_lane(greys, 0), at[3]);
    put(at + 4, (u32)wasm_i32x4_extract_lane(greys, 1), at[7]);
    put(at + 8, (u32)wasm_i32x4_extract_lane(greys, 2), at[11]);
    put(at + 12, (u32)wasm_i32x4_extract_lane(greys, 3), at[15]);
  }
  for (; at < end; at += 4) put(at, (77u * at[0] + 150u * at[1] + 29u * at[2]) >> 8, at[3]);
}
