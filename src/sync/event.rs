//! A place to sleep until something changes: a futex word that holds a sequence number.
//!
//! Model: a ticket counter with a bell. A thread takes the current ticket, looks at whatever it
//! waits for, and sleeps only as long as the counter still shows its ticket. Whoever changes
//! something turns the counter and rings. A change between the look and the sleep turns the
//! counter, so the sleep does not begin.

use super::primitive::{AtomicU32, Ordering};
use crate::sys::futex::{self, Woken};
use std::time::Duration;

/// Bit 0 of the word: somebody may be asleep. The other 31 bits count signals.
const SLEEPER: u32 = 1;
const STEP: u32 = 2;

/// What [`Event::ticket`] gives and [`Event::wait`] takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(u32);

/// Threads sleep on it until somebody signals; usable as a parker (one sleeper) or for many.
///
/// One 32-bit word, shared by position: JavaScript waits on the same word. Signals wake everyone,
/// because a terminated worker may still stand among the sleepers and eat a single wake-up.
#[derive(Debug)]
#[repr(transparent)]
pub struct Event {
    word: AtomicU32,
}

impl Event {
    /// An event that was never signalled.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { word: AtomicU32::new(0) }
    }

    /// An event that was never signalled.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { word: AtomicU32::new(0) }
    }

    /// The current ticket. Take it before looking at the condition.
    pub fn ticket(&self) -> Ticket {
        // Acquire: a signal counted in this ticket happened before, so the condition read after
        // it shows at least what that signaller wrote.
        Ticket(self.word.load(Ordering::Acquire) & !SLEEPER)
    }

    /// Sleeps until a signal later than `ticket`, or until `timeout`; may return early.
    ///
    /// Blocks: only for threads on which [`futex::can_block`] is true.
    pub fn wait(&self, ticket: Ticket, timeout: Option<Duration>) -> Woken {
        let Ticket(quiet) = ticket;
        // Acquire on failure: the signal that made the ticket old happened before the return.
        // Relaxed on success: nothing is published by announcing a sleeper; the read-modify-write
        // order of this one word alone decides whether a signaller sees the bit.
        let announced = self.word.compare_exchange(
            quiet,
            quiet | SLEEPER,
            Ordering::Relaxed,
            Ordering::Acquire,
        );
        if let Err(found) = announced
            && found != quiet | SLEEPER
        {
            return Woken::Changed;
        }
        let woken = futex::wait(&self.word, quiet | SLEEPER, timeout);
        // Acquire: as in `ticket`, for callers that look at the condition without a new ticket.
        let _ = self.word.load(Ordering::Acquire);
        woken
    }

    /// Makes every ticket old and wakes all sleepers. Never blocks, callable from every thread.
    pub fn signal(&self) {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let next = (word & !SLEEPER).wrapping_add(STEP);
            // Release: what the signaller changed is visible to whoever sees the new count.
            match self.word.compare_exchange(word, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(found) => word = found,
            }
        }
        // A sleeper that set the bit after this exchange set it on the new count, where its own
        // exchange fails: so no bit seen means nobody sleeps on an old ticket.
        if word & SLEEPER != 0 {
            futex::wake(&self.word, u32::MAX);
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}
