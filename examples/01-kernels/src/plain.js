// The same two filters in JavaScript, for the caller's thread and for workers: what the kernels are compared with.

/** Blurs rows `from..to` of RGBA pixels with 1-2-1 in both directions. */
export function blur(from, to, source, target, width, height) {
  const stride = width * 4;
  for (let y = from; y < to; y++) {
    const here = y * stride;
    const above = Math.max(y - 1, 0) * stride;
    const below = Math.min(y + 1, height - 1) * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= 4 ? x - 4 : x;
      const right = x + 4 < stride ? x + 4 : x;
      const sum =
        source[above + left] + 2 * source[above + x] + source[above + right] +
        2 * (source[here + left] + 2 * source[here + x] + source[here + right]) +
        source[below + left] + 2 * source[below + x] + source[below + right];
      target[here + x] = (sum + 8) >> 4;
    }
  }
}

/** Turns rows `from..to` of RGBA pixels into grey through a curve, in place. */
export function tone(from, to, image, width, contrast) {
  const curve = Uint8Array.from({ length: 256 }, (_, at) =>
    Math.min(255, Math.max(0, 128 + Math.trunc(((at - 128) * contrast) / 16))),
  );
  for (let at = from * width * 4; at < to * width * 4; at += 4) {
    const grey = curve[(77 * image[at] + 150 * image[at + 1] + 29 * image[at + 2]) >> 8];
    image[at] = grey;
    image[at + 1] = grey;
    image[at + 2] = grey;
  }
}
