//! Blocking on and waking up a 32-bit word in shared memory: `memory.atomic.wait32` and `notify`.

use crate::sync::primitive::AtomicU32;
use std::time::Duration;

/// Why [`wait`] returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    /// A wake-up arrived, or the platform woke the thread for no reason.
    Notified,
    /// The word did not hold the expected value.
    Changed,
    /// The deadline passed.
    TimedOut,
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use super::{AtomicU32, Duration, Woken};
    use core::arch::wasm32::{memory_atomic_notify, memory_atomic_wait32};

    pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Woken {
        let nanos = timeout.map_or(-1, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        // SAFETY: the pointer comes from a live reference to an aligned 32-bit word. On a thread
        // that may not block the instruction traps, which callers rule out with `can_block`.
        let answer =
            unsafe { memory_atomic_wait32(word.as_ptr().cast(), expected.cast_signed(), nanos) };
        match answer {
            0 => Woken::Notified,
            1 => Woken::Changed,
            _ => Woken::TimedOut,
        }
    }

    pub(super) fn wake(word: &AtomicU32, count: u32) -> u32 {
        // SAFETY: the pointer comes from a live reference to an aligned 32-bit word.
        unsafe { memory_atomic_notify(word.as_ptr().cast(), count) }
    }
}

#[cfg(all(not(target_arch = "wasm32"), not(loom)))]
mod platform {
    use super::{AtomicU32, Duration, Woken};
    use crate::sync::primitive::Ordering;
    use std::sync::{Condvar, Mutex};

    // One queue for all words: wake-ups are spurious for most, which every caller must bear anyway.
    static GATE: Mutex<()> = Mutex::new(());
    static QUEUE: Condvar = Condvar::new();

    pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Woken {
        let gate = GATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if word.load(Ordering::SeqCst) != expected {
            return Woken::Changed;
        }
        let limit = timeout.unwrap_or(Duration::from_secs(3600));
        match QUEUE.wait_timeout(gate, limit) {
            Ok((_, result)) if result.timed_out() => Woken::TimedOut,
            _ => Woken::Notified,
        }
    }

    pub(super) fn wake(_word: &AtomicU32, _count: u32) -> u32 {
        let _gate = GATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        QUEUE.notify_all();
        0
    }
}

/// The model: a wait without a timeout, so that loom reports a lost wake-up as a deadlock.
#[cfg(loom)]
mod platform {
    use super::{AtomicU32, Duration, Woken};
    use crate::sync::primitive::Ordering;
    use loom::sync::{Condvar, Mutex};

    loom::lazy_static! {
        static ref GATE: Mutex<()> = Mutex::new(());
        static ref QUEUE: Condvar = Condvar::new();
    }

    pub(super) fn wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) -> Woken {
        let gate = GATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if word.load(Ordering::SeqCst) != expected {
            return Woken::Changed;
        }
        drop(QUEUE.wait(gate));
        Woken::Notified
    }

    pub(super) fn wake(_word: &AtomicU32, _count: u32) -> u32 {
        let _gate = GATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        QUEUE.notify_all();
        0
    }
}

/// Blocks the calling thread until `word` is woken, unless it does not hold `expected`.
///
/// May wake spuriously. Only for threads on which [`can_block`] is true; elsewhere it traps.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Woken {
    platform::wait(word, expected, timeout)
}

/// Wakes up to `count` threads that wait on `word`; callable from every thread, never blocks.
///
/// Returns how many were woken. A terminated worker may be among them (Chromium), so never wake
/// exactly one thread unless its waiters also wake up by themselves after a while.
pub fn wake(word: &AtomicU32, count: u32) -> u32 {
    platform::wake(word, count)
}

std::thread_local! {
    static CAN_BLOCK: std::cell::Cell<bool> = const { std::cell::Cell::new(cfg!(not(target_arch = "wasm32"))) };
}

/// Whether this thread may block: workers may, a page's main thread may not.
pub fn can_block() -> bool {
    CAN_BLOCK.get()
}

/// Says at thread start whether this thread may block; the platform has no way to ask.
pub fn set_can_block(yes: bool) {
    CAN_BLOCK.set(yes);
}
