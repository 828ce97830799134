//! Loom models of the synchronisation cores: every interleaving and every allowed stale read.
//!
//! Run: `node tests/loom/run.mjs`, which sets `--cfg loom`; without it this file is empty.
#![cfg(loom)]

use isolith::sync::event::Event;
use isolith::sync::lock::Lock;
use isolith::sync::mutex::{Condvar, Mutex};
use isolith::sync::queue::{self, Queue, Refused};
use isolith::sync::ring;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(1);

/// Explores all executions with at most `preemptions` forced switches, for at most 20 seconds.
///
/// Models of two threads finish within that; those of three are cut off after some 10⁵ executions.
fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_duration = Some(Duration::from_secs(20));
    builder.check(body);
}

fn words(count: u32) -> Vec<AtomicU32> {
    (0..count).map(|_| AtomicU32::new(0)).collect()
}

struct Shared {
    header: queue::Header,
    slots: Vec<AtomicU32>,
}

impl Shared {
    fn new(capacity: u32) -> Arc<Self> {
        let slots = words(queue::slots_for(capacity));
        Arc::new(Self { header: queue::Header::new(capacity), slots })
    }

    fn queue(&self) -> Queue<'_> {
        Queue::new(&self.header, &self.slots)
    }
}

#[test]
fn lock_lets_one_in_at_a_time_and_passes_on_what_was_written() {
    model(3, || {
        let lock = Arc::new(Lock::new(0));
        let other = lock.clone();
        let thread = thread::spawn(move || *other.lock() += 1);
        *lock.lock() += 1;
        thread.join().unwrap();
        assert_eq!(*lock.lock(), 2);
    });
}

#[test]
fn lock_wakes_the_sleeper() {
    model(2, || {
        let lock = Arc::new(Lock::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || *lock.lock() += 1)
            })
            .collect();
        *lock.lock() += 1;
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*lock.lock(), 3);
    });
}

#[test]
fn parker_never_sleeps_through_a_signal() {
    model(3, || {
        let shared = Arc::new((Event::new(), AtomicU32::new(0)));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            other.1.store(1, Ordering::Relaxed);
            other.0.signal();
        });
        loop {
            let ticket = shared.0.ticket();
            if shared.1.load(Ordering::Relaxed) == 1 {
                break;
            }
            shared.0.wait(ticket, None);
        }
        thread.join().unwrap();
    });
}

#[test]
fn parker_wakes_two_sleepers_by_one_signal() {
    model(2, || {
        let shared = Arc::new((Event::new(), AtomicU32::new(0)));
        let sleepers: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    loop {
                        let ticket = shared.0.ticket();
                        if shared.1.load(Ordering::Relaxed) == 1 {
                            break;
                        }
                        shared.0.wait(ticket, None);
                    }
                })
            })
            .collect();
        shared.1.store(1, Ordering::Relaxed);
        shared.0.signal();
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
    });
}

#[test]
fn mutex_excludes_and_wakes() {
    model(2, || {
        let shared = Arc::new((Mutex::new(), AtomicU32::new(0)));
        let threads: Vec<_> = (1..3)
            .map(|id| {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.0.lock(id).unwrap();
                    let value = shared.1.load(Ordering::Relaxed);
                    shared.1.store(value + 1, Ordering::Relaxed);
                    shared.0.unlock();
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(shared.1.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn mutex_of_a_killed_holder_goes_to_the_next_who_is_told() {
    model(3, || {
        let shared = Arc::new((Mutex::new(), AtomicU32::new(0)));
        // Thread 9 dies inside; its death is known to the sweeper.
        shared.0.lock(9).unwrap();
        shared.1.store(5, Ordering::Relaxed);
        let other = shared.clone();
        let sweeper = thread::spawn(move || assert!(other.0.poison(9)));
        assert_eq!(shared.0.lock(1).unwrap_err().code(), "EOWNERDEAD");
        assert_eq!(shared.1.load(Ordering::Relaxed), 5);
        shared.0.clear_poison();
        shared.0.unlock();
        sweeper.join().unwrap();
        shared.0.lock(1).unwrap();
    });
}

#[test]
fn condvar_loses_no_notification() {
    model(3, || {
        let shared = Arc::new((Mutex::new(), Condvar::new(), AtomicU32::new(0)));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            other.0.lock(2).unwrap();
            other.2.store(1, Ordering::Relaxed);
            other.0.unlock();
            other.1.notify_one();
        });
        shared.0.lock(1).unwrap();
        while shared.2.load(Ordering::Relaxed) == 0 {
            shared.1.wait(&shared.0, 1, None).unwrap();
        }
        shared.0.unlock();
        thread.join().unwrap();
    });
}

#[test]
fn ring_gives_every_element_once_in_order() {
    model(4, || {
        let shared = Arc::new((ring::Header::new(), words(2)));
        let other = shared.clone();
        let producer = thread::spawn(move || {
            let mut end = ring::Producer::new(&other.0, &other.1);
            let mut next = 1;
            while next <= 5 {
                let items: Vec<u32> = (next..=5).take(2).collect();
                let pushed = end.push(&items) as u32;
                next += pushed;
                if pushed == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut end = ring::Consumer::new(&shared.0, &shared.1);
        let mut expected = 1;
        while expected <= 5 {
            let mut into = [0; 2];
            let popped = end.pop(&mut into);
            for &item in &into[..popped] {
                assert_eq!(item, expected);
                expected += 1;
            }
            if popped == 0 {
                thread::yield_now();
            }
        }
        producer.join().unwrap();
    });
}

#[test]
fn queue_overwrites_no_slot_that_is_still_read() {
    model(3, || {
        let shared = Shared::new(1);
        let other = shared.clone();
        // Three laps over one slot.
        let producer = thread::spawn(move || {
            for item in 1..4 {
                while other.queue().push(item, 2).is_err() {
                    thread::yield_now();
                }
            }
        });
        let mut expected = 1;
        while expected < 4 {
            match shared.queue().pop(1) {
                Ok(item) => {
                    assert_eq!(item, expected);
                    expected += 1;
                }
                Err(_) => thread::yield_now(),
            }
        }
        producer.join().unwrap();
    });
}

#[test]
fn queue_passes_the_turnstile_from_one_producer_to_the_next() {
    model(3, || {
        let shared = Shared::new(2);
        let other = shared.clone();
        let producer = thread::spawn(move || other.queue().push(7, 2).unwrap());
        shared.queue().push(8, 1).unwrap();
        producer.join().unwrap();
        let mut got = [shared.queue().pop(1).unwrap(), shared.queue().pop(1).unwrap()];
        got.sort_unstable();
        assert_eq!(got, [7, 8]);
    });
}

#[test]
fn queue_gives_two_producers_items_once_and_overwrites_none() {
    model(1, || {
        let shared = Shared::new(2);
        let producers: Vec<_> = (1..3u32)
            .map(|id| {
                let shared = shared.clone();
                thread::spawn(move || {
                    // Each pushes two: laps are reached while the consumer reads.
                    for number in 0..2 {
                        while shared.queue().push(id * 10 + number, id).is_err() {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut got = Vec::new();
        while got.len() < 4 {
            match shared.queue().pop(3) {
                Ok(item) => got.push(item),
                Err(_) => thread::yield_now(),
            }
        }
        for producer in producers {
            producer.join().unwrap();
        }
        for id in 1..3 {
            let mine: Vec<_> = got.iter().filter(|&&item| item / 10 == id).collect();
            assert_eq!(mine, [&(id * 10), &(id * 10 + 1)]);
        }
        assert_eq!(shared.queue().pop(3), Err(Refused::NotNow));
    });
}

#[test]
fn queue_gives_each_item_to_one_of_two_consumers() {
    model(1, || {
        let shared = Shared::new(2);
        let consumers: Vec<_> = (1..3)
            .map(|id| {
                let shared = shared.clone();
                thread::spawn(move || {
                    loop {
                        match shared.queue().pop(id) {
                            Ok(item) => return item,
                            Err(_) => thread::yield_now(),
                        }
                    }
                })
            })
            .collect();
        for item in [7, 8] {
            shared.queue().push(item, 3).unwrap();
        }
        let mut got: Vec<_> = consumers.into_iter().map(|thread| thread.join().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, [7, 8]);
    });
}

#[test]
fn queue_wakes_a_sleeping_consumer() {
    model(3, || {
        let shared = Shared::new(1);
        let other = shared.clone();
        let producer = thread::spawn(move || other.queue().push(7, 2).unwrap());
        assert_eq!(shared.queue().pop_wait(1, WAIT), Ok(7));
        producer.join().unwrap();
    });
}

#[test]
fn queue_wakes_a_sleeping_producer() {
    model(3, || {
        let shared = Shared::new(1);
        shared.queue().push(1, 1).unwrap();
        let other = shared.clone();
        let consumer = thread::spawn(move || other.queue().pop(2));
        assert_eq!(shared.queue().push_wait(2, 1, WAIT), Ok(()));
        assert_eq!(consumer.join().unwrap(), Ok(1));
        assert_eq!(shared.queue().pop(1), Ok(2));
    });
}

#[test]
fn close_wakes_sleepers_and_never_loses_an_item() {
    model(3, || {
        let shared = Shared::new(1);
        let other = shared.clone();
        let closer = thread::spawn(move || {
            let pushed = other.queue().push(7, 2).is_ok();
            other.queue().close(2).unwrap();
            pushed
        });
        let first = shared.queue().pop_wait(1, WAIT);
        if first.is_ok() {
            assert_eq!(shared.queue().pop_wait(1, WAIT), Err(Refused::Closed));
        }
        assert_eq!(closer.join().unwrap(), first.is_ok());
    });
}

#[test]
fn a_push_against_close_is_either_seen_or_refused() {
    model(3, || {
        let shared = Shared::new(1);
        let other = shared.clone();
        let producer = thread::spawn(move || other.queue().push(7, 2));
        shared.queue().close(1).unwrap();
        let popped = loop {
            match shared.queue().pop(1) {
                Err(Refused::NotNow) => thread::yield_now(),
                answer => break answer,
            }
        };
        match producer.join().unwrap() {
            Ok(()) => assert_eq!(popped, Ok(7)),
            Err(reason) => {
                assert_eq!(reason, Refused::Closed);
                assert_eq!(popped, Err(Refused::Closed));
            }
        }
    });
}

mod pool;
