//! How many workers there are, and whether work lies evenly among them.

use super::worker::{Presence, Worker};
use super::{Crew, WorkerNumber};
use crate::pool::link::Link;

/// Work ahead of one worker, in milliseconds, that is worth sharing with an idle one.
const SHARE: f64 = 0.3;
/// A worker that has answered within so many milliseconds will do so again soon.
const LIVELY: f64 = 1.0;
/// What to do about work that lies unevenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uneven {
    /// Nothing.
    No,
    /// Look again in a moment.
    Soon,
    /// Take so many of the newest jobs back from this worker.
    Share(WorkerNumber, usize),
}

impl<'a> Crew<'a> {
    /// Takes a number for a worker to be started, if one more is wanted: there are fewer than the
    /// least, or fewer than jobs and than the most.
    pub fn hire(&mut self) -> Option<WorkerNumber> {
        let jobs = || self.waiting + self.workers.iter().map(Worker::load).sum::<usize>();
        if self.count >= self.least && (self.count >= self.most || self.count >= jobs()) {
            return None;
        }
        self.count += 1;
        let is_gone = |worker: &Worker<'_>| worker.presence == Presence::Gone;
        if let Some(number) = self.workers.iter().position(is_gone) {
            self.workers[number] = Worker::new();
            return Some(number);
        }
        self.workers.push(Worker::new());
        Some(self.workers.len() - 1)
    }

    /// A worker has started; it is given at most `window` jobs at a time, on `link` if there is one.
    pub fn join(&mut self, number: WorkerNumber, link: Option<Link<'a>>, window: usize, now: f64) {
        let worker = &mut self.workers[number];
        worker.presence = Presence::Ready;
        (worker.link, worker.window, worker.idle_since) = (link, window, now);
    }

    /// Changes how many jobs a worker may have at a time.
    pub fn widen(&mut self, worker: WorkerNumber, window: usize) {
        self.workers[worker].window = window;
    }

    /// A job of this worker was asked to stop, or has stopped.
    pub fn ask(&mut self, worker: WorkerNumber, asked: bool) {
        let worker = &mut self.workers[worker];
        match worker.presence {
            Presence::Ready if asked => worker.presence = Presence::Asked,
            Presence::Asked if !asked => worker.presence = Presence::Ready,
            _ => {}
        }
    }

    /// A worker is gone, with whatever jobs it still has.
    pub fn remove(&mut self, number: WorkerNumber) {
        let Some(worker) = self.workers.get_mut(number) else { return };
        if worker.presence == Presence::Gone {
            return;
        }
        worker.presence = Presence::Gone;
        worker.link = None;
        self.count -= 1;
        if self.open == Some(number) {
            self.open = None;
        }
        for job in std::mem::take(&mut self.workers[number].jobs) {
            self.free(job);
        }
    }

    /// Whether a worker with many jobs ahead should give some to one who has none.
    pub fn even(&self, now: f64) -> Uneven {
        if self.waiting > 0 {
            return Uneven::No;
        }
        let serving = || self.workers.iter().enumerate().filter(|(_, worker)| worker.is_serving());
        if !serving().any(|(_, worker)| worker.load() == 0) {
            return Uneven::No;
        }
        let Some((number, loaded)) = serving().max_by_key(|(_, worker)| worker.jobs.len()) else {
            return Uneven::No;
        };
        let load = loaded.jobs.len();
        if load < 2 {
            return Uneven::No;
        }
        // It will be through in a moment; unless it is stuck, and then nobody would tell.
        if load as f64 * loaded.mean < SHARE && now - loaded.idle_since < LIVELY {
            return Uneven::Soon;
        }
        Uneven::Share(number, load / 2)
    }

    /// The next worker to be let go: one too many, or one beyond the least that has been idle for
    /// `patience` milliseconds.
    pub fn dismiss(&self, now: f64, patience: f64) -> Option<WorkerNumber> {
        if self.count <= self.least {
            return None;
        }
        self.workers.iter().position(|worker| {
            worker.is_serving()
                && worker.load() == 0
                && (self.count > self.most || worker.idle_since + patience <= now)
        })
    }

    /// Says on all trays that the owner sleeps; it must collect once more after this.
    pub fn doze(&self) {
        self.workers.iter().filter_map(|worker| worker.link).for_each(|link| link.doze());
    }

    /// Whether any worker has a job on its tray.
    pub fn is_busy(&self) -> bool {
        self.workers.iter().any(|worker| worker.load() > 0)
    }
}
