//! Reading records back: packs, then the log over them.

use super::codec::{Reader, damaged};
use super::id::{Data, IdMap, Node, StoreId};
use super::inode::Inode;
use super::journal::Journal;
use super::log::{Op, PACKS};
use super::record::{Key, check_format, format_of};
use super::redo::Piece;
use super::sorted::Set;
use crate::error::Result;

/// Records on their way from a store to a mount: all but the extents, or the newest of the log.
#[derive(Default, Debug, Clone)]
pub struct Image {
    /// Sorted by key.
    records: Vec<(Key, Vec<u8>)>,
}

impl Image {
    /// Adds one record, in any order.
    ///
    /// # Errors
    /// `EIO` for an extent, which no mount reads.
    pub fn add(&mut self, key: Key, value: Vec<u8>) -> Result<()> {
        if key >= Key::FIRST_EXTENT {
            return Err(damaged("an extent is not part of an image"));
        }
        // They mostly come in order.
        let at = self.records.partition_point(|(before, _)| *before < key);
        match self.records.get_mut(at) {
            Some(known) if known.0 == key => known.1 = value,
            _ => self.records.insert(at, (key, value)),
        }
        Ok(())
    }

    /// Whether it holds nothing: the store is new, or nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether it is a whole one, which begins with the format.
    pub(crate) fn is_whole(&self) -> bool {
        self.records.first().is_some_and(|(key, _)| *key == Key::Super)
    }

    /// The number of the first log record in it.
    pub(crate) fn first_log(&self) -> Option<u64> {
        self.records.iter().find_map(|(key, _)| match key {
            Key::Log(seq) => Some(*seq),
            _ => None,
        })
    }
}

/// What the records say about inodes: what each now is, or that it is no more.
pub(crate) type Changed = IdMap<Node, Option<Inode>>;

/// Applies the records to `journal` and tells what they say.
///
/// # Errors
/// `EIO` for damaged records, `ENOTSUP` for a newer format.
pub(crate) fn replay(store: StoreId, image: &Image, journal: &mut Journal) -> Result<Changed> {
    let mut changed = Changed::default();
    for (key, value) in &image.records {
        match key {
            Key::Super => journal.format = format_of(value)?,
            Key::Pack(number) if *number > PACKS => {
                return Err(damaged("a pack record has a number out of range"));
            }
            Key::Pack(number) => {
                let mut pack = Reader::new(value);
                while !pack.is_empty() {
                    let (node, inode) = pack.inode(store)?;
                    journal.packs.place(*number, node);
                    changed.insert(node, Some(inode));
                }
            }
            Key::Log(seq) => {
                replay_log(store, *seq, value, journal, &mut changed)?;
                if journal.log.is_empty() {
                    journal.tail = *seq;
                }
                journal.add_log(*seq, value.len());
            }
            Key::Extent { .. } => {}
        }
    }
    Ok(changed)
}

fn replay_log(
    store: StoreId,
    seq: u64,
    value: &[u8],
    journal: &mut Journal,
    changed: &mut Changed,
) -> Result<()> {
    let mut log = Reader::new(value);
    while !log.is_empty() {
        match log.op(store)? {
            Op::Inode(node, inode, pack) => {
                journal.packs.place(pack, node);
                changed.insert(node, Some(inode));
                journal.packs.changed(node, seq);
            }
            Op::Format(format) => journal.format = check_format(format)?,
            Op::Delete(node) => {
                changed.insert(node, None);
                journal.packs.deleted(node, seq);
            }
            Op::Drop(data) => journal.redo.forget(data),
            Op::Cut(data, size) => journal.redo.cut(data, size, seq),
            Op::Extent(data, index) => journal.redo.fold(data, index),
            Op::Piece(data, offset, bytes) => {
                let extent = (offset / super::EXTENT as u64) as u32;
                let start = (offset % super::EXTENT as u64) as u32;
                let end = start + bytes.len() as u32;
                let piece = Piece { seq, start, end, bytes: Some(bytes.to_vec()) };
                journal.redo.push(data, extent, piece);
            }
        }
    }
    Ok(())
}

/// Lets the journal know whose the patched data is, and forgets patches of what is no more.
pub(crate) fn adopt_owners<'a>(
    journal: &mut Journal,
    inodes: impl Iterator<Item = (Node, &'a Inode)>,
) {
    let patched: Set<Data> = journal.redo.oldest().map(|(data, ..)| data).collect();
    let mut lost = patched.clone();
    for (node, inode) in inodes {
        if let Some(file) = inode.file()
            && patched.contains(file.data)
        {
            journal.owners.insert(file.data, node);
            lost.remove(file.data);
        }
    }
    lost.iter().for_each(|data| journal.redo.forget(data));
}
