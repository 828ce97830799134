/** The functions by which the kernel reaches the memory of the guest whose call runs on this thread. */

/** Which guest's memory is meant: one at a time on each thread, set before each call. */
export interface GuestMemory {
  /** Whose memory is meant: to look here first is quicker than to say it again. */
  readonly current: WebAssembly.Memory | undefined;
  /** The guest's memory for the calls to come. */
  use(memory: WebAssembly.Memory): void;
  /** What the kernel imports, by name. Addresses come signed; a wrong one is answered with 0. */
  readonly imports: Record<string, (a: number, b: number, c: number) => number>;
}

/** From so many bytes on a copy between views is faster than a loop. */
const FEW = 24;

/** `crypto` gives no more at a time, and not into shared memory. */
const RANDOM = 65536;

/** Moves bytes between the kernel's memory and that of its guests. */
export function guestMemory(kernel: WebAssembly.Memory): GuestMemory {
  // Views are made anew when something lies beyond them, which all does when a memory has grown that is not shared:
  // to ask a memory for its buffer each time costs as much as the call.
  let ours = new Uint8Array(kernel.buffer);
  let memory: WebAssembly.Memory | undefined;
  let theirs = new Uint8Array(0);
  const own = (end: number): Uint8Array => (end <= ours.length ? ours : (ours = new Uint8Array(kernel.buffer)));
  const renew = (): Uint8Array => (theirs = memory ? new Uint8Array(memory.buffer) : theirs);
  const holds = (end: number): boolean => end <= theirs.length || end <= renew().length;
  const move = (from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void => {
    if (length > FEW) to.set(from.subarray(start, start + length), at);
    else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
  };
  return {
    get current() {
      return memory;
    },
    use(next) {
      memory = next;
      renew();
    },
    imports: {
      isolith_guest_holds: (end) => (holds(end) ? 1 : 0),
      isolith_guest_get(from, to, length) {
        const start = from >>> 0;
        if (!holds(start + length)) return 0;
        const at = to >>> 0;
        move(theirs, start, own(at + length), at, length);
        return 1;
      },
      isolith_guest_put(from, to, length) {
        const at = to >>> 0;
        if (!holds(at + length)) return 0;
        const start = from >>> 0;
        move(own(start + length), start, theirs, at, length);
        return 1;
      },
      isolith_guest_random(to, length) {
        const end = (to >>> 0) + (length >>> 0);
        if (!holds(end)) return 0;
        const bytes = new Uint8Array(Math.min(RANDOM, length >>> 0));
        for (let at = to >>> 0; at < end; at += RANDOM) {
          const part = bytes.subarray(0, end - at);
          theirs.set(crypto.getRandomValues(part), at);
        }
        return 1;
      },
    },
  };
}
