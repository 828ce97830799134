//! The desk between those who use files and the one thread that owns the stores.

use super::super::step::Stop;
use super::super::{Batch, Fs, Image, Mapping, Need, StoreId};
use crate::error::Result;
use crate::sync::lock::Lock;
use crate::sync::primitive::{AtomicU32, Ordering};
use crate::{Error, fs};

/// Words that JavaScript waits on and rings; Rust only says where they are.
#[repr(C)]
pub(super) struct Words {
    /// Counts requests; the store thread waits on it.
    work: AtomicU32,
    /// Counts answers; everybody else waits on it.
    done: AtomicU32,
    /// 1 while the store thread sleeps in its event loop and must be called by message.
    sleeping: AtomicU32,
    /// 1 while the page waits for an answer.
    page_waits: AtomicU32,
    /// 1 while another tab may be writing: what is read must be checked to be fresh.
    shared: AtomicU32,
    /// Freshness asked for, and the last that was granted.
    wanted: AtomicU32,
    fresh: AtomicU32,
    /// 0 not started, 1 starting, 2 ready, 3 failed.
    state: AtomicU32,
    /// Names the channel on which workers call.
    channel: [AtomicU32; 2],
    /// How many watch: who changes something tells the others on the channel.
    watchers: AtomicU32,
    /// 1 + the store to which the page may commit itself, 0 for none.
    direct: AtomicU32,
    /// How many workers use files: while there are any, the page leaves all commits to the store thread.
    workers: AtomicU32,
    /// 1 while commits end before their askers could go to sleep.
    instant: AtomicU32,
}

pub(super) static WORDS: Words = Words {
    work: AtomicU32::new(0),
    done: AtomicU32::new(0),
    sleeping: AtomicU32::new(0),
    page_waits: AtomicU32::new(0),
    shared: AtomicU32::new(0),
    wanted: AtomicU32::new(0),
    fresh: AtomicU32::new(0),
    state: AtomicU32::new(0),
    channel: [AtomicU32::new(0), AtomicU32::new(0)],
    watchers: AtomicU32::new(0),
    direct: AtomicU32::new(0),
    workers: AtomicU32::new(0),
    instant: AtomicU32::new(0),
};

pub(super) static DESK: Lock<Option<Desk>> = Lock::new(None);

/// The workers that use files, living ones. Not of the desk: they may come before it.
static WORKERS: Lock<Vec<u32>> = Lock::new(Vec::new());

/// Notes that the worker `owner` uses files, or no longer.
pub(super) fn employ(owner: u32, yes: bool) {
    let mut workers = WORKERS.lock();
    workers.retain(|one| *one != owner);
    if yes {
        workers.push(owner);
    }
    // Relaxed: a hint; a page that misses it for a moment commits once more by itself.
    WORDS.workers.store(workers.len() as u32, Ordering::Relaxed);
}

/// What one store has been asked for.
#[derive(Debug, Default)]
pub(super) struct Post {
    pub(super) commit: bool,
    pub(super) own: bool,
    /// Why the right to write is not to be had just now.
    pub(super) refused: Option<Error>,
    /// A batch that was taken, kept while its bytes are being copied.
    pub(super) batch: Option<Batch>,
}

/// The filesystem and what is asked of its stores.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) fs: Fs,
    /// Records of the mount or refresh under way.
    pub(super) image: Image,
    // Short lists, searched from one end to the other: each kind of map would cost kilobytes of code.
    pub(super) maps: Vec<(u32, Mapping)>,
    /// Who watches, once for each time.
    pub(super) watching: Vec<u32>,
    posts: Vec<Post>,
    queued: Vec<Need>,
    loading: Vec<(u32, Need)>,
    failed: Vec<(Need, Error)>,
    next: u32,
}

impl Desk {
    pub(super) fn new(fs: Fs) -> Self {
        Self {
            fs,
            image: Image::default(),
            maps: Vec::new(),
            watching: Vec::new(),
            posts: Vec::new(),
            queued: Vec::new(),
            loading: Vec::new(),
            failed: Vec::new(),
            next: 0,
        }
    }

    pub(super) fn post(&mut self, store: u32) -> &mut Post {
        let at = store as usize;
        if at >= self.posts.len() {
            self.posts.resize_with(at + 1, Post::default);
        }
        &mut self.posts[at]
    }

    /// The mapping of an open file, if it has one.
    pub(super) fn mapping(&self, handle: u32) -> Option<Mapping> {
        self.maps.iter().find(|(mapped, _)| *mapped == handle).map(|(_, mapping)| *mapping)
    }

    /// Begins a watch of `owner`; the number of the next event.
    pub(super) fn watch(&mut self, owner: u32) -> u64 {
        self.watching.push(owner);
        self.count_watchers();
        self.fs.watch()
    }

    /// Ends one watch of `owner`; false if it has none.
    pub(super) fn unwatch(&mut self, owner: u32) -> bool {
        let Some(at) = self.watching.iter().position(|one| *one == owner) else { return false };
        self.watching.swap_remove(at);
        self.count_watchers();
        self.fs.unwatch();
        true
    }

    fn count_watchers(&self) {
        // Relaxed: a hint; who misses it for a moment is told by the desk's next tick.
        WORDS.watchers.store(self.watching.len() as u32, Ordering::Relaxed);
    }

    /// Notes what an operation has stopped for.
    ///
    /// # Errors
    /// What came of it when it was asked for the last time, if that failed.
    pub(super) fn ask(&mut self, stop: Stop) -> Result<()> {
        match stop {
            Stop::Fail(error) => return Err(error),
            Stop::Commit(store) => self.post(store.number()).commit = true,
            Stop::Own(store) => {
                let post = self.post(store.number());
                if let Some(error) = &post.refused {
                    return Err(error.clone());
                }
                post.own = true;
            }
            Stop::Load(needs) => {
                for need in needs {
                    self.want(need)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn want(&mut self, need: Need) -> Result<()> {
        if let Some(at) = self.failed.iter().position(|(failed, _)| *failed == need) {
            return Err(self.failed.swap_remove(at).1);
        }
        // Two who need it ask once.
        let asked = self.queued.contains(&need) || self.loading.iter().any(|(_, n)| *n == need);
        if !asked {
            self.queued.push(need);
        }
        Ok(())
    }

    /// Bits of what `store` is asked for: 1 loads, 2 a commit and none is in flight, 4 the right to
    /// write, 8 it has changes, 16 its log is long.
    pub(super) fn poll(&mut self, store: u32) -> u32 {
        let id = StoreId::from_number(store);
        let loads = self.queued.iter().any(|need| need.store() == id);
        let dirty = !self.fs.is_clean(id);
        let folds = self.fs.wants_fold(id);
        let flies = self.fs.flies(id);
        let post = self.post(store);
        u32::from(loads)
            | u32::from(post.commit && !flies) << 1
            | u32::from(post.own) << 2
            | u32::from(dirty) << 3
            | u32::from(folds) << 4
    }

    /// Takes what is to be loaded for `store`, each with a number for its answer.
    pub(super) fn take_loads(&mut self, store: u32) -> Vec<(u32, Need)> {
        let id = StoreId::from_number(store);
        let mut mine = Vec::new();
        let next = &mut self.next;
        self.queued.retain(|need| {
            let is_mine = need.store() == id;
            if is_mine {
                *next = next.wrapping_add(1);
                mine.push((*next, *need));
            }
            !is_mine
        });
        self.loading.extend_from_slice(&mine);
        mine
    }

    fn end_load(&mut self, number: u32) -> Option<Need> {
        let at = self.loading.iter().position(|(n, _)| *n == number)?;
        Some(self.loading.swap_remove(at).1)
    }

    /// Hands a loaded extent over.
    pub(super) fn fill(&mut self, number: u32, bytes: Option<&[u8]>) -> fs::Step<()> {
        match self.end_load(number) {
            Some(need) => self.fs.fill(&need, bytes),
            None => Ok(()),
        }
    }

    /// Answers a load: there will be nothing. Without an error whoever needs it asks again.
    pub(super) fn fill_failed(&mut self, number: u32, error: Option<Error>) {
        if let (Some(need), Some(error)) = (self.end_load(number), error) {
            self.failed.push((need, error));
        }
    }
}
