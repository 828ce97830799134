//! Jobs that wait: the highest priority first, in order of arrival within one, and nobody starves.

use std::collections::{BTreeMap, VecDeque};

/// Of this many jobs handed out, one is the oldest of all, whatever its priority.
const FAIRNESS: u32 = 8;

/// The jobs of a pool that no worker has yet, known by number. One thread owns it.
#[derive(Debug, Default)]
pub struct Queue {
    levels: BTreeMap<i32, VecDeque<Waiting>>,
    /// Room of a level that ended, for the next one.
    spare: VecDeque<Waiting>,
    length: u32,
    arrivals: u64,
    turns: u32,
}

#[derive(Debug)]
struct Waiting {
    job: u32,
    arrival: u64,
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job behind those of its priority; a higher number goes first.
    pub fn push(&mut self, job: u32, priority: i32) {
        self.arrivals += 1;
        let waiting = Waiting { job, arrival: self.arrivals };
        let spare = &mut self.spare;
        self.levels.entry(priority).or_insert_with(|| std::mem::take(spare)).push_back(waiting);
        self.length += 1;
    }

    /// Puts a job that a worker had but did not begin before all others of its priority.
    ///
    /// Several of them are put back newest first, so that they keep their order.
    pub fn put_back(&mut self, job: u32, priority: i32) {
        let level = self.levels.entry(priority).or_default();
        let arrival = level.front().map_or(0, |first| first.arrival.saturating_sub(1));
        level.push_front(Waiting { job, arrival });
        self.length += 1;
    }

    /// Takes the job whose turn it is.
    ///
    /// A job waits at most for eight times the jobs that were there before it.
    pub fn pop(&mut self) -> Option<u32> {
        let highest = *self.levels.last_key_value()?.0;
        self.turns = (self.turns + 1) % FAIRNESS;
        let priority = if self.turns == 0 && self.levels.len() > 1 {
            // Each level is in order of arrival, so the oldest job is at the front of one.
            self.levels
                .iter()
                .filter_map(|(priority, level)| Some((level.front()?.arrival, *priority)))
                .min()
                .map_or(highest, |(_, priority)| priority)
        } else {
            highest
        };
        let level = self.levels.get_mut(&priority)?;
        let first = level.pop_front()?;
        if level.is_empty() {
            self.spare = self.levels.remove(&priority).unwrap_or_default();
        }
        self.length -= 1;
        Some(first.job)
    }

    /// Puts back what `pop` has just given, for nobody could take it: as if it had not been asked for.
    pub fn undo(&mut self, job: u32, priority: i32) {
        self.turns = (self.turns + FAIRNESS - 1) % FAIRNESS;
        self.put_back(job, priority);
    }

    /// How many jobs wait.
    pub fn len(&self) -> u32 {
        self.length
    }

    /// Whether no job waits.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_priority_leave_in_order_of_arrival() {
        let mut queue = Queue::new();
        (1..=100).for_each(|job| queue.push(job, 0));
        assert!((1..=100).all(|job| queue.pop() == Some(job)));
        assert_eq!(queue.pop(), None);
        for priority in [3, -3, 0] {
            queue.push(7, priority);
            assert_eq!((queue.pop(), queue.len()), (Some(7), 0));
        }
    }

    #[test]
    fn the_highest_priority_goes_first() {
        let mut queue = Queue::new();
        for (job, priority) in [(1, 0), (2, -5), (3, 9), (4, 0), (5, 9)] {
            queue.push(job, priority);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [3, 5, 1, 4, 2]);
    }

    #[test]
    fn a_low_priority_is_served_under_a_flood_of_high_ones() {
        let mut queue = Queue::new();
        queue.push(1, -100);
        let served = (0..FAIRNESS).any(|turn| {
            queue.push(1000 + turn, 100);
            queue.push(2000 + turn, 100);
            queue.pop() == Some(1)
        });
        assert!(served);
    }

    #[test]
    fn what_is_put_back_keeps_its_order_and_its_place() {
        let mut queue = Queue::new();
        (1..=6).for_each(|job| queue.push(job, 0));
        let taken: Vec<_> = (0..4).filter_map(|_| queue.pop()).collect();
        taken.iter().rev().for_each(|&job| queue.put_back(job, 0));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn its_length_is_what_went_in_less_what_came_out() {
        let mut queue = Queue::new();
        let mut seed = 42u32;
        let mut expected = 0;
        for job in 0..10_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 {
                queue.push(job, (seed >> 8) as i32 % 5);
                expected += 1;
            } else {
                expected -= u32::from(queue.pop().is_some());
            }
            assert_eq!(queue.len(), expected);
        }
    }
}
