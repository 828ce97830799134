//! A bounded queue of 32-bit words for many producers and many consumers, with close and sweep.
//!
//! Model: a ring with a turnstile at each end. A turnstile is one word: a position and a *closed*
//! bit, or, while a thread is inside, that thread's id and the *taken* bit. To push, a thread takes
//! the tail turnstile by compare-exchange, writes the slot, and moves the turnstile on with one
//! exchange that publishes the item, lets the next thread in, and tells whether somebody sleeps on
//! the word: who wants to sleep sets its *sleeper* bit first. Popping does the same at the head. So
//! an operation costs two locked instructions and producers never meet consumers. The position also
//! stands beside the turnstile, written just before the thread leaves: so a thread that is killed
//! between any two instructions leaves nothing half done, and [`Queue::poison`] opens the turnstile
//! it held. (Engines do kill between two atomic operations in a row: seen in V8.)
//!
//! Against a queue with a sequence number per slot: that is lock-free, but a thread killed between
//! claim and publish wedges its slot for ever, and it measured slower in JavaScript (1×1 and 2×2).
//!
//! The layout is a contract with `js/src/sync/queue.ts`, in 32-bit words from the base:
//!
//! | word | holds |
//! |---|---|
//! | 0 tail, 1 its position while taken, 2 head as the producers last saw it | the producers' cache line |
//! | 16 head, 17 its position while taken, 18 tail as the consumers last saw it | the consumers' cache line |
//! | 32 kind, 33 capacity, 34 slots, 37 nap | seldom written |
//! | 48 … | the slots |
//!
//! Consumers sleep on the tail, producers on the head. A position counts items, shifted left by 3,
//! and begins again at 2³⁰ (V8 allocates for larger numbers); its low bits are [`SLEEPER`] and
//! [`CLOSED`]. A thread's id is shifted left by 2, beside [`SLEEPER`] and [`TAKEN`].

use super::primitive::{AtomicU32, Ordering, relax, store_inside};
use crate::sys::{clock, futex};
use std::time::Duration;

/// Bit 0 of a turnstile: a thread is inside, and the other bits are its id.
pub const TAKEN: u32 = 1;
/// Bit 1 of a turnstile, with a thread inside or without: somebody may sleep on the word.
pub const SLEEPER: u32 = 2;
/// Bit 2 of a turnstile: the queue is closed. Set in both turnstiles by [`Queue::close`].
pub const CLOSED: u32 = 4;
/// What one item adds to a position.
pub const STEP: u32 = 8;
/// All bits of a position and of the flags beside it.
const WORD: u32 = (1 << 30) - 1;
/// Items at most: positions that differ by more would not compare.
const MOST: u32 = 1 << 25;
/// Words before the first slot.
pub const HEADER_WORDS: usize = 48;
/// The kind word of a queue of plain 32-bit words.
pub const KIND_U32: u32 = 0x4951_0001;

const BITS: u32 = TAKEN | SLEEPER | CLOSED;

/// Rounds before a thread that may block naps instead of spinning.
const SPINS: u32 = 200;
/// Rounds before a thread that may not block gives up with [`Refused::Busy`].
const PATIENCE: u32 = if cfg!(loom) { u32::MAX } else { 1 << 20 };
/// A turnstile is held for nanoseconds unless its holder was descheduled: then a nap helps it.
const NAP: Duration = Duration::from_micros(50);
/// A waiter looks again after this long: a terminated worker can swallow wake-ups.
const SLICE: Duration = Duration::from_millis(50);

/// Why an item was not taken or given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// No room to push, or nothing to pop.
    NotNow,
    /// Closed; and, for a pop, empty.
    Closed,
    /// A thread that may not block found the turnstile taken for about 10 ms: try again later.
    Busy,
}

/// One end of the queue: its turnstile and what its users share, on a cache line of its own.
#[derive(Debug)]
#[repr(C)]
pub struct End {
    turnstile: AtomicU32,
    /// The turnstile's word without a thread inside: as it was, or just before the leave, will be.
    position: AtomicU32,
    /// The other end's position as last looked at; read and written only inside.
    seen: AtomicU32,
    spare: [u32; 13],
}

/// The part of a queue before its slots; all zero but for the third line when new.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    tail: End,
    head: End,
    kind: AtomicU32,
    capacity: AtomicU32,
    slots: AtomicU32,
    unused: [u32; 2],
    nap: AtomicU32,
    spare: [u32; 10],
}

impl End {
    fn new() -> Self {
        Self {
            turnstile: AtomicU32::new(0),
            position: AtomicU32::new(0),
            seen: AtomicU32::new(0),
            spare: [0; 13],
        }
    }
}

impl Header {
    /// The header of an empty queue of `capacity` items.
    pub fn new(capacity: u32) -> Self {
        Self {
            tail: End::new(),
            head: End::new(),
            kind: AtomicU32::new(KIND_U32),
            capacity: AtomicU32::new(capacity),
            slots: AtomicU32::new(slots_for(capacity)),
            unused: [0; 2],
            nap: AtomicU32::new(0),
            spare: [0; 10],
        }
    }
}

/// How many slots a queue of `capacity` items has: the next power of two.
pub const fn slots_for(capacity: u32) -> u32 {
    capacity.next_power_of_two()
}

/// A view of a queue in memory. Copies of it are the same queue.
#[derive(Clone, Copy, Debug)]
pub struct Queue<'a> {
    header: &'a Header,
    slots: &'a [AtomicU32],
    capacity: u32,
}

impl<'a> Queue<'a> {
    /// The queue of this header and these slots.
    ///
    /// # Panics
    /// If the number of slots is not [`slots_for`] the header's capacity, or above 2²⁵.
    pub fn new(header: &'a Header, slots: &'a [AtomicU32]) -> Self {
        let capacity = header.capacity.load(Ordering::Relaxed);
        assert!((1..=MOST).contains(&capacity), "queue capacity {capacity} out of range");
        assert_eq!(slots.len(), slots_for(capacity) as usize, "queue slots do not fit capacity");
        Self { header, slots, capacity }
    }

    /// The queue in memory at `base`.
    ///
    /// # Safety
    /// - `base` is 4-aligned and starts a header and its slots as in the file's table, live for
    ///   `'a`, written before this thread learnt of it.
    ///
    /// # Panics
    /// If the words there are not a queue of 32-bit words.
    #[cfg(not(loom))]
    pub unsafe fn attach(base: *mut u32) -> Self {
        // SAFETY: the caller says that a header lives there; all its shared fields are atomics.
        let header = unsafe { &*base.cast::<Header>() };
        assert_eq!(header.kind.load(Ordering::Relaxed), KIND_U32, "not a queue of 32-bit words");
        let slots = header.slots.load(Ordering::Relaxed) as usize;
        // SAFETY: the caller says that the slots follow the header.
        let slots = unsafe {
            std::slice::from_raw_parts(base.add(HEADER_WORDS).cast::<AtomicU32>(), slots)
        };
        Self::new(header, slots)
    }

    /// Pushes without waiting for room. `thread` is the caller's id, 1 to 2²⁸ − 1.
    ///
    /// # Errors
    /// [`Refused`]; the item is then not in the queue.
    pub fn push(&self, item: u32, thread: u32) -> Result<(), Refused> {
        let (tail, head) = (&self.header.tail, &self.header.head);
        let mut tries = 0;
        loop {
            let before = tail.turnstile.load(Ordering::Relaxed);
            if before & TAKEN != 0 {
                self.pause(&mut tries)?;
                continue;
            }
            if before & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            // Signed: the head may have passed a tail that is stale by now, which is not "full".
            let full = |head: u32| ahead(before, head) >= (self.capacity * STEP).cast_signed();
            let mut seen = tail.seen.load(Ordering::Relaxed);
            if full(seen) {
                // Acquire, with the consumers' Release: their reads of the slots up to here are
                // over before this thread or, through the turnstile, a later producer overwrites.
                seen = head.turnstile.load(Ordering::Acquire);
                let taken = seen & TAKEN != 0;
                if taken {
                    // May run ahead of its consumer's read: good for "full", not for overwriting.
                    seen = head.position.load(Ordering::Relaxed);
                }
                if full(seen) {
                    return Err(Refused::NotNow);
                }
                if taken {
                    self.pause(&mut tries)?;
                    continue;
                }
            }
            if !enter(tail, before, thread) {
                continue;
            }
            // Nobody else moves the tail now and the head only makes room: what fitted still fits.
            store_inside(&tail.seen, seen & !BITS);
            store_inside(self.slot(before), item);
            leave(tail, (before + STEP) & WORD);
            return Ok(());
        }
    }

    /// Pops without waiting for an item. `thread` is the caller's id, 1 to 2²⁸ − 1.
    ///
    /// # Errors
    /// [`Refused`]; what was pushed before the close still comes out.
    pub fn pop(&self, thread: u32) -> Result<u32, Refused> {
        let (tail, head) = (&self.header.tail, &self.header.head);
        let mut tries = 0;
        loop {
            // Acquire, with `leave`: the tail read below is at least the one that the last consumer
            // saw, so it is not behind this head. (With Relaxed loom finds a pop of an empty slot.)
            let before = head.turnstile.load(Ordering::Acquire);
            if before & TAKEN != 0 {
                self.pause(&mut tries)?;
                continue;
            }
            let position = before & !BITS;
            let mut seen = head.seen.load(Ordering::Relaxed);
            if ahead(seen, position) <= 0 {
                // Acquire, with the producers' Release: the items up to here are written. Later
                // consumers get that through the head's own Release and Acquire.
                seen = tail.turnstile.load(Ordering::Acquire);
                let taken = seen & TAKEN != 0;
                if taken {
                    // May run ahead of its producer's write: good for "empty", not for reading.
                    seen = tail.position.load(Ordering::Relaxed);
                }
                if seen & !BITS == position {
                    // Closed and empty is for ever: no push can come after the closed bit.
                    let closed = seen & CLOSED != 0;
                    return Err(if closed { Refused::Closed } else { Refused::NotNow });
                }
                if taken {
                    self.pause(&mut tries)?;
                    continue;
                }
            }
            if !enter(head, before, thread) {
                continue;
            }
            store_inside(&head.seen, seen & !BITS);
            let item = self.slot(before).load(Ordering::Relaxed);
            leave(head, (before + STEP) & WORD);
            return Ok(item);
        }
    }

    /// Pushes, asleep while there is no room, for at most `timeout`. Only where blocking is allowed.
    ///
    /// # Errors
    /// [`Refused::NotNow`] after the timeout, [`Refused::Closed`].
    pub fn push_wait(&self, item: u32, thread: u32, timeout: Duration) -> Result<(), Refused> {
        self.wait(&self.header.head, timeout, || self.push(item, thread))
    }

    /// Pops, asleep while there is nothing, for at most `timeout`. Only where blocking is allowed.
    ///
    /// # Errors
    /// [`Refused::NotNow`] after the timeout, [`Refused::Closed`] once closed and empty.
    pub fn pop_wait(&self, thread: u32, timeout: Duration) -> Result<u32, Refused> {
        self.wait(&self.header.tail, timeout, || self.pop(thread))
    }

    /// How many items wait; exact at some moment during the call.
    pub fn len(&self) -> u32 {
        let head = outside(&self.header.head) & !BITS;
        let tail = outside(&self.header.tail) & !BITS;
        ((tail.wrapping_sub(head) & WORD) / STEP).min(self.capacity)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes: pushes are refused, what is queued can still be popped, all sleepers wake.
    ///
    /// # Errors
    /// [`Refused::Busy`] on a thread that may not block; call again.
    pub fn close(&self, thread: u32) -> Result<(), Refused> {
        // Tail first: once the head shows it, no push can follow. The bit goes into both words
        // because sleepers sleep on either and must find their word changed.
        for end in [&self.header.tail, &self.header.head] {
            let mut tries = 0;
            loop {
                let before = end.turnstile.load(Ordering::Relaxed);
                if before & TAKEN != 0 {
                    self.pause(&mut tries)?;
                } else if before & CLOSED != 0 {
                    break;
                } else if enter(end, before, thread) {
                    leave(end, before | CLOSED);
                    break;
                }
            }
        }
        self.wake_all();
        Ok(())
    }

    /// The killer's sweep: opens the turnstiles that thread `dead` holds and wakes all sleepers.
    ///
    /// The item it was pushing is gone with it; the item it was popping is still there. Call it
    /// only when the thread is certain never to run again. Says whether a turnstile was opened.
    pub fn poison(&self, dead: u32) -> bool {
        let mut opened = false;
        for end in [&self.header.tail, &self.header.head] {
            // Again only if a sleeper came to the word meanwhile.
            loop {
                let word = end.turnstile.load(Ordering::Relaxed);
                if word & !SLEEPER != inside(dead) {
                    break;
                }
                // Acquire: the dead thread's writes up to its position are visible to this thread,
                // and Release: through it to the next one inside.
                let position = end.position.load(Ordering::Acquire);
                let open = end.turnstile.compare_exchange(
                    word,
                    position,
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                );
                if open.is_ok() {
                    opened = true;
                    break;
                }
            }
        }
        // It may have died between its publishing store and the wake-up.
        self.wake_all();
        opened
    }

    fn slot(&self, position: u32) -> &AtomicU32 {
        &self.slots[(position / STEP) as usize & (self.slots.len() - 1)]
    }

    /// Lets time pass in front of a taken turnstile.
    fn pause(&self, tries: &mut u32) -> Result<(), Refused> {
        *tries += 1;
        if !tries.is_multiple_of(SPINS) || cfg!(loom) {
            relax();
        } else if futex::can_block() {
            futex::wait(&self.header.nap, 0, Some(NAP));
        } else if *tries > PATIENCE {
            return Err(Refused::Busy);
        }
        Ok(())
    }

    fn wait<T>(
        &self,
        other: &End,
        timeout: Duration,
        mut attempt: impl FnMut() -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let deadline = clock::now() + timeout;
        loop {
            match attempt() {
                Err(Refused::NotNow) => {}
                answer => return answer,
            }
            // Before the second attempt, and on the very word that the other side changes: whoever
            // leaves after this finds the bit, and who left before is seen by the attempt. Acquire,
            // with `leave`, for the latter.
            let word = other.turnstile.fetch_or(SLEEPER, Ordering::Acquire) | SLEEPER;
            let left = deadline.saturating_sub(clock::now());
            match attempt() {
                Err(Refused::NotNow) if left.is_zero() => return Err(Refused::NotNow),
                Err(Refused::NotNow) => {}
                answer => return answer,
            }
            futex::wait(&other.turnstile, word, Some(left.min(SLICE)));
        }
    }

    fn wake_all(&self) {
        for end in [&self.header.tail, &self.header.head] {
            futex::wake(&end.turnstile, u32::MAX);
        }
    }
}

/// How far position `a` is ahead of `b`; below 0 if it is behind.
fn ahead(a: u32, b: u32) -> i32 {
    ((a & !BITS).wrapping_sub(b & !BITS) << 2).cast_signed() >> 2
}

/// What a thread writes into a turnstile that it enters.
fn inside(thread: u32) -> u32 {
    thread << 2 | TAKEN
}

/// One try to go through a turnstile seen free as `before`; `false` means look again.
fn enter(end: &End, before: u32, thread: u32) -> bool {
    debug_assert!(thread != 0 && thread >> 28 == 0, "thread id {thread} out of range");
    // Acquire, with `leave`: the slots and `seen` as the last thread left them.
    end.turnstile
        .compare_exchange(
            before,
            inside(thread) | before & SLEEPER,
            Ordering::Acquire,
            Ordering::Relaxed,
        )
        .is_ok()
}

/// Goes out of a turnstile, leaving it at `after`, and wakes who sleeps on it.
fn leave(end: &End, after: u32) {
    let after = after & !SLEEPER;
    // The commit point for a thread that is killed: before this its item was never pushed or popped.
    store_inside(&end.position, after);
    // Release: the slot, `seen` and `position` are visible to whoever sees this position.
    if end.turnstile.swap(after, Ordering::Release) & SLEEPER != 0 {
        futex::wake(&end.turnstile, u32::MAX);
    }
}

/// The word of an end as it was, or will be in an instant, when nobody is inside.
fn outside(end: &End) -> u32 {
    let word = end.turnstile.load(Ordering::Acquire);
    if word & TAKEN == 0 { word } else { end.position.load(Ordering::Relaxed) }
}

#[cfg(all(test, not(loom)))]
#[path = "queue_tests.rs"]
mod tests;
