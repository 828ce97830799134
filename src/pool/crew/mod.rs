//! Who does what: the jobs and workers of a pool, and every decision between them.
//!
//! Model: a foreman with two lists. One names the jobs, each waiting, with a worker, or gone; the
//! other the workers, each with a tray ([`Link`]) on which its next jobs lie in order. The foreman
//! alone writes the lists; the trays are shared. Whoever owns the pool calls these operations from
//! one thread and carries the jobs' data; nothing here touches it.
//!
//! Jobs go to the worker with the fewest, of idle ones to the last that worked, for it may still be
//! hot. Trays are deep while all jobs are alike, so that bursts cost no wake-ups, and shallow while
//! some are urgent. What a worker has not begun can be taken back: for one who is idle, for a job
//! that is more urgent, or because the worker is to end.

mod staff;
#[cfg(all(test, not(loom)))]
mod tests;
mod worker;

use super::link::{Link, State};
use super::queue::Queue;
pub use staff::Uneven;
use worker::Worker;

/// Jobs ahead of a busy worker while jobs of several priorities are about.
const FEW: usize = 2;
/// So often a job makes way for a more urgent one; without an end a stream of those would starve it.
const YIELDS: u8 = 3;
/// A task that takes less than this, in milliseconds, is worth looking out for its answer.
const QUICK: f64 = 0.05;

/// Number of a job in its pool's list; used again when the job is gone.
pub type JobNumber = u32;
/// Number of a worker in its pool's list; used again when the worker is gone.
pub type WorkerNumber = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The number is free.
    Gone,
    /// In the queue.
    Waiting,
    /// In the queue, but nobody waits for it any more: passed by when its turn comes.
    Dropped,
    /// On the tray of a worker.
    Sent(WorkerNumber),
}

#[derive(Debug, Clone, Copy)]
struct Job {
    stage: Stage,
    priority: i32,
    /// Its data can be sent only once, because it moves.
    once: bool,
    /// Where it lies on the worker's tray.
    slot: usize,
    /// How often it made way for a more urgent one.
    yielded: u8,
}

/// A job that is to be written for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Which job.
    pub job: JobNumber,
    /// Whom it goes to.
    pub worker: WorkerNumber,
    /// Where on the worker's tray; 0 where there is none.
    pub slot: usize,
}

/// What handing a job over asks of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handed {
    /// The worker sleeps, or was about to: ring it up.
    pub ring: bool,
    /// It was awake and quick, and will not ring: look out for its answer, then doze.
    pub soon: bool,
}

/// The jobs and workers of one pool.
#[derive(Debug)]
pub struct Crew<'a> {
    jobs: Vec<Job>,
    free: Vec<JobNumber>,
    queue: Queue,
    waiting: usize,
    /// Jobs about whose priority is not 0.
    special: usize,
    workers: Vec<Worker<'a>>,
    count: usize,
    least: usize,
    most: usize,
    /// The worker whose answer the owner reads just now.
    open: Option<WorkerNumber>,
}

impl<'a> Crew<'a> {
    /// A crew of `least` to `most` workers, none of whom is there yet.
    pub fn new(least: usize, most: usize) -> Self {
        Self {
            jobs: Vec::new(),
            free: Vec::new(),
            queue: Queue::new(),
            waiting: 0,
            special: 0,
            workers: Vec::new(),
            count: 0,
            least,
            most,
            open: None,
        }
    }

    /// Changes how many workers there should be.
    pub fn limit(&mut self, least: usize, most: usize) {
        (self.least, self.most) = (least, most);
    }

    /// Jobs that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Jobs that a worker has.
    pub fn load(&self, worker: WorkerNumber) -> usize {
        self.workers.get(worker).map_or(0, Worker::load)
    }

    /// A worker's tray, if it has one.
    pub fn link(&self, worker: WorkerNumber) -> Option<Link<'a>> {
        self.workers.get(worker)?.link
    }

    /// Takes a job of normal priority if a worker has room for it on its tray, else not at all.
    pub fn place(&mut self) -> Option<Placed> {
        let worker = if self.waiting == 0 { self.pick(false) } else { None }?;
        self.workers[worker].link?;
        let number = self.enlist(0, false);
        Some(self.send(number, worker))
    }

    /// A number for a job.
    fn enlist(&mut self, priority: i32, once: bool) -> JobNumber {
        let job = Job { stage: Stage::Waiting, priority, once, slot: 0, yielded: 0 };
        let number = self.free.pop().unwrap_or_else(|| {
            self.jobs.push(job);
            self.jobs.len() as JobNumber - 1
        });
        self.jobs[number as usize] = job;
        self.special += usize::from(priority != 0);
        number
    }

    /// Takes a job: it goes to a worker at once if one has room, else it waits.
    pub fn submit(&mut self, priority: i32, once: bool) -> (JobNumber, Option<Placed>) {
        let number = self.enlist(priority, once);
        let worker = if self.waiting == 0 { self.pick(once) } else { None };
        if let Some(worker) = worker {
            return (number, Some(self.send(number, worker)));
        }
        self.queue.push(number, priority);
        self.waiting += 1;
        (number, None)
    }

    /// The next waiting job that there is a worker for.
    pub fn deal(&mut self) -> Option<Placed> {
        while self.waiting > 0 && self.workers.iter().any(Worker::is_serving) {
            let number = self.queue.pop()?;
            let Job { stage, priority, once, .. } = self.jobs[number as usize];
            if stage == Stage::Dropped {
                self.free(number);
                continue;
            }
            let Some(worker) = self.pick(once) else {
                self.queue.undo(number, priority);
                return None;
            };
            self.waiting -= 1;
            return Some(self.send(number, worker));
        }
        None
    }

    /// The worker that is best for one more job now, if any has room.
    fn pick(&self, once: bool) -> Option<WorkerNumber> {
        let mut best: Option<(WorkerNumber, &Worker<'a>)> = None;
        for (number, worker) in self.workers.iter().enumerate() {
            let load = worker.load();
            let better = best.is_none_or(|(_, other)| {
                load < other.load() || load == other.load() && worker.idle_since > other.idle_since
            });
            if worker.is_serving() && better && worker.has_room() {
                best = Some((number, worker));
            }
        }
        let (number, worker) = best?;
        // What can be sent only once goes to the idle only: from others it may have to be taken back.
        let most = match (once, self.special > 0) {
            (true, _) => 1,
            (false, true) => FEW.min(worker.window),
            (false, false) => worker.window,
        };
        (worker.load() < most).then_some(number)
    }

    fn send(&mut self, number: JobNumber, worker: WorkerNumber) -> Placed {
        let slot = self.workers[worker].link.and_then(|link| link.reserve()).unwrap_or(0);
        let job = &mut self.jobs[number as usize];
        job.stage = Stage::Sent(worker);
        job.slot = slot;
        self.workers[worker].jobs.push_back(number);
        Placed { job: number, worker, slot }
    }

    /// The job that was placed last is written: hands it over.
    ///
    /// Before that it settles who rings for the answer, so that an owner who has nothing to wait for
    /// need not say whether it sleeps: the worker does, unless the answer comes `soon`.
    pub fn publish(&mut self, worker: WorkerNumber) -> Handed {
        let worker = &self.workers[worker];
        let Some(link) = worker.link else { return Handed { ring: true, soon: false } };
        let soon = worker.load() <= 2 && worker.mean < QUICK && !link.is_asleep();
        if soon {
            link.rouse();
        } else if worker.jobs.len() == 1 {
            // Not by its load: answers that come as messages ring for themselves, and for nothing else.
            link.doze();
        }
        // One that falls asleep just now may take the job in its second look, before it is rung up:
        // then the answer is looked out for all the same.
        Handed { ring: link.publish(), soon }
    }

    /// The next answer, whose slot is the owner's to read until it asks for another one.
    pub fn collect(&mut self) -> Option<Placed> {
        if let Some(open) = self.open.take()
            && let Some(link) = self.workers[open].link
        {
            link.release();
        }
        for number in 0..self.workers.len() {
            let worker = &mut self.workers[number];
            let Some(link) = worker.link else { continue };
            let Some(&job) = worker.jobs.front() else { continue };
            let Some(slot) = link.collect() else { continue };
            debug_assert_eq!(slot, self.jobs[job as usize].slot, "answers come in order");
            let (start, end) = link.times(slot);
            worker.learn((end - start).max(0.0), end);
            worker.jobs.pop_front();
            worker.late += usize::from(link.is_message(slot));
            self.open = Some(number);
            self.free(job);
            return Some(Placed { job, worker: number, slot });
        }
        None
    }

    /// An answer came by message of which the tray told before.
    pub fn arrived(&mut self, worker: WorkerNumber) {
        let worker = &mut self.workers[worker];
        worker.late = worker.late.saturating_sub(1);
    }

    /// A job was answered by message, of which no tray told.
    pub fn answered(&mut self, job: JobNumber, took: f64, now: f64) {
        if let Some(worker) = self.unsend(job) {
            self.workers[worker].learn(took, now);
        }
    }

    /// Forgets a job that a worker has; answers who had it.
    pub fn unsend(&mut self, number: JobNumber) -> Option<WorkerNumber> {
        let worker = self.part(number)?;
        self.free(number);
        Some(worker)
    }

    /// Takes a job off its worker's list; the job is then nowhere.
    fn part(&mut self, number: JobNumber) -> Option<WorkerNumber> {
        let Stage::Sent(worker) = self.jobs.get(number as usize)?.stage else { return None };
        let jobs = &mut self.workers[worker].jobs;
        let at = jobs.iter().rposition(|&other| other == number)?;
        jobs.remove(at);
        Some(worker)
    }

    /// Nobody waits for this waiting job any more.
    pub fn drop(&mut self, number: JobNumber) {
        let job = &mut self.jobs[number as usize];
        if job.stage == Stage::Waiting {
            job.stage = Stage::Dropped;
            self.waiting -= 1;
        }
    }

    /// Takes a job back from its worker for good; false if that has begun with it, or cannot tell.
    pub fn take_back(&mut self, number: JobNumber) -> bool {
        let Job { stage: Stage::Sent(worker), slot, .. } = self.jobs[number as usize] else {
            return false;
        };
        let back = self.workers[worker].link.is_some_and(|link| link.recall(slot));
        if back {
            self.unsend(number);
        }
        back
    }

    /// Takes back the newest job below a priority that a worker has not begun; it waits again, first
    /// in its row. The owner reads its data from its slot before the next operation.
    pub fn recall(&mut self, worker: WorkerNumber, below: Option<i32>) -> Option<JobNumber> {
        let link = self.workers.get(worker)?.link?;
        for at in (0..self.workers[worker].jobs.len()).rev() {
            let number = self.workers[worker].jobs[at];
            let Job { priority, once, slot, yielded, .. } = self.jobs[number as usize];
            if once || below.is_some_and(|below| priority >= below || yielded == YIELDS) {
                continue;
            }
            // What lies before one that has begun has begun too.
            if !link.recall(slot) {
                return None;
            }
            self.jobs[number as usize].yielded += u8::from(below.is_some());
            self.requeue(number);
            return Some(number);
        }
        None
    }

    /// Puts a job that a worker has but did not begin before all that wait in its row.
    pub fn requeue(&mut self, number: JobNumber) {
        if self.part(number).is_none() {
            return;
        }
        let job = &mut self.jobs[number as usize];
        job.stage = Stage::Waiting;
        self.queue.put_back(number, job.priority);
        self.waiting += 1;
    }

    /// Where a job lies on its worker's tray.
    pub fn slot(&self, number: JobNumber) -> usize {
        self.jobs[number as usize].slot
    }

    fn free(&mut self, number: JobNumber) {
        let job = &mut self.jobs[number as usize];
        self.special -= usize::from(job.priority != 0);
        job.stage = Stage::Gone;
        self.free.push(number);
    }

    /// The newest job that a worker still has, begun or not.
    pub fn newest(&self, worker: WorkerNumber) -> Option<JobNumber> {
        self.workers.get(worker)?.jobs.back().copied()
    }

    /// The oldest job that a worker has.
    pub fn oldest(&self, worker: WorkerNumber) -> Option<JobNumber> {
        self.workers.get(worker)?.jobs.front().copied()
    }

    /// The job that a worker has begun and not answered, as far as its tray tells.
    pub fn running(&self, worker: WorkerNumber) -> Option<JobNumber> {
        let worker = self.workers.get(worker)?;
        let link = worker.link?;
        for &number in &worker.jobs {
            match link.look(self.jobs[number as usize].slot) {
                State::Running => return Some(number),
                // What is behind one that was not begun was not begun either.
                State::Queued => return None,
                State::Other => {}
            }
        }
        None
    }
}
