//! What has changed since the last batch, what is on its way, and who must be told how it ended.

use super::id::{Data, IdMap, Node};
use super::inode::{File, Inode, Link, Name};
use super::packs::Packs;
use super::redo::{Piece, Redo};
use super::sorted::{Map, Set};
use super::step::Need;
use crate::error::Error;
use std::collections::VecDeque;

/// Failures remembered for those who have not asked yet.
const FAILURES: usize = 256;

/// A claim on durability: the changes made to `node` until now. Ask [`Fs::settled`](super::Fs::settled).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// The inode that was changed; its store is the one that must commit.
    pub node: Node,
    /// The batch that carries the change, or a later one.
    pub epoch: u64,
}

/// What a file was when the last batch was committed, in case the next one finds no space.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    pub(crate) file: File,
    pub(crate) mtime: i64,
    pub(crate) links: Vec<Link>,
    /// Whether the store knew the inode at all.
    pub(crate) existed: bool,
}

/// An inode that a rename replaced, in case what replaced it finds no space.
#[derive(Clone, Debug)]
pub(crate) struct Grave {
    pub(crate) dir: Node,
    pub(crate) name: Name,
    pub(crate) node: Node,
    /// What replaced it.
    pub(crate) by: Node,
    /// It had bytes that were not durable, which are lost if it comes back.
    pub(crate) undone: bool,
    /// None while it lives on without a name because somebody holds it open, or if the store
    /// never knew it: then it cannot come back.
    pub(crate) inode: Option<Inode>,
}

/// Changes that no batch has carried yet, or those of the batch in flight.
#[derive(Default, Debug)]
pub(crate) struct Changes {
    pub(crate) inodes: Set<Node>,
    pub(crate) deleted: Set<Node>,
    /// Data with dirty pages.
    pub(crate) data: Set<Data>,
    /// Lowest offset at which data was cut.
    pub(crate) cuts: Map<Data, u64>,
    /// Data that no inode has any more, and whether it may have extent records.
    pub(crate) dropped: Map<Data, bool>,
    pub(crate) before: IdMap<Node, Before>,
    pub(crate) graves: Vec<Grave>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.inodes.is_empty()
            && self.deleted.is_empty()
            && self.data.is_empty()
            && self.cuts.is_empty()
            && self.dropped.is_empty()
    }

    /// Notes that `data` was cut at `at`.
    pub(crate) fn cut(&mut self, data: Data, at: u64) {
        let lowest = self.cuts.get(data).map_or(at, |lowest| lowest.min(at));
        self.cuts.insert(data, lowest);
    }

    /// Puts these, which came before `later` but were not committed, back together with it.
    pub(crate) fn merge(mut self, later: Changes) -> Changes {
        self.inodes.extend(later.inodes);
        self.deleted.extend(later.deleted);
        self.data.extend(later.data);
        self.dropped.extend(later.dropped);
        for (data, at) in later.cuts.iter() {
            self.cut(data, at);
        }
        // The oldest state is the durable one.
        for (node, before) in later.before {
            self.before.entry(node).or_insert(before);
        }
        self.graves.extend(later.graves);
        self
    }
}

/// The batch that the store is writing now.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) log_bytes: usize,
    pub(crate) tail: u64,
    pub(crate) changes: Changes,
    /// Extents with pages in flight.
    pub(crate) blocks: Vec<(Data, u32)>,
    pub(crate) pieces: Vec<(Data, u32, Piece)>,
    pub(crate) extents: Vec<(Data, u32)>,
    pub(crate) packs: Set<u32>,
    /// The batch must be on the disk itself when it is done.
    pub(crate) hard: bool,
}

#[derive(Debug)]
pub(crate) struct Failure {
    /// Whose changes; none are everybody's.
    node: Option<Node>,
    after: u64,
    upto: u64,
    error: Error,
}

/// The journal of one store.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Changes made now belong to this epoch. Each batch, each failure begins a new one.
    pub(crate) epoch: u64,
    /// All epochs up to this are durable.
    pub(crate) durable: u64,
    /// The last log record, and the oldest that is kept.
    pub(crate) seq: u64,
    pub(crate) tail: u64,
    /// Sizes of the log records that are kept.
    pub(crate) log: Map<u64, usize>,
    pub(crate) log_bytes: usize,
    pub(crate) changes: Changes,
    pub(crate) flight: Option<Flight>,
    pub(crate) failures: VecDeque<Failure>,
    pub(crate) redo: Redo,
    pub(crate) packs: Packs,
    /// The file of each data that is dirty, in flight or patched.
    pub(crate) owners: Map<Data, Node>,
    /// What the next fold needs in memory.
    pub(crate) wanted: Vec<Need>,
    /// The store is new: there is something to write even if nothing has changed.
    pub(crate) is_new: bool,
    /// The format of what the store holds, 0 while it holds nothing. The next batch makes it
    /// [`FORMAT`](super::FORMAT).
    pub(crate) format: u64,
    /// The next batch must be a hard one.
    pub(crate) hard: bool,
    /// A batch since the last hard one is done and may still be with the operating system only.
    pub(crate) soft: bool,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            epoch: 1,
            durable: 0,
            seq: 0,
            tail: 1,
            log: Map::default(),
            log_bytes: 0,
            changes: Changes::default(),
            flight: None,
            failures: VecDeque::new(),
            redo: Redo::default(),
            packs: Packs::default(),
            owners: Map::default(),
            wanted: Vec::new(),
            is_new: false,
            format: 0,
            hard: false,
            // What was written before this mount may be as soft.
            soft: true,
        }
    }

    /// Whether everything is durable.
    pub(crate) fn is_clean(&self) -> bool {
        self.changes.is_empty() && self.flight.is_none() && !self.is_new
    }

    /// Whether packs or extents lack what the log holds.
    pub(crate) fn is_behind(&self) -> bool {
        self.redo.oldest().next().is_some() || self.packs.behind().next().is_some()
    }

    /// How the changes of `ticket` ended, or none while they have not.
    pub(crate) fn settled(&self, ticket: Ticket) -> Option<Result<(), Error>> {
        let mine = |failure: &&Failure| {
            failure.node.is_none_or(|node| node == ticket.node)
                && (failure.after + 1..=failure.upto).contains(&ticket.epoch)
        };
        if let Some(failure) = self.failures.iter().find(mine) {
            return Some(Err(failure.error.clone()));
        }
        (ticket.epoch <= self.durable || self.is_clean()).then_some(Ok(()))
    }

    /// Tells everybody with an open claim on `node`, or on anything, that it has failed.
    pub(crate) fn fail(&mut self, node: Option<Node>, error: Error) {
        if self.failures.len() == FAILURES {
            self.failures.pop_front();
        }
        let (after, upto) = (self.durable, self.epoch);
        self.failures.push_back(Failure { node, after, upto, error });
    }

    pub(crate) fn add_log(&mut self, seq: u64, bytes: usize) {
        self.log_bytes += bytes;
        self.log.insert(seq, bytes);
        self.seq = self.seq.max(seq);
    }

    /// The store has deleted log records before `tail`.
    pub(crate) fn trim_log(&mut self, tail: u64) {
        while self.log.keys().next().is_some_and(|seq| seq < tail) {
            self.log_bytes -= self.log.pop_first().map_or(0, |(_, bytes)| bytes);
        }
        self.tail = tail;
    }
}
