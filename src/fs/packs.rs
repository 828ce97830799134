//! Which inodes share which pack record, and which packs are behind the log.

use super::id::Node;
use super::sorted::{Map, Set};

/// Inodes a pack holds at most: some 20 KiB, little to rewrite and few to read at mount.
const CAPACITY: usize = 256;

#[derive(Default, Debug)]
struct Pack {
    members: Set<Node>,
    /// The oldest log record with a change that the pack record lacks.
    behind: Option<u64>,
}

/// Assignment of inodes to packs.
#[derive(Default, Debug)]
pub(crate) struct Packs {
    packs: Vec<Pack>,
    home: Map<Node, u32>,
    /// Packs with room.
    open: Set<u32>,
}

impl Packs {
    /// Puts `node` into pack `number`, where a record has it.
    pub(crate) fn place(&mut self, number: u32, node: Node) {
        while self.packs.len() <= number as usize {
            self.open.insert(self.packs.len() as u32);
            self.packs.push(Pack::default());
        }
        if let Some(old) = self.home.insert(node, number).filter(|old| *old != number) {
            self.packs[old as usize].members.remove(node);
            self.open.insert(old);
        }
        self.packs[number as usize].members.insert(node);
        if self.packs[number as usize].members.len() >= CAPACITY {
            self.open.remove(number);
        }
    }

    /// The pack of `node`: its own, or the first with room. The log says which with every
    /// record of the inode, so that all tabs agree.
    pub(crate) fn assign(&mut self, node: Node) -> u32 {
        if let Some(number) = self.home.get(node) {
            return number;
        }
        let number = self.open.first().unwrap_or(self.packs.len() as u32);
        self.place(number, node);
        number
    }

    /// Log record `seq` changed `node`.
    pub(crate) fn changed(&mut self, node: Node, seq: u64) {
        let number = self.assign(node);
        self.packs[number as usize].behind.get_or_insert(seq);
    }

    /// Log record `seq` deleted `node`.
    pub(crate) fn deleted(&mut self, node: Node, seq: u64) {
        if let Some(number) = self.home.remove(node) {
            let pack = &mut self.packs[number as usize];
            pack.members.remove(node);
            pack.behind.get_or_insert(seq);
            self.open.insert(number);
        }
    }

    /// The pack record has been written with all that is known.
    pub(crate) fn written(&mut self, number: u32) {
        self.packs[number as usize].behind = None;
    }

    /// Whether `node` lives in one of `written`.
    pub(crate) fn is_in(&self, node: Node, written: &Set<u32>) -> bool {
        self.home.get(node).is_some_and(|number| written.contains(number))
    }

    pub(crate) fn members(&self, number: u32) -> impl Iterator<Item = Node> {
        self.packs[number as usize].members.iter()
    }

    /// Packs that are behind, and since which log record.
    pub(crate) fn behind(&self) -> impl Iterator<Item = (u32, u64)> {
        let numbered = self.packs.iter().enumerate();
        numbered.filter_map(|(number, pack)| pack.behind.map(|seq| (number as u32, seq)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::StoreId;
    use super::*;

    fn node(id: u64) -> Node {
        Node::new(StoreId(0), id)
    }

    #[test]
    fn deleted_places_are_used_again() {
        let mut packs = Packs::default();
        (0..CAPACITY as u64 + 1).for_each(|id| packs.changed(node(id), 1));
        assert_eq!(packs.behind().collect::<Vec<_>>(), [(0, 1), (1, 1)]);
        packs.written(0);
        packs.deleted(node(5), 2);
        packs.changed(node(900), 3);
        assert_eq!(packs.behind().collect::<Vec<_>>(), [(0, 2), (1, 1)]);
        assert!(packs.members(0).any(|member| member == node(900)));
        assert!(packs.is_in(node(900), &[0].into_iter().collect()));
    }
}
