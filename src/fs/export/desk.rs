//! The desk between those who use files and the one thread that owns the stores.

use super::super::step::Stop;
use super::super::{Batch, Data, Fs, Image, Mapping, Need, StoreId};
use crate::error::Result;
use crate::sync::lock::Lock;
use crate::sync::primitive::AtomicU32;
use crate::{Error, fs};
use std::collections::BTreeMap;

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
};

pub(super) static DESK: Lock<Option<Desk>> = Lock::new(None);

/// A loaded extent by what it is, so that two who need it ask once.
type Wanted = (Data, u32, u32);

/// What one store has been asked for.
#[derive(Debug, Default)]
pub(super) struct Post {
    pub(super) commit: bool,
    pub(super) own: bool,
    /// The batch in flight, kept while its bytes are being copied.
    pub(super) batch: Option<Batch>,
}

/// The filesystem and what is asked of its stores.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) fs: Fs,
    /// Records of the mount or refresh under way.
    pub(super) image: Image,
    pub(super) maps: BTreeMap<u32, Mapping>,
    posts: BTreeMap<u32, Post>,
    queued: Vec<Need>,
    loading: BTreeMap<u32, Need>,
    pending: BTreeMap<Wanted, ()>,
    failed: BTreeMap<Wanted, Error>,
    next: u32,
}

fn name(need: &Need) -> Wanted {
    (need.data, need.extent, need.stamp)
}

impl Desk {
    pub(super) fn new(fs: Fs) -> Self {
        Self {
            fs,
            image: Image::default(),
            maps: BTreeMap::new(),
            posts: BTreeMap::new(),
            queued: Vec::new(),
            loading: BTreeMap::new(),
            pending: BTreeMap::new(),
            failed: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn post(&mut self, store: u32) -> &mut Post {
        self.posts.entry(store).or_default()
    }

    /// Notes what an operation has stopped for.
    ///
    /// # Errors
    /// What came of it when it was asked for the last time, if that failed.
    pub(super) fn ask(&mut self, stop: Stop) -> Result<()> {
        match stop {
            Stop::Fail(error) => return Err(error),
            Stop::Commit(store) => self.post(store.number()).commit = true,
            Stop::Own(store) => self.post(store.number()).own = true,
            Stop::Load(needs) => {
                for need in needs {
                    self.want(need)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn want(&mut self, need: Need) -> Result<()> {
        let name = name(&need);
        if let Some(error) = self.failed.remove(&name) {
            return Err(error);
        }
        if self.pending.insert(name, ()).is_none() {
            self.queued.push(need);
        }
        Ok(())
    }

    /// Bits of what `store` is asked for: 1 loads, 2 a commit, 4 the right to write, 8 it has
    /// changes, 16 its log is long.
    pub(super) fn poll(&mut self, store: u32) -> u32 {
        let id = StoreId::from_number(store);
        let loads = self.queued.iter().any(|need| need.store() == id);
        let dirty = !self.fs.is_clean(id);
        let folds = self.fs.wants_fold(id);
        let post = self.post(store);
        u32::from(loads)
            | u32::from(post.commit) << 1
            | u32::from(post.own) << 2
            | u32::from(dirty) << 3
            | u32::from(folds) << 4
    }

    /// Takes what is to be loaded for `store`, each with a number for its answer.
    pub(super) fn take_loads(&mut self, store: u32) -> Vec<(u32, Need)> {
        let id = StoreId::from_number(store);
        let (mine, others) =
            std::mem::take(&mut self.queued).into_iter().partition(|need| need.store() == id);
        self.queued = others;
        let mine: Vec<Need> = mine;
        let numbered = mine.into_iter().map(|need| {
            self.next = self.next.wrapping_add(1);
            self.loading.insert(self.next, need);
            (self.next, need)
        });
        numbered.collect()
    }

    /// Hands a loaded extent over.
    pub(super) fn fill(&mut self, number: u32, bytes: Option<&[u8]>) -> fs::Step<()> {
        let Some(need) = self.loading.remove(&number) else { return Ok(()) };
        self.pending.remove(&name(&need));
        self.fs.fill(&need, bytes)
    }

    /// Answers a load: there will be nothing. Without an error whoever needs it asks again.
    pub(super) fn fill_failed(&mut self, number: u32, error: Option<Error>) {
        let Some(need) = self.loading.remove(&number) else { return };
        self.pending.remove(&name(&need));
        if let Some(error) = error {
            self.failed.insert(name(&need), error);
        }
    }
}
