//! What changed, in order: a ring of events that watchers read at their own pace.

use super::id::Node;
use super::inode::Name;
use std::collections::VecDeque;

/// Events kept for readers that lag behind; older ones are lost to them, and they are told.
const CAPACITY: usize = 4096;

/// What happened to a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It appeared: created, linked, or the target of a rename.
    Created,
    /// It is gone: removed, or the source of a rename.
    Removed,
    /// The contents changed.
    Modified,
    /// Permissions, times or the number of names changed.
    Attributes,
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Grows by one with every event.
    pub seq: u64,
    /// What happened.
    pub change: Change,
    /// The inode it happened to.
    pub node: Node,
    /// The directory of the name.
    pub dir: Node,
    /// The name within `dir`.
    pub name: Name,
}

/// The ring. Nothing is recorded while nobody watches.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) watchers: u32,
    events: VecDeque<Event>,
    next: u64,
}

/// Events after some point, as far as they are still there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Events {
    /// In order.
    pub events: Vec<Event>,
    /// What to ask with next time.
    pub next: u64,
    /// Some events between are lost: look at everything again.
    pub overflow: bool,
}

impl Watch {
    pub(crate) fn push(&mut self, change: Change, node: Node, dir: Node, name: &Name) {
        if self.watchers == 0 {
            return;
        }
        // A stream of writes to one file is one event until somebody else's comes between. It
        // gets a new number, so that a reader that has seen it sees it again.
        if change == Change::Modified
            && self.events.back().is_some_and(|last| last.change == change && last.node == node)
        {
            self.events.pop_back();
        }
        if self.events.len() == CAPACITY {
            self.events.pop_front();
        }
        let (seq, name) = (self.next, name.clone());
        self.events.push_back(Event { seq, change, node, dir, name });
        self.next += 1;
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn since(&self, seq: u64) -> Events {
        let events: Vec<_> = self.events.iter().filter(|event| event.seq >= seq).cloned().collect();
        let oldest = self.events.front().map_or(self.next, |event| event.seq);
        let lost = self.events.len() == CAPACITY && seq < oldest;
        Events { events, next: self.next, overflow: lost }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::StoreId;
    use super::*;

    fn push(watch: &mut Watch, change: Change, id: u64) {
        let node = Node::new(StoreId(0), id);
        watch.push(change, node, node, &Name::from(&b"n"[..]));
    }

    #[test]
    fn a_reader_sees_each_event_once_and_a_repeated_write_again() {
        let mut watch = Watch { watchers: 1, ..Watch::default() };
        push(&mut watch, Change::Created, 1);
        push(&mut watch, Change::Modified, 1);
        let first = watch.since(0);
        assert_eq!(first.events.len(), 2);
        assert!(watch.since(first.next).events.is_empty());
        push(&mut watch, Change::Modified, 1);
        assert_eq!(watch.since(first.next).events.len(), 1);
        assert!(!first.overflow);
    }

    #[test]
    fn a_reader_that_lags_is_told() {
        let mut watch = Watch { watchers: 1, ..Watch::default() };
        for id in 0..=CAPACITY as u64 {
            push(&mut watch, Change::Created, id);
        }
        assert!(watch.since(0).overflow);
        assert!(!watch.since(1).overflow);
    }

    #[test]
    fn nothing_is_recorded_while_nobody_watches() {
        let mut watch = Watch::default();
        push(&mut watch, Change::Created, 1);
        assert_eq!(watch.since(0).events, []);
    }
}
