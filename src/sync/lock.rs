//! The kernel's mutual exclusion: a futex lock that spins where blocking is not allowed.

use super::primitive::{AtomicU32, Ordering, relax};
use crate::sys::futex;
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// Rounds of spinning before a thread that may block does so.
const SPINS: u32 = if cfg!(loom) { 0 } else { 100 };

/// A waiter looks again after this long even without a wake-up: in Chromium a terminated worker
/// can still consume one.
const SLICE: Duration = Duration::from_millis(5);

/// A value that one thread at a time may reach.
///
/// Usable in a `static`; never allocates; not fair. A page's main thread spins, others block.
pub struct Lock<T> {
    state: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out one exclusive reference at a time, so sharing it needs only that the
// value may move between threads.
unsafe impl<T: Send> Sync for Lock<T> {}
// SAFETY: moving the lock moves the value.
unsafe impl<T: Send> Send for Lock<T> {}

impl<T> Lock<T> {
    /// An unlocked lock around `value`.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self { state: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// An unlocked lock around `value`.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self { state: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// Waits until the lock is free and takes it.
    pub fn lock(&self) -> Guard<'_, T> {
        // Acquire on success: what the last holder wrote before its Release store is visible.
        if self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.lock_slow();
        }
        Guard { lock: self }
    }

    /// Takes the lock if it is free at this moment; never waits.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.state
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            .then(|| Guard { lock: self })
    }

    #[cold]
    fn lock_slow(&self) {
        let mut spins = 0;
        loop {
            if self.state.load(Ordering::Relaxed) == FREE
                && self
                    .state
                    .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return;
            }
            if spins < SPINS || !futex::can_block() {
                spins += 1;
                relax();
                continue;
            }
            // From here on whoever unlocks must wake somebody, hence CONTENDED, not HELD.
            if self.state.swap(CONTENDED, Ordering::Acquire) == FREE {
                return;
            }
            futex::wait(&self.state, CONTENDED, Some(SLICE));
        }
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Proof that the calling thread holds the lock; dropping it unlocks.
#[derive(Debug)]
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: a guard exists only while its thread holds the lock, so nobody else has access.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `&mut self` makes this the only reference of this guard.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // Release: what this thread wrote is visible to the next holder's Acquire.
        if self.lock.state.swap(FREE, Ordering::Release) == CONTENDED {
            futex::wake(&self.lock.state, 1);
        }
    }
}
