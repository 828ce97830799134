//! Exports for the owner of a crew: what to write where, whose answer to read, whom to start and to end.
//!
//! Only the thread that made a crew calls them. Jobs and workers go by their numbers; where one
//! answer is not enough, the rest stands on the crew's desk, three words at the address of the crew
//! itself: the job, its worker, and its slot's address.

use super::link::{at, write_plain};
use crate::pool::crew::{Crew, Placed, Uneven};
use crate::sync::primitive::AtomicU32;
use crate::sys::thread;

/// A crew and its desk.
#[derive(Debug)]
#[repr(C)]
pub struct Foreman {
    job: u32,
    worker: u32,
    slot: u32,
    crew: Crew<'static>,
}

/// What stands for no job or worker.
const NONE: i32 = -1;
/// What a placement answers where the worker has no tray: it was placed all the same.
const BY_MESSAGE: usize = 1;

impl Foreman {
    /// Puts a placement on the desk; answers with the slot's address, 0 for none.
    fn place(&mut self, placed: Option<Placed>) -> usize {
        let Some(Placed { job, worker, slot }) = placed else { return 0 };
        (self.job, self.worker) = (job, worker as u32);
        self.crew.link(worker).map_or(BY_MESSAGE, |link| link.address(slot))
    }
}

fn number(some: Option<usize>) -> i32 {
    some.map_or(NONE, |number| number as i32)
}

fn job_number(some: Option<u32>) -> i32 {
    some.map_or(NONE, |number| number as i32)
}

/// A crew of `least` to `most` workers; its address.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_crew_new(least: usize, most: usize) -> *mut Foreman {
    let _inside = thread::enter();
    Box::into_raw(Box::new(Foreman { job: 0, worker: 0, slot: 0, crew: Crew::new(least, most) }))
}

/// Frees a crew.
///
/// # Safety
/// `foreman` came from `isolith_crew_new` and is never used again; as for all that follow, only the
/// thread that made it calls.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_crew_free(foreman: *mut Foreman) {
    let _inside = thread::enter();
    // SAFETY: by the contract.
    drop(unsafe { Box::from_raw(foreman) });
}

/// Declares exports that come inside, look the crew up, and pass their numbers on.
macro_rules! exports {
    ($($(#[doc = $doc:literal])+ $name:ident($($arg:ident: $type:ty),*) $(-> $answer:ty)? = |$it:ident| $body:expr;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Safety
        /// See `isolith_crew_free`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name(foreman: *mut Foreman, $($arg: $type),*) $(-> $answer)? {
            let _inside = thread::enter();
            // SAFETY: by the contract the crew is live and this thread's alone.
            let $it = unsafe { &mut *foreman };
            $body
        }
    )+};
}

exports! {
    /// Changes how many workers there should be.
    isolith_crew_limit(least: usize, most: usize) = |it| it.crew.limit(least, most);
    /// Takes a job, which stands on the desk; the address of the slot to write it to, 1 if it goes
    /// by message, 0 if it waits. `once`: its data moves.
    isolith_crew_submit(priority: i32, once: u32) -> usize = |it| {
        let (job, placed) = it.crew.submit(priority, once != 0);
        it.job = job;
        it.place(placed)
    };
    /// Takes a job whose data is a plain value, writes it and hands it over, if a worker has room for it
    /// at once: bits 0 and 1 as `isolith_crew_publish` answers, bit 2, it was taken, above them the
    /// worker's number. Job and slot stand on the desk.
    isolith_crew_send(id: u32, task: u32, source: u32, length: i32, value: f64) -> u32 = |it| {
        let Some(Placed { job, worker, slot }) = it.crew.place() else { return 0 };
        let Some(link) = it.crew.link(worker) else { return 0 };
        let address = link.address(slot);
        (it.job, it.worker, it.slot) = (job, worker as u32, address as u32);
        // SAFETY: the slot was reserved just now, and is the owner's until it is published.
        unsafe { write_plain(std::ptr::with_exposed_provenance_mut(address), [id, task, source], length, value) };
        let handed = it.crew.publish(worker);
        u32::from(handed.ring) | u32::from(handed.soon) << 1 | 4 | (worker as u32) << 3
    };
    /// The next waiting job that there is a worker for, as `isolith_crew_submit` answers.
    isolith_crew_deal() -> usize = |it| {
        let placed = it.crew.deal();
        it.place(placed)
    };
    /// Hands over what was written last: bit 0, the worker must be rung up; bit 1, it will answer soon.
    isolith_crew_publish(worker: usize) -> u32 = |it| {
        let handed = it.crew.publish(worker);
        u32::from(handed.ring) | u32::from(handed.soon) << 1
    };
    /// Address of the slot with the next answer, 0 if there is none after so many glances; job and
    /// worker stand on the desk. The slot is the caller's until it asks again.
    isolith_crew_collect(glances: u32) -> usize = |it| {
        let mut answer = it.crew.collect();
        for _ in 0..glances {
            if answer.is_some() {
                break;
            }
            std::hint::spin_loop();
            answer = it.crew.collect();
        }
        it.place(answer)
    };
    /// A job was answered by message, of which no tray told.
    isolith_crew_answered(job: u32, took: f64, now: f64) = |it| it.crew.answered(job, took, now);
    /// An answer came by message of which a tray told before.
    isolith_crew_arrived(worker: usize) = |it| it.crew.arrived(worker);
    /// Forgets a job that a worker has.
    isolith_crew_unsend(job: u32) = |it| _ = it.crew.unsend(job);
    /// Puts a job that a worker has but did not begin before all that wait in its row.
    isolith_crew_requeue(job: u32) = |it| it.crew.requeue(job);
    /// Nobody waits for this waiting job any more.
    isolith_crew_drop(job: u32) = |it| it.crew.drop(job);
    /// Takes a job back for good; 0 if its worker has begun with it, or cannot tell.
    isolith_crew_take_back(job: u32) -> u32 = |it| u32::from(it.crew.take_back(job));
    /// The newest job that a worker has not begun, of those below a priority if `all` is 0, which now
    /// waits again; -1 for none. Its data is to be read before the next call.
    isolith_crew_recall(worker: usize, all: u32, below: i32) -> i32 = |it| {
        job_number(it.crew.recall(worker, (all == 0).then_some(below)))
    };
    /// The newest job that a worker has, -1 for none.
    isolith_crew_newest(worker: usize) -> i32 = |it| job_number(it.crew.newest(worker));
    /// The oldest job that a worker has, -1 for none.
    isolith_crew_oldest(worker: usize) -> i32 = |it| job_number(it.crew.oldest(worker));
    /// The job that a worker has begun and not answered, as far as its tray tells; -1 for none.
    isolith_crew_running(worker: usize) -> i32 = |it| job_number(it.crew.running(worker));
    /// Jobs that a worker has.
    isolith_crew_load(worker: usize) -> usize = |it| it.crew.load(worker);
    /// Number of a worker that is to be started, -1 if no more are wanted.
    isolith_crew_hire() -> i32 = |it| number(it.crew.hire());
    /// A worker without a tray may have so many jobs at a time.
    isolith_crew_widen(worker: usize, window: usize) = |it| it.crew.widen(worker, window);
    /// A job of this worker was asked to stop, or (0) has stopped.
    isolith_crew_ask(worker: usize, asked: u32) = |it| it.crew.ask(worker, asked != 0);
    /// A worker is gone.
    isolith_crew_remove(worker: usize) = |it| it.crew.remove(worker);
    /// The worker from whom to take jobs back, as many as stand on the desk in the job's place; -1 for
    /// nobody, -2 to ask again soon.
    isolith_crew_even(now: f64) -> i32 = |it| match it.crew.even(now) {
        Uneven::No => NONE,
        Uneven::Soon => -2,
        Uneven::Share(worker, count) => {
            it.job = count as u32;
            worker as i32
        }
    };
    /// The next worker to be let go, -1 for nobody.
    isolith_crew_dismiss(now: f64, patience: f64) -> i32 = |it| number(it.crew.dismiss(now, patience));
    /// Says on all trays that the owner sleeps; 1 if a worker has a job, and so the owner must
    /// collect once more.
    isolith_crew_doze() -> u32 = |it| {
        it.crew.doze();
        u32::from(it.crew.is_busy())
    };
}

/// A worker has started, with its link, or (0) none and at most `window` jobs at a time.
///
/// # Safety
/// See `isolith_crew_free`; the link stays until the worker is removed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn isolith_crew_join(
    foreman: *mut Foreman,
    worker: usize,
    link: *const AtomicU32,
    window: usize,
    now: f64,
) {
    let _inside = thread::enter();
    // SAFETY: by the contract.
    let (foreman, link) = unsafe { (&mut *foreman, (!link.is_null()).then(|| at(link))) };
    foreman.crew.join(worker, link, window, now);
}
