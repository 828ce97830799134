//! Loom models of the pool: the ring with its doorbells, jobs taken back, and the kill handshake.

use super::{model, words};
use isolith::pool::crew::Crew;
use isolith::pool::link::{self, Link, word};
use isolith::sys::thread::Slot;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

/// A link with a bell on each side: what `postMessage` does, a token that the event loop waits for.
struct Pair {
    words: Vec<AtomicU32>,
    bell: [Notify; 2],
    /// What is in each slot, for the model: written by one side, read by the other.
    cells: Vec<loom::cell::UnsafeCell<u32>>,
}

// SAFETY: the cells change hands by the states of their slots, which is what the model checks.
unsafe impl Sync for Pair {}
// SAFETY: as above.
unsafe impl Send for Pair {}

const WORKER: usize = 0;
const OWNER: usize = 1;

impl Pair {
    fn new(slots: u32) -> Arc<Self> {
        let words = words(link::size(slots) as u32);
        words[word::LENGTH].store(slots, Ordering::Relaxed);
        let cells = (0..slots).map(|_| loom::cell::UnsafeCell::new(0)).collect();
        Arc::new(Self { words, bell: [Notify::new(), Notify::new()], cells })
    }

    fn link(&self) -> Link<'_> {
        Link::new(&self.words)
    }

    fn ring(&self, side: usize) {
        self.bell[side].notify();
    }

    /// Sleeps until rung: loom reports a lost bell as a deadlock.
    fn hear(&self, side: usize) {
        self.bell[side].wait();
    }

    /// Owner: pushes a job with this number.
    fn push(&self, job: u32) -> Option<usize> {
        let slot = self.link().reserve()?;
        // SAFETY: an empty slot is the owner's; loom panics if the worker touches it meanwhile.
        self.cells[slot].with_mut(|cell| unsafe { *cell = job });
        if self.link().publish() {
            self.ring(WORKER);
        }
        Some(slot)
    }

    /// Worker: answers so many jobs with their number plus 100, sleeping where there is nothing to do.
    fn work(&self, jobs: u32) {
        let mut done = 0;
        while done < jobs {
            let Some(slot) = self.link().claim() else {
                if self.link().sleep() {
                    self.hear(WORKER);
                }
                continue;
            };
            // SAFETY: a running slot is the worker's; loom panics if the owner touches it meanwhile.
            self.cells[slot].with_mut(|cell| unsafe { *cell += 100 });
            if self.link().finish() {
                self.ring(OWNER);
            }
            done += 1;
        }
    }

    /// Owner: takes so many answers, in order, sleeping between.
    fn collect(&self, jobs: usize) -> Vec<u32> {
        let mut answers = Vec::new();
        while answers.len() < jobs {
            if let Some(slot) = self.link().collect() {
                // SAFETY: a collected slot is the owner's.
                answers.push(self.cells[slot].with(|cell| unsafe { *cell }));
                self.link().release();
                continue;
            }
            self.link().doze();
            if self.link().collect().is_none() {
                self.hear(OWNER);
            }
        }
        answers
    }
}

#[test]
fn ring_answers_every_job_once_in_order_and_no_bell_is_lost() {
    model(2, || {
        let pair = Pair::new(2);
        let other = pair.clone();
        let worker = thread::spawn(move || other.work(2));
        pair.push(1);
        pair.push(2);
        assert_eq!(pair.collect(2), [101, 102]);
        worker.join().unwrap();
    });
}

#[test]
fn ring_owner_that_dozes_before_it_publishes_need_not_look_again() {
    model(2, || {
        let pair = Pair::new(2);
        let other = pair.clone();
        let worker = thread::spawn(move || other.work(2));
        for job in [1, 2] {
            pair.link().doze();
            pair.push(job);
            // Loom reports an answer that nobody rings for as a deadlock. A bell may be the last answer's,
            // which was collected before it rang: who hears it and finds nothing has to doze again.
            pair.hear(OWNER);
            assert_eq!(pair.collect(1), [job + 100]);
        }
        worker.join().unwrap();
    });
}

/// An owner as pools have it (`js/src/pool/hub.ts`): it hands over `jobs` at a time, looks for answers when
/// the foreman says that they come soon, and when it is rung up; what both miss nobody would ever take.
fn foreman(rounds: u32, jobs: usize) {
    model(2, move || {
        let pair = Pair::new(4);
        let mut crew = Crew::new(1, 1);
        let worker = crew.hire().expect("one is wanted");
        crew.join(worker, Some(pair.link()), 3, 0.0);
        // A worker counts as quick when it has answered some jobs at once.
        for _ in 0..16 {
            crew.place().expect("it is idle");
            crew.publish(worker);
            pair.link().claim().expect("a job");
            pair.link().finish();
            assert!(crew.collect().is_some() && crew.collect().is_none());
        }
        let other = pair.clone();
        let thread = thread::spawn(move || other.work(rounds * jobs as u32));
        for _ in 0..rounds {
            let mut looks = false;
            for _ in 0..jobs {
                crew.place().expect("it has room");
                let handed = crew.publish(worker);
                if handed.ring {
                    pair.ring(WORKER);
                }
                looks |= handed.soon;
            }
            while crew.load(worker) > 0 {
                if !looks {
                    pair.hear(OWNER);
                }
                looks = false;
                while crew.collect().is_some() || {
                    crew.doze();
                    crew.load(worker) > 0 && crew.collect().is_some()
                } {}
            }
        }
        thread.join().unwrap();
    });
}

#[test]
fn ring_foreman_of_one_job_at_a_time_leaves_no_answer_that_nobody_looks_for() {
    foreman(2, 1);
}

#[test]
fn ring_foreman_of_two_jobs_at_a_time_leaves_no_answer_that_nobody_looks_for() {
    foreman(1, 2);
}

#[test]
fn ring_reuses_its_slots() {
    model(2, || {
        let pair = Pair::new(1);
        let other = pair.clone();
        let worker = thread::spawn(move || other.work(2));
        pair.push(1);
        assert_eq!(pair.collect(1), [101]);
        pair.push(2);
        assert_eq!(pair.collect(1), [102]);
        worker.join().unwrap();
    });
}

#[test]
fn ring_job_taken_back_is_not_run_and_the_one_behind_it_is() {
    model(2, || {
        let pair = Pair::new(3);
        let other = pair.clone();
        // The worker must come through whether it gets one job or two.
        let worker = thread::spawn(move || {
            let mut answers = 0;
            loop {
                let Some(slot) = other.link().claim() else {
                    if other.link().sleep() {
                        other.hear(WORKER);
                    }
                    continue;
                };
                // SAFETY: a running slot is the worker's.
                let last = other.cells[slot].with(|cell| unsafe { *cell }) == 2;
                other.link().finish();
                answers += 1;
                if last {
                    return answers;
                }
            }
        });
        let first = pair.push(1).unwrap();
        let taken = pair.link().recall(first);
        pair.push(2);
        let answers = worker.join().unwrap();
        assert_eq!(answers, if taken { 1 } else { 2 });
    });
}

#[test]
fn kill_never_ends_a_thread_that_holds_a_lock() {
    model(3, || {
        let slot = Arc::new(Slot::new());
        assert!(slot.take());
        let held = Arc::new(AtomicBool::new(false));
        let (its_slot, its_held) = (slot.clone(), held.clone());
        let victim = thread::spawn(move || {
            for _ in 0..2 {
                if !its_slot.come_in() {
                    return;
                }
                its_held.store(true, Ordering::Relaxed);
                its_held.store(false, Ordering::Relaxed);
                its_slot.go_out();
            }
        });
        if slot.want() {
            // From here on it is terminated: it holds nothing, now and for ever.
            assert!(!held.load(Ordering::Relaxed));
            victim.join().unwrap();
            assert!(!held.load(Ordering::Relaxed));
            assert!(!slot.come_in());
        } else {
            victim.join().unwrap();
        }
    });
}
