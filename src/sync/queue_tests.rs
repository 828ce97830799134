//! Native tests of the bounded queue: capacity, close, sweep and many threads at once.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering as Order};

struct Memory {
    header: Header,
    slots: Vec<AtomicU32>,
}

impl Memory {
    fn new(capacity: u32) -> Self {
        let slots = (0..slots_for(capacity)).map(|_| AtomicU32::new(0)).collect();
        Self { header: Header::new(capacity), slots }
    }

    fn queue(&self) -> Queue<'_> {
        Queue::new(&self.header, &self.slots)
    }
}

#[test]
fn the_layout_is_the_contract() {
    assert_eq!(size_of::<Header>(), HEADER_WORDS * 4);
    assert_eq!(std::mem::offset_of!(Header, head), 16 * 4);
    assert_eq!(std::mem::offset_of!(Header, kind), 32 * 4);
    assert_eq!(std::mem::offset_of!(Header, nap), 37 * 4);
    assert_eq!(std::mem::offset_of!(End, seen), 2 * 4);
}

#[test]
fn it_refuses_exactly_at_capacity_and_keeps_order() {
    for capacity in [1, 2, 3, 5, 8] {
        let memory = Memory::new(capacity);
        let queue = memory.queue();
        for lap in 0..20 {
            for item in 0..capacity {
                assert_eq!(queue.push(lap * 100 + item, 1), Ok(()));
            }
            assert_eq!(queue.push(9, 1), Err(Refused::NotNow), "capacity {capacity}");
            assert_eq!(queue.len(), capacity);
            for item in 0..capacity {
                assert_eq!(queue.pop(1), Ok(lap * 100 + item));
            }
            assert_eq!(queue.pop(1), Err(Refused::NotNow));
        }
    }
}

#[test]
fn positions_wrap_without_a_seam() {
    let memory = Memory::new(3);
    let start = WORD + 1 - 2 * STEP;
    for end in [&memory.header.tail, &memory.header.head] {
        end.turnstile.store(start, Ordering::Relaxed);
        end.position.store(start, Ordering::Relaxed);
        end.seen.store(start, Ordering::Relaxed);
    }
    let queue = memory.queue();
    for item in 0..10 {
        assert_eq!(queue.push(item, 1), Ok(()));
        assert_eq!(queue.push(item + 100, 1), Ok(()));
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.pop(1), Ok(item));
        assert_eq!(queue.pop(1), Ok(item + 100));
    }
}

#[test]
fn after_close_what_is_queued_comes_out_and_nothing_goes_in() {
    let memory = Memory::new(4);
    let queue = memory.queue();
    queue.push(7, 1).unwrap();
    queue.close(1).unwrap();
    queue.close(1).unwrap();
    assert_eq!(queue.push(8, 1), Err(Refused::Closed));
    assert_eq!(queue.pop(1), Ok(7));
    assert_eq!(queue.pop(1), Err(Refused::Closed));
    assert_eq!(queue.pop_wait(1, Duration::from_secs(60)), Err(Refused::Closed));
}

#[test]
fn close_wakes_sleepers_at_both_ends() {
    let (empty, full) = (Memory::new(1), Memory::new(1));
    full.queue().push(1, 1).unwrap();
    let long = Duration::from_secs(3600);
    std::thread::scope(|scope| {
        let consumer = scope.spawn(|| empty.queue().pop_wait(2, long));
        let producer = scope.spawn(|| full.queue().push_wait(2, 3, long));
        std::thread::sleep(Duration::from_millis(20));
        empty.queue().close(1).unwrap();
        full.queue().close(1).unwrap();
        assert_eq!(consumer.join().unwrap(), Err(Refused::Closed));
        assert_eq!(producer.join().unwrap(), Err(Refused::Closed));
    });
}

#[test]
fn a_turnstile_held_by_the_dead_opens_and_one_held_by_the_living_does_not() {
    let memory = Memory::new(4);
    let queue = memory.queue();
    queue.push(5, 1).unwrap();
    for end in [&memory.header.tail, &memory.header.head] {
        let before = end.turnstile.load(Ordering::Relaxed);
        assert!(enter(end, before, 66));
    }
    assert!(!queue.poison(65));
    assert_eq!(memory.header.tail.turnstile.load(Ordering::Relaxed) & TAKEN, TAKEN);
    assert!(queue.poison(66));
    assert!(!queue.poison(66));
    queue.push(6, 1).unwrap();
    assert_eq!(queue.pop(1), Ok(5));
    assert_eq!(queue.pop(1), Ok(6));
}

#[test]
fn a_wait_ends_with_its_timeout() {
    let memory = Memory::new(1);
    let queue = memory.queue();
    assert_eq!(queue.pop_wait(1, Duration::from_millis(5)), Err(Refused::NotNow));
    queue.push(1, 1).unwrap();
    assert_eq!(queue.push_wait(2, 1, Duration::ZERO), Err(Refused::NotNow));
}

#[test]
fn every_item_comes_once_and_in_its_producers_order() {
    const EACH: u32 = 20_000;
    let memory = Memory::new(7);
    let popped = AtomicUsize::new(0);
    let wait = Duration::from_secs(60);
    std::thread::scope(|scope| {
        for producer in 0..2u32 {
            let queue = memory.queue();
            scope.spawn(move || {
                for number in 0..EACH {
                    queue.push_wait(producer << 24 | number, producer + 1, wait).unwrap();
                }
            });
        }
        let consumers: Vec<_> = (0..2)
            .map(|consumer| {
                let (queue, popped) = (memory.queue(), &popped);
                scope.spawn(move || {
                    let mut got = Vec::new();
                    loop {
                        match queue.pop_wait(10 + consumer, wait) {
                            Ok(item) => got.push(item),
                            Err(reason) => {
                                assert_eq!(reason, Refused::Closed);
                                return got;
                            }
                        }
                        if popped.fetch_add(1, Order::Relaxed) + 1 == 2 * EACH as usize {
                            queue.close(10 + consumer).unwrap();
                        }
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for consumer in consumers {
            let got = consumer.join().unwrap();
            for producer in 0..2 {
                assert!(got.iter().filter(|&&item| item >> 24 == producer).is_sorted());
            }
            all.extend(got);
        }
        all.sort_unstable();
        let expected = (0..2u32).flat_map(|p| (0..EACH).map(move |n| p << 24 | n));
        assert!(all.into_iter().eq(expected));
    });
}

#[test]
fn a_death_between_any_two_steps_loses_nothing_that_was_published() {
    // How many of its steps thread 66 or 67 takes before it dies.
    for steps in 0..=4 {
        let memory = Memory::new(2);
        let queue = memory.queue();
        queue.push(5, 1).unwrap();
        let tail = &memory.header.tail;
        let before = tail.turnstile.load(Ordering::Relaxed);
        let after = before.wrapping_add(STEP);
        if steps >= 1 {
            assert!(enter(tail, before, 66));
        }
        if steps >= 2 {
            store_inside(queue.slot(before), 6);
        }
        if steps >= 3 {
            store_inside(&tail.position, after);
        }
        if steps >= 4 {
            tail.turnstile.store(after, Ordering::Release);
        }
        queue.poison(66);
        assert_eq!(queue.pop(1), Ok(5));
        // Published as soon as the position beside the turnstile has moved.
        let second = if steps >= 3 { Ok(6) } else { Err(Refused::NotNow) };
        assert_eq!(queue.pop(1), second, "died after step {steps}");
        for item in [7, 8] {
            queue.push(item, 1).unwrap();
        }
        assert_eq!(queue.push(9, 1), Err(Refused::NotNow));

        let head = &memory.header.head;
        let before = head.turnstile.load(Ordering::Relaxed);
        let after = before.wrapping_add(STEP);
        if steps >= 1 {
            assert!(enter(head, before, 67));
        }
        if steps >= 3 {
            store_inside(&head.position, after);
        }
        if steps >= 4 {
            head.turnstile.store(after, Ordering::Release);
        }
        queue.poison(67);
        // The item in the dead hand is still there until the position has moved.
        let next = if steps >= 3 { 8 } else { 7 };
        assert_eq!(queue.pop(1), Ok(next), "died after step {steps}");
    }
}
