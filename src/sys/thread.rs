//! Threads as the kernel sees them: a slot each, marked while inside, so that a kill is clean.
//!
//! `Worker.terminate()` may stop a thread anywhere, and in Chromium lets it run on for seconds. So a
//! thread that may be killed has a slot, and sets its *inside* mark before it takes any kernel lock.
//! Who wants to kill first sets *wanted*, then looks at the mark: if it is clear, the thread is
//! outside and will park at the door should it come back; only then is it terminated, and when its
//! death is certain its slot, cache and stack are returned.
//!
//! ```text
//! thread: inside = 1; wanted? → inside = 0, park for ever     killer: wanted = 1; inside? → later
//! ```

use super::futex;
use crate::sync::primitive::{AtomicU32, AtomicUsize, Ordering, store_load_fence};
use std::cell::Cell;
use std::time::Duration;

/// One thread that may be killed.
#[derive(Debug)]
#[repr(C)]
pub struct Slot {
    /// 1 while the thread is inside the kernel. JavaScript sets it before it makes the instance.
    inside: AtomicU32,
    /// 1 once somebody wants the thread dead; never taken back for this thread.
    wanted: AtomicU32,
    /// 1 while the slot belongs to a thread.
    taken: AtomicU32,
    /// How many threads have had this slot.
    generation: AtomicU32,
    /// Address of the thread's heap cache, 0 for none.
    cache: AtomicUsize,
    /// Addresses of the thread's local storage and stack, 0 before it has begun; JavaScript reads
    /// them to give both back.
    tls: AtomicUsize,
    stack: AtomicUsize,
}

impl Slot {
    /// A free slot.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self {
            inside: AtomicU32::new(0),
            wanted: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            cache: AtomicUsize::new(0),
            tls: AtomicUsize::new(0),
            stack: AtomicUsize::new(0),
        }
    }

    /// A free slot.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self {
            inside: AtomicU32::new(0),
            wanted: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            cache: AtomicUsize::new(0),
            tls: AtomicUsize::new(0),
            stack: AtomicUsize::new(0),
        }
    }

    /// Takes the slot if it is free, for a thread to be started.
    pub fn take(&self) -> bool {
        // Acquire pairs with `free`: what the last thread left is gone.
        if self.taken.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        self.inside.store(0, Ordering::Relaxed);
        self.wanted.store(0, Ordering::Relaxed);
        for address in [&self.cache, &self.tls, &self.stack] {
            address.store(0, Ordering::Relaxed);
        }
        self.generation.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Gives the slot back after its thread's certain death.
    pub fn free(&self) {
        self.taken.store(0, Ordering::Release);
    }

    /// The slot's own thread: comes inside. False if it must not, because it is wanted.
    pub fn come_in(&self) -> bool {
        self.inside.store(1, Ordering::Relaxed);
        store_load_fence();
        if self.wanted.load(Ordering::Relaxed) == 0 {
            return true;
        }
        self.inside.store(0, Ordering::Release);
        false
    }

    /// The slot's own thread: goes out again.
    pub fn go_out(&self) {
        // Release: a killer that sees the mark clear sees all that was done inside.
        self.inside.store(0, Ordering::Release);
    }

    /// Wants the thread dead; true once it is outside and so may be terminated. Ask again if not.
    pub fn want(&self) -> bool {
        self.wanted.store(1, Ordering::Relaxed);
        store_load_fence();
        self.inside.load(Ordering::Acquire) == 0
    }

    /// Whether somebody wants this thread dead.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) != 0
    }

    /// Address of the thread's heap cache, 0 for none.
    pub fn cache(&self) -> usize {
        self.cache.load(Ordering::Relaxed)
    }
}

#[cfg(not(loom))]
impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

/// Threads that one memory can have at a time; further ones run without a slot, and are not killed.
pub const MAX: usize = 1024;

#[cfg(not(loom))]
static SLOTS: [Slot; MAX] = [const { Slot::new() }; MAX];

std::thread_local! {
    static MINE: Cell<Option<&'static Slot>> = const { Cell::new(None) };
}

/// Takes a free slot for a thread to be started; its number.
#[cfg(not(loom))]
pub fn reserve() -> Option<usize> {
    SLOTS.iter().position(Slot::take)
}

/// The slot with this number.
#[cfg(not(loom))]
pub fn slot(number: usize) -> Option<&'static Slot> {
    SLOTS.get(number)
}

/// Makes the slot the calling thread's own, and notes where its local storage and stack are.
pub fn adopt(slot: &'static Slot, tls: usize, stack: usize) {
    slot.tls.store(tls, Ordering::Relaxed);
    slot.stack.store(stack, Ordering::Relaxed);
    MINE.set(Some(slot));
}

/// Notes where the calling thread's heap cache is, for who has to return it after its death.
pub fn note_cache(address: usize) {
    if let Some(slot) = MINE.get() {
        slot.cache.store(address, Ordering::Relaxed);
    }
}

/// Proof that the calling thread is inside the kernel; dropping it goes out.
#[derive(Debug)]
pub struct Inside(Option<&'static Slot>);

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            slot.go_out();
        }
    }
}

/// Comes inside the kernel: every export that takes a lock or changes shared state begins with it.
///
/// A thread that is wanted dead does not return. Threads without a slot pass. May be nested.
#[inline]
pub fn enter() -> Inside {
    match MINE.get() {
        // Relaxed: our own mark. An outer guard has it already.
        Some(slot) if slot.inside.load(Ordering::Relaxed) == 0 => {
            if !slot.come_in() {
                park();
            }
            Inside(Some(slot))
        }
        _ => Inside(None),
    }
}

/// Lets go of the inside mark while `wait` blocks: no kernel lock may be held by the caller.
///
/// Use it around long waits inside the kernel, so that a thread that sleeps can be killed.
pub fn outside<T>(wait: impl FnOnce() -> T) -> T {
    match MINE.get() {
        Some(slot) if slot.inside.load(Ordering::Relaxed) != 0 => {
            slot.go_out();
            let answer = wait();
            if !slot.come_in() {
                park();
            }
            answer
        }
        _ => wait(),
    }
}

/// Stays here until the thread is ended from outside.
#[cold]
fn park() -> ! {
    let never = AtomicU32::new(0);
    loop {
        if futex::can_block() {
            futex::wait(&never, 0, Some(Duration::from_secs(3600)));
        } else {
            std::hint::spin_loop();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_inside_is_not_to_be_killed_before_it_is_out() {
        let slot = Slot::new();
        assert!(slot.take());
        assert!(slot.come_in());
        assert!(!slot.want());
        slot.go_out();
        assert!(slot.want());
        assert!(!slot.come_in(), "it is wanted");
        assert!(slot.want(), "the mark is clear while it parks");
    }

    #[test]
    fn a_slot_serves_one_thread_at_a_time() {
        let slot = Slot::new();
        assert!(slot.take());
        assert!(!slot.take());
        slot.want();
        slot.free();
        assert!(slot.take());
        assert!(!slot.is_wanted(), "the next thread is not wanted");
        assert_eq!(slot.generation.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn guards_nest_and_threads_without_a_slot_pass() {
        drop(enter());
        let slot: &'static Slot = Box::leak(Box::new(Slot::new()));
        slot.take();
        std::thread::spawn(move || {
            adopt(slot, 0, 0);
            let outer = enter();
            drop(enter());
            assert_eq!(slot.inside.load(Ordering::Relaxed), 1);
            outside(|| assert_eq!(slot.inside.load(Ordering::Relaxed), 0));
            assert_eq!(slot.inside.load(Ordering::Relaxed), 1);
            drop(outer);
            assert_eq!(slot.inside.load(Ordering::Relaxed), 0);
        })
        .join()
        .expect("no panic");
    }
}
