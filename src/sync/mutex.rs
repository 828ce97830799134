//! A mutex whose word names its holder, so that a killed holder can be found and told of.
//!
//! The same two words as JavaScript's `Mutex` (`js/src/sync/mutex.ts`): either side may lock,
//! unlock or sweep what the other made. It protects nothing by type; it is a part for cores whose
//! data live in shared memory.

use super::primitive::{AtomicU32, Ordering, relax};
use crate::error::{Error, Kind, Result};
use crate::sys::futex::{self, Woken};
use std::time::Duration;

/// Bit 31 of the state: somebody may be asleep. The other 31 bits are the holder's thread id.
const SLEEPER: u32 = 1 << 31;
const FREE: u32 = 0;

/// Rounds of spinning before sleeping; a model must not spin.
const SPINS: u32 = if cfg!(loom) { 0 } else { 100 };

/// A sleeper looks again after this long: a terminated worker can eat the wake-up meant for it.
const SLICE: Duration = Duration::from_millis(20);

/// A lock that knows who holds it.
///
/// Thread ids are below 2³¹, never 0 and never used again, so an id alone says which life of a
/// thread took the lock. Not recursive, not fair.
#[derive(Debug)]
#[repr(C)]
pub struct Mutex {
    state: AtomicU32,
    /// The id of the holder that died, 0 if none did.
    poison: AtomicU32,
}

impl Mutex {
    /// A free mutex.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { state: AtomicU32::new(FREE), poison: AtomicU32::new(0) }
    }

    /// A free mutex.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { state: AtomicU32::new(FREE), poison: AtomicU32::new(0) }
    }

    /// Waits until the mutex is free and takes it for `thread`. Blocks; a page's main thread spins.
    ///
    /// # Errors
    /// `EOWNERDEAD` if a holder was killed: the mutex **is held** by the caller, who repairs what
    /// it protects and calls [`Mutex::clear_poison`], or just unlocks and leaves the mark.
    pub fn lock(&self, thread: u32) -> Result<()> {
        debug_assert!(thread != 0 && thread & SLEEPER == 0, "thread id {thread} out of range");
        // Acquire: what the last holder wrote before its Release is visible.
        let quick =
            self.state.compare_exchange(FREE, thread, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !quick {
            self.lock_slow(thread);
        }
        self.told()
    }

    /// Takes the mutex if it is free at this moment; `Ok(false)` if not.
    ///
    /// # Errors
    /// `EOWNERDEAD` as for [`Mutex::lock`], with the mutex held.
    pub fn try_lock(&self, thread: u32) -> Result<bool> {
        let taken =
            self.state.compare_exchange(FREE, thread, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if taken { self.told().map(|()| true) } else { Ok(false) }
    }

    /// Gives the mutex back. The caller must hold it.
    pub fn unlock(&self) {
        // Release: everything done under the lock is visible to the next holder's Acquire.
        if self.state.swap(FREE, Ordering::Release) & SLEEPER != 0 {
            // All, not one: a terminated worker or a promise that lost its wake-up may be first.
            futex::wake(&self.state, u32::MAX);
        }
    }

    /// Who holds the mutex, 0 for nobody; stale as soon as it returns.
    pub fn holder(&self) -> u32 {
        self.state.load(Ordering::Relaxed) & !SLEEPER
    }

    /// The killer's sweep: if `dead` holds the mutex, frees it and marks it. Says whether it did.
    ///
    /// Call it only when the thread is certain never to run again.
    pub fn poison(&self, dead: u32) -> bool {
        let state = self.state.load(Ordering::Acquire);
        if state & !SLEEPER != dead || dead == 0 {
            return false;
        }
        // The mark goes first: the Release below makes it visible to whoever takes the lock.
        self.poison.store(dead, Ordering::Relaxed);
        self.state.swap(FREE, Ordering::Release);
        // The dead thread may have been a holder that was about to wake somebody: wake all.
        futex::wake(&self.state, u32::MAX);
        true
    }

    /// Takes the mark of a dead holder away. The caller must hold the mutex.
    pub fn clear_poison(&self) {
        self.poison.store(0, Ordering::Relaxed);
    }

    fn told(&self) -> Result<()> {
        // Relaxed: the mark is written before the Release that freed the state, and this thread's
        // Acquire of the state came before this load.
        match self.poison.load(Ordering::Relaxed) {
            0 => Ok(()),
            dead => Err(Error::with(
                Kind::OwnerDied,
                format!("thread {dead} was killed while it held this mutex"),
            )),
        }
    }

    #[cold]
    fn lock_slow(&self, thread: u32) {
        let mut spins = 0;
        // Once this thread has slept there may be other sleepers whose bit it has taken over, so
        // it takes the lock with the bit set: the next unlock wakes one of them.
        let mut wanted = thread;
        loop {
            let state = self.state.load(Ordering::Relaxed);
            if state == FREE {
                let taken =
                    self.state.compare_exchange(FREE, wanted, Ordering::Acquire, Ordering::Relaxed);
                if taken.is_ok() {
                    return;
                }
                continue;
            }
            if spins < SPINS || !futex::can_block() {
                spins += 1;
                relax();
                continue;
            }
            let marked = state | SLEEPER;
            if state != marked
                && self
                    .state
                    .compare_exchange(state, marked, Ordering::Relaxed, Ordering::Relaxed)
                    .is_err()
            {
                continue;
            }
            wanted = thread | SLEEPER;
            futex::wait(&self.state, marked, Some(SLICE));
        }
    }
}

impl Default for Mutex {
    fn default() -> Self {
        Self::new()
    }
}

/// Threads that hold a [`Mutex`] sleep here until what it protects has changed.
///
/// One word, a count of notifications; the same as JavaScript's `Condvar`.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Condvar {
    sequence: AtomicU32,
}

impl Condvar {
    /// A condition variable nobody waits on.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { sequence: AtomicU32::new(0) }
    }

    /// A condition variable nobody waits on.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { sequence: AtomicU32::new(0) }
    }

    /// Unlocks `mutex`, sleeps until notified or for `timeout`, locks it again; may return early.
    ///
    /// # Errors
    /// `EOWNERDEAD` if a holder died meanwhile; the mutex is held in any case.
    pub fn wait(&self, mutex: &Mutex, thread: u32, timeout: Option<Duration>) -> Result<Woken> {
        // Relaxed: read under the mutex. A notifier that changes the condition does so under the
        // same mutex, so its count comes after this one in the word's order.
        let seen = self.sequence.load(Ordering::Relaxed);
        mutex.unlock();
        let woken = futex::wait(&self.sequence, seen, timeout);
        mutex.lock(thread).map(|()| woken)
    }

    /// Wakes one waiter. Should the wake-up go to a dead one, the others find the count changed
    /// when their slice of waiting ends.
    pub fn notify_one(&self) {
        // Relaxed: the mutex carries the data; the futex compares this word under its own order.
        self.sequence.fetch_add(1, Ordering::Relaxed);
        futex::wake(&self.sequence, 1);
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.sequence.fetch_add(1, Ordering::Relaxed);
        futex::wake(&self.sequence, u32::MAX);
    }
}
