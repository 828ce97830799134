//! What a crew knows of one worker: whether it is there, what it has, and how quick it is.

use super::JobNumber;
use crate::pool::link::Link;
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Gone,
    Starting,
    Ready,
    /// One of its jobs was asked to stop: it gets no further ones until that has ended.
    Asked,
}

#[derive(Debug)]
pub(super) struct Worker<'a> {
    pub(super) presence: Presence,
    /// Its tray; none where jobs travel by messages.
    pub(super) link: Option<Link<'a>>,
    /// What it has, oldest first.
    pub(super) jobs: VecDeque<JobNumber>,
    /// Answers that are done and still on their way as messages.
    pub(super) late: usize,
    /// The most jobs it may have at a time.
    pub(super) window: usize,
    /// Mean time of its tasks in milliseconds, the recent ones weighing most.
    pub(super) mean: f64,
    /// When it answered last.
    pub(super) idle_since: f64,
}

impl Worker<'_> {
    /// A worker that is being started.
    pub(super) fn new() -> Self {
        Self {
            presence: Presence::Starting,
            link: None,
            jobs: VecDeque::new(),
            late: 0,
            window: 0,
            mean: 1.0,
            idle_since: 0.0,
        }
    }

    /// What it has to do or to say.
    pub(super) fn load(&self) -> usize {
        self.jobs.len() + self.late
    }

    pub(super) fn has_room(&self) -> bool {
        let Some(link) = self.link else { return self.jobs.len() < self.window };
        if link.reserve().is_some() {
            return true;
        }
        // Jobs that were taken back hold their slots until the worker and then we have passed them.
        link.collect();
        link.reserve().is_some()
    }

    pub(super) fn is_serving(&self) -> bool {
        self.presence == Presence::Ready
    }

    pub(super) fn learn(&mut self, took: f64, now: f64) {
        self.mean += (took - self.mean) / 4.0;
        self.idle_since = now;
    }
}
