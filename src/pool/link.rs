//! The ring between a pool and one worker: jobs one way, answers back, a doorbell on each side.
//!
//! Model: a circle of pigeonholes that two people walk in the same direction. The owner fills empty
//! ones ahead of the worker, the worker opens them in order and leaves its answers inside, and the
//! owner's second hand follows, takes the answers out and empties them. The state word of each slot
//! is the whole protocol; the indices are private to the one who walks.
//!
//! ```text
//! EMPTY → QUEUED → RUNNING → DONE → EMPTY          worker took the job and answered
//!            └───→ RECALLED → SKIPPED → EMPTY      owner took it back before the worker came to it
//! ```
//!
//! A side that finds nothing to do sets its *asleep* word, looks once more, and goes back to its
//! event loop; the other side rings only if that word is set. Killing the worker at any instant
//! leaves every slot in one of these states: what is RUNNING was the job that it died with.
//!
//! The layout is a contract with `js/src/pool/link.ts`, in 32-bit words: see [`word`].

use crate::sync::primitive::{AtomicU32, Ordering, store_load_fence};

/// Where things lie in a link, in 32-bit words from its start.
pub mod word {
    /// 1 while the worker is in its event loop and wants to be rung up.
    pub const ASLEEP: usize = 0;
    /// Job that is asked to stop, 0 for none.
    pub const ABORT: usize = 1;
    /// Last job that has looked at its signal, and so may be expected to stop when asked.
    pub const LISTENS: usize = 2;
    /// 1 while the owner sleeps and wants to be rung up. Each link has its own: a worker that was
    /// killed and runs on for a while must not ring for those that live.
    pub const OWNER: usize = 3;
    /// 1 while the worker looks out for its next job for long, so that the owner should look out for
    /// its answer, too: a hint that may be stale, on which no wake-up depends.
    pub const LOOKS: usize = 4;
    /// How many slots there are.
    pub const LENGTH: usize = 16;
    /// Slot that the worker opens next; written by the worker only.
    pub const HEAD: usize = 17;
    /// Slot that the owner fills next; written by the owner only.
    pub const TAIL: usize = 18;
    /// Slot whose answer the owner takes next; written by the owner only.
    pub const CURSOR: usize = 19;
    /// First word of the first slot.
    pub const SLOTS: usize = 32;
    /// Words of a slot, its state first; but for the next three the rest is the two sides' business.
    pub const STRIDE: usize = 32;
    /// Word of a slot whose low two bits say how what is in it travels.
    pub const KIND: usize = 3;
    /// Words of a slot with the two float64 times between which its task ran.
    pub const START: usize = 10;
    /// See `START`.
    pub const END: usize = 12;
}

const EMPTY: u32 = 0;
const QUEUED: u32 = 1;
const RUNNING: u32 = 2;
const DONE: u32 = 3;
const RECALLED: u32 = 4;
const SKIPPED: u32 = 5;

/// The low bits of a kind when the value goes by message.
const MESSAGE: u32 = 2;

/// What an owner can tell of a job by its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The worker has not begun with it.
    Queued,
    /// The worker is at it.
    Running,
    /// It is done, or was taken back.
    Other,
}

/// Words that a link with so many slots takes.
pub const fn size(slots: u32) -> usize {
    word::SLOTS + slots as usize * word::STRIDE
}

/// A link over its words, which are zero but for the length when it is new.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    words: &'a [AtomicU32],
}

impl<'a> Link<'a> {
    /// The link that lives in `words`.
    pub fn new(words: &'a [AtomicU32]) -> Self {
        debug_assert!(
            words.len() >= size(words[word::LENGTH].load(Ordering::Relaxed)),
            "the slots lie within the words"
        );
        Self { words }
    }

    /// Where a slot lies in memory.
    pub fn address(&self, slot: usize) -> usize {
        std::ptr::from_ref(self.state(slot)).addr()
    }

    fn state(&self, slot: usize) -> &'a AtomicU32 {
        &self.words[word::SLOTS + slot * word::STRIDE]
    }

    // Relaxed, here and in `step`: every index is read by its writer alone, or by who takes over
    // when the writer is dead, and slots change hands by their state words.
    fn index(&self, which: usize) -> usize {
        self.words[which].load(Ordering::Relaxed) as usize
    }

    fn length(&self) -> usize {
        self.index(word::LENGTH)
    }

    fn step(&self, which: usize) {
        let next = self.index(which) + 1;
        let next = if next == self.length() { 0 } else { next };
        self.words[which].store(next as u32, Ordering::Relaxed);
    }

    /// Owner: the slot to write the next job into, if there is room.
    pub fn reserve(&self) -> Option<usize> {
        let tail = self.index(word::TAIL);
        // Relaxed: only the owner makes slots empty.
        (self.state(tail).load(Ordering::Relaxed) == EMPTY).then_some(tail)
    }

    /// Owner: hands the reserved slot over; answers whether the worker must be rung up.
    pub fn publish(&self) -> bool {
        let tail = self.index(word::TAIL);
        // Release: the worker that sees the state sees the job.
        self.state(tail).store(QUEUED, Ordering::Release);
        self.step(word::TAIL);
        wake(&self.words[word::ASLEEP])
    }

    /// Owner: whether the worker sleeps at this moment, or is about to.
    pub fn is_asleep(&self) -> bool {
        // Relaxed: a hint; `publish` asks with the right ordering.
        self.words[word::ASLEEP].load(Ordering::Relaxed) != 0
    }

    /// Worker: opens the next slot with a job, passing by those that were taken back.
    pub fn claim(&self) -> Option<usize> {
        loop {
            let head = self.index(word::HEAD);
            let state = self.state(head);
            // Acquire pairs with `publish`.
            match state.compare_exchange(QUEUED, RUNNING, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(head),
                Err(RECALLED) => {
                    // Release: the owner reuses the slot only after we have passed it.
                    state.store(SKIPPED, Ordering::Release);
                    self.step(word::HEAD);
                }
                Err(_) => return None,
            }
        }
    }

    /// Worker: the open slot now holds the answer. Answers whether the owner must be rung up.
    pub fn finish(&self) -> bool {
        let head = self.index(word::HEAD);
        // Release: the owner that sees the state sees the answer.
        self.state(head).store(DONE, Ordering::Release);
        self.step(word::HEAD);
        wake(&self.words[word::OWNER])
    }

    /// Worker: whether a slot lies ahead to be opened or passed by; a glance, for spinning.
    pub fn has_more(&self) -> bool {
        // Relaxed: `claim` looks again with the right ordering. A slot that was taken back counts:
        // behind it may be one that was not.
        let state = self.state(self.index(word::HEAD)).load(Ordering::Relaxed);
        state == QUEUED || state == RECALLED
    }

    /// Worker: goes to sleep; false if a job came in between and it has to stay awake. Who rings it up
    /// has cleared the word by then.
    pub fn sleep(&self) -> bool {
        let asleep = &self.words[word::ASLEEP];
        asleep.store(1, Ordering::Relaxed);
        store_load_fence();
        if self.has_more() {
            asleep.store(0, Ordering::Relaxed);
            return false;
        }
        true
    }

    /// Owner: says that it is about to sleep; it must collect once more after this, unless the worker
    /// has nothing to answer: what is published afterwards is published to a sleeper.
    pub fn doze(&self) {
        self.words[word::OWNER].store(1, Ordering::Relaxed);
        store_load_fence();
    }

    /// Owner: is awake, and need not be rung up.
    pub fn rouse(&self) {
        self.words[word::OWNER].store(0, Ordering::Relaxed);
    }

    /// Owner: how far the job in a slot is.
    pub fn look(&self, slot: usize) -> State {
        match self.state(slot).load(Ordering::Acquire) {
            QUEUED => State::Queued,
            RUNNING => State::Running,
            _ => State::Other,
        }
    }

    fn payload(&self, slot: usize, word: usize) -> u32 {
        // Relaxed: read of collected slots only, which are the owner's.
        self.words[word::SLOTS + slot * word::STRIDE + word].load(Ordering::Relaxed)
    }

    /// Owner: when the task of a collected slot began and ended, as the worker noted it.
    pub fn times(&self, slot: usize) -> (f64, f64) {
        let time = |word| {
            let [low, high] = [self.payload(slot, word), self.payload(slot, word + 1)];
            f64::from_bits(u64::from(high) << 32 | u64::from(low))
        };
        (time(word::START), time(word::END))
    }

    /// Owner: whether the answer of a collected slot comes by message.
    pub fn is_message(&self, slot: usize) -> bool {
        self.payload(slot, word::KIND) & 3 == MESSAGE
    }

    /// Owner: the next slot with an answer, which is the owner's until `release`.
    pub fn collect(&self) -> Option<usize> {
        loop {
            let cursor = self.index(word::CURSOR);
            let state = self.state(cursor);
            // Acquire pairs with `finish` and `claim`.
            match state.load(Ordering::Acquire) {
                DONE => return Some(cursor),
                SKIPPED => self.release(),
                _ => return None,
            }
        }
    }

    /// Owner: the slot that `collect` gave is empty again.
    pub fn release(&self) {
        // Relaxed: the next thing that happens to it is our own `publish`.
        self.state(self.index(word::CURSOR)).store(EMPTY, Ordering::Relaxed);
        self.step(word::CURSOR);
    }

    /// Owner: tries to take back the job in a slot; false if the worker has begun with it.
    pub fn recall(&self, slot: usize) -> bool {
        // Relaxed: nothing is read of what the worker wrote, for it wrote nothing.
        self.state(slot)
            .compare_exchange(QUEUED, RECALLED, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

/// Clears an asleep word after a store of the caller's; answers whether it was set.
fn wake(asleep: &AtomicU32) -> bool {
    // Either the sleeper's second look sees what we stored, or we see its word here.
    store_load_fence();
    asleep.load(Ordering::Relaxed) != 0 && asleep.swap(0, Ordering::Relaxed) != 0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn words(slots: u32) -> Vec<AtomicU32> {
        let words: Vec<_> = (0..size(slots)).map(|_| AtomicU32::new(0)).collect();
        words[word::LENGTH].store(slots, Ordering::Relaxed);
        words
    }

    #[test]
    fn jobs_come_in_order_and_answers_too_round_after_round() {
        let words = words(4);
        let link = Link::new(&words);
        for round in 0..10 {
            for slot in 0..4 {
                assert_eq!(link.reserve(), Some(slot), "round {round}");
                link.publish();
            }
            assert_eq!(link.reserve(), None);
            for slot in 0..4 {
                assert_eq!(link.claim(), Some(slot));
                link.finish();
                assert_eq!(link.collect(), Some(slot));
                link.release();
            }
            assert_eq!((link.claim(), link.collect()), (None, None));
        }
    }

    #[test]
    fn what_was_taken_back_is_passed_by_and_its_slot_serves_again() {
        let words = words(3);
        let link = Link::new(&words);
        for _ in 0..3 {
            link.reserve();
            link.publish();
        }
        assert_eq!(link.claim(), Some(0));
        assert!(link.recall(2));
        assert!(!link.recall(2), "it is already back");
        assert!(link.recall(1));
        assert!(!link.recall(0), "it has begun");
        assert_eq!((link.look(0), link.look(1)), (State::Running, State::Other));
        link.finish();
        assert_eq!(link.claim(), None);
        assert_eq!(link.collect(), Some(0));
        link.release();
        assert_eq!((link.collect(), link.reserve()), (None, Some(0)));
        link.publish();
        assert_eq!(link.claim(), Some(0));
    }

    #[test]
    fn each_side_is_rung_once_and_only_asleep() {
        let words = words(4);
        let link = Link::new(&words);
        assert!(link.sleep());
        link.reserve();
        assert!(link.publish());
        link.reserve();
        assert!(!link.publish(), "one bell is enough");
        assert!(!link.sleep(), "there is work");
        link.doze();
        link.claim();
        assert!(link.finish());
        link.claim();
        assert!(!link.finish());
    }
}
