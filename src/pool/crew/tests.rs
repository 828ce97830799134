//! The foreman's promises: every job once, in its order, none lost or doubled, whoever comes and goes.

use super::{Crew, JobNumber, Placed, Uneven, WorkerNumber};
use crate::pool::link::{self, Link, word};
use crate::sync::primitive::{AtomicU32, Ordering};
use std::collections::{BTreeMap, BTreeSet};

/// Words of a tray for the length of the test run.
fn tray_words(slots: u32) -> &'static [AtomicU32] {
    let words: Vec<_> = (0..link::size(slots)).map(|_| AtomicU32::new(0)).collect();
    words[word::LENGTH].store(slots, Ordering::Relaxed);
    words.leak()
}

fn tray(slots: u32) -> Link<'static> {
    Link::new(tray_words(slots))
}

/// A crew of workers that are all there.
fn staffed(workers: usize, slots: u32) -> (Crew<'static>, Vec<Link<'static>>) {
    let mut crew = Crew::new(workers, workers);
    let trays: Vec<_> = (0..workers).map(|_| tray(slots)).collect();
    for &tray in &trays {
        let worker = crew.hire().expect("one more is wanted");
        crew.join(worker, Some(tray), slots as usize - 1, 0.0);
    }
    assert_eq!(crew.hire(), None, "it is complete");
    (crew, trays)
}

/// Submits and hands over if it was placed.
fn submit(crew: &mut Crew<'_>, priority: i32) -> (JobNumber, Option<WorkerNumber>) {
    let (job, placed) = crew.submit(priority, false);
    if let Some(placed) = placed {
        crew.publish(placed.worker);
    }
    (job, placed.map(|placed| placed.worker))
}

/// Sends all that waits and has a worker.
fn dispatch(crew: &mut Crew<'_>) {
    while let Some(Placed { worker, .. }) = crew.deal() {
        crew.publish(worker);
    }
}

#[test]
fn jobs_go_to_the_idle_first_and_then_to_who_has_least() {
    let (mut crew, _) = staffed(3, 8);
    let to: Vec<_> = (0..6).map(|_| submit(&mut crew, 0).1).collect();
    assert_eq!(to[..3].iter().collect::<BTreeSet<_>>().len(), 3, "one each");
    assert_eq!(to[3..].iter().collect::<BTreeSet<_>>().len(), 3, "then a second each");
}

#[test]
fn who_rings_for_the_answer_is_settled_before_the_job_is_handed_over() {
    let (mut crew, trays) = staffed(1, 4);
    let answer = |crew: &mut Crew<'_>| {
        trays[0].claim().expect("a job");
        let rings = trays[0].finish();
        assert!(crew.collect().is_some() && crew.collect().is_none());
        rings
    };
    let mut soon = false;
    // Its tasks take no time here, but a worker starts as one that may be slow.
    for turn in 0..40 {
        let placed = crew.place().expect("it is idle");
        let handed = crew.publish(placed.worker);
        assert!(!handed.ring, "it is awake");
        assert_eq!(answer(&mut crew), !handed.soon, "turn {turn}: one of the two looks out");
        soon = handed.soon;
    }
    assert!(soon, "it has proven quick");
    assert!(trays[0].sleep());
    let placed = crew.place().expect("it is idle");
    let handed = crew.publish(placed.worker);
    assert!(handed.ring && !handed.soon);
    assert!(answer(&mut crew), "the owner may sleep");
}

#[test]
fn a_worker_whose_answer_is_still_on_its_way_as_a_message_rings_for_the_next_one() {
    let words = tray_words(4);
    let tray = Link::new(words);
    let mut crew = Crew::new(1, 1);
    let worker = crew.hire().expect("one is wanted");
    crew.join(worker, Some(tray), 3, 0.0);
    submit(&mut crew, 0);
    let slot = tray.claim().expect("a job");
    const MESSAGE: u32 = 2;
    words[word::SLOTS + slot * word::STRIDE + word::KIND].store(MESSAGE, Ordering::Relaxed);
    assert!(tray.finish());
    assert!(crew.collect().is_some() && crew.collect().is_none());
    assert_eq!(crew.load(worker), 1, "of that answer only the ring has told");
    submit(&mut crew, 0);
    tray.claim().expect("a job");
    assert!(tray.finish(), "the owner has heard of nothing since, and sleeps");
}

#[test]
fn a_job_that_nobody_has_room_for_is_not_placed() {
    let (mut crew, trays) = staffed(1, 4);
    for _ in 0..3 {
        let placed = crew.place().expect("there is room");
        crew.publish(placed.worker);
    }
    assert_eq!((crew.place(), crew.waiting()), (None, 0));
    assert_eq!(submit(&mut crew, 0).1, None);
    trays[0].claim().expect("a job");
    trays[0].finish();
    assert!(crew.collect().is_some() && crew.collect().is_none());
    assert_eq!((crew.place(), crew.waiting()), (None, 1), "nobody overtakes who waits");
}

#[test]
fn trays_fill_to_their_windows_and_the_rest_waits_in_order() {
    let (mut crew, trays) = staffed(1, 4);
    let jobs: Vec<_> = (0..10).map(|_| submit(&mut crew, 0)).collect();
    assert_eq!(jobs.iter().filter(|(_, to)| to.is_some()).count(), 3);
    assert_eq!(crew.waiting(), 7);
    let mut answered = Vec::new();
    while answered.len() < 10 {
        trays[0].claim().expect("a job");
        trays[0].finish();
        answered.push(crew.collect().expect("an answer").job);
        assert_eq!(crew.collect(), None);
        dispatch(&mut crew);
    }
    // Numbers serve again, so compare in the order of submission.
    assert_eq!(answered[..3], [jobs[0].0, jobs[1].0, jobs[2].0]);
    assert!(!crew.is_busy() && crew.waiting() == 0);
}

#[test]
fn urgent_jobs_make_trays_shallow_and_take_less_urgent_ones_back() {
    let (mut crew, trays) = staffed(1, 16);
    let low: Vec<_> = (0..6).map(|_| submit(&mut crew, 0).0).collect();
    trays[0].claim();
    let mut back = Vec::new();
    while let Some(job) = crew.recall(0, Some(10)) {
        back.push(job);
    }
    assert_eq!(back, [low[5], low[4], low[3], low[2], low[1]], "newest first; the first has begun");
    assert_eq!(crew.waiting(), 5);
    let (urgent, to) = submit(&mut crew, 10);
    assert_eq!(to, None, "it waits its turn, which is the next");
    let next = crew.deal().expect("room for a second");
    assert_eq!(next.job, urgent);
    crew.publish(next.worker);
    assert_eq!(crew.deal(), None, "while it is about trays hold two");
}

#[test]
fn what_moves_goes_to_the_idle_only_and_is_not_taken_back() {
    let (mut crew, _) = staffed(1, 8);
    let (_, first) = crew.submit(0, true);
    crew.publish(first.expect("idle").worker);
    assert_eq!(crew.submit(0, true).1, None);
    assert_eq!(crew.recall(0, None), None);
}

#[test]
fn a_stuck_worker_gives_half_to_an_idle_one() {
    let (mut crew, trays) = staffed(2, 16);
    for _ in 0..8 {
        submit(&mut crew, 0);
    }
    for _ in 0..4 {
        trays[1].claim().expect("its share");
        trays[1].finish();
        crew.collect().expect("an answer");
    }
    crew.collect();
    assert_eq!(crew.even(0.5), Uneven::Share(0, 2), "its tasks are taken to last a millisecond");
    crew.recall(0, None);
    assert_eq!(crew.even(0.5), Uneven::No, "what waits is nobody's");
    dispatch(&mut crew);
    assert_eq!((crew.load(0), crew.load(1)), (3, 1));
}

#[test]
fn a_crew_grows_with_its_jobs_and_shrinks_when_idle() {
    let mut crew = Crew::new(0, 3);
    assert_eq!(crew.hire(), None, "nobody without a job");
    for _ in 0..5 {
        submit(&mut crew, 0);
    }
    let hired: Vec<_> = std::iter::from_fn(|| crew.hire()).collect();
    assert_eq!(hired, [0, 1, 2]);
    for &worker in &hired {
        crew.join(worker, Some(tray(8)), 7, 100.0);
    }
    assert_eq!(crew.dismiss(1e9, 10.0), Some(0), "idle for long");
    dispatch(&mut crew);
    assert_eq!(crew.dismiss(1e9, 10.0), None, "all are busy");
    crew.limit(0, 1);
    crew.remove(1);
    assert_eq!(crew.hire(), None);
    assert_eq!(crew.dismiss(0.0, 10.0), None, "one too many, but busy");
}

#[test]
fn a_worker_whose_job_is_asked_to_stop_gets_no_other() {
    let (mut crew, _) = staffed(2, 8);
    crew.ask(1, true);
    assert!((0..4).all(|_| submit(&mut crew, 0).1 == Some(0)));
    crew.ask(1, false);
    assert_eq!(submit(&mut crew, 0).1, Some(1));
}

#[test]
fn in_a_storm_of_kills_and_cancels_every_job_ends_once() {
    let mut seed = 7u32;
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let (mut crew, trays) = staffed(3, 8);
    let mut trays: BTreeMap<WorkerNumber, Link<'static>> = trays.into_iter().enumerate().collect();
    let mut alive = BTreeSet::new();
    let mut ended = 0;
    for _ in 0..20_000 {
        match random(12) {
            0..4 => {
                let priority = [0, 0, 0, 5, -5][random(5) as usize];
                let (job, placed) = crew.submit(priority, random(10) == 0);
                assert!(alive.insert(job), "a number serves one job at a time");
                if let Some(placed) = placed {
                    crew.publish(placed.worker);
                }
            }
            4..8 => {
                let worker = random(3) as usize;
                if let Some(tray) = trays.get(&worker)
                    && tray.claim().is_some()
                    && random(4) > 0
                {
                    tray.finish();
                } else if let Some(job) = crew.running(worker) {
                    // It was left running above: now it ends, or else its worker does.
                    assert!(alive.contains(&job));
                    trays.get(&worker).map(Link::finish);
                }
            }
            8 => {
                while let Some(Placed { job, .. }) = crew.collect() {
                    assert!(alive.remove(&job), "answered once");
                    ended += 1;
                }
            }
            9 => {
                if let Some(&job) = alive.iter().nth(random(8) as usize)
                    && crew.take_back(job)
                {
                    alive.remove(&job);
                    ended += 1;
                }
            }
            10 => {
                while let Some(Placed { job, .. }) = crew.collect() {
                    alive.remove(&job);
                    ended += 1;
                }
                let worker = random(3) as usize;
                let died_with = crew.running(worker);
                while crew.recall(worker, None).is_some() {}
                while let Some(job) = crew.newest(worker) {
                    if Some(job) == died_with || random(2) == 0 {
                        assert!(alive.remove(&job) && crew.unsend(job) == Some(worker));
                        ended += 1;
                    } else {
                        crew.requeue(job);
                    }
                }
                crew.remove(worker);
                assert_eq!(crew.hire(), Some(worker), "a replacement at once");
                trays.insert(worker, tray(8));
                crew.join(worker, Some(trays[&worker]), 7, 0.0);
            }
            _ => {
                if let Uneven::Share(worker, count) = crew.even(f64::from(random(1000))) {
                    (0..count).for_each(|_| _ = crew.recall(worker, None));
                }
                dispatch(&mut crew);
            }
        }
        let sent: usize = (0..3).map(|worker| crew.load(worker)).sum();
        assert_eq!(sent + crew.waiting(), alive.len(), "each job is in one place");
    }
    // What is left is done in the end.
    for _ in 0..10_000 {
        dispatch(&mut crew);
        for tray in trays.values() {
            if tray.claim().is_none() && crew.is_busy() {
                continue;
            }
            tray.finish();
        }
        while let Some(Placed { job, .. }) = crew.collect() {
            alive.remove(&job);
            ended += 1;
        }
        if alive.is_empty() {
            break;
        }
    }
    assert!(alive.is_empty() && ended > 1000, "{} are left, {ended} have ended", alive.len());
}

#[test]
fn the_least_urgent_has_its_turn_though_each_look_for_room_finds_none_in_the_end() {
    let mut crew = Crew::new(1, 1);
    let worker = crew.hire().expect("one is wanted");
    crew.join(worker, None, 1, 0.0);
    let (first, _) = submit(&mut crew, 9);
    let (least, _) = submit(&mut crew, -9);
    let mut running = first;
    for _ in 0..100 {
        submit(&mut crew, 9);
        submit(&mut crew, 9);
        crew.answered(running, 0.1, 0.0);
        // As the owner does: until nobody has room any more.
        while let Some(Placed { job, worker, .. }) = crew.deal() {
            crew.publish(worker);
            running = job;
        }
        if running == least {
            return;
        }
    }
    panic!("it was starved");
}

#[test]
fn a_job_makes_way_a_few_times_and_then_no_more() {
    let (mut crew, _) = staffed(1, 8);
    submit(&mut crew, 0);
    let (job, _) = submit(&mut crew, 0);
    for _ in 0..super::YIELDS {
        assert_eq!(crew.recall(0, Some(9)), Some(job));
        dispatch(&mut crew);
    }
    // The other lies before it, and has never made way.
    assert_ne!(crew.recall(0, Some(9)), Some(job));
    assert_eq!(crew.recall(0, None), Some(job), "for an end of its worker it goes all the same");
}
