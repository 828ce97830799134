//! Bytes that are durable in the log but not yet in extent records: patches over what is stored.

use super::EXTENT;
use super::id::{Data, IdMap};
use super::sorted::Row;
use std::borrow::Cow;

/// The number of a piece whose log record is not written yet.
pub(crate) const PENDING: u64 = u64::MAX;

/// One patch of an extent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The log record that holds it.
    pub(crate) seq: u64,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// None are zeros: where a file was cut and the stored extent still has old bytes.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Patches by extent, each list in the order of writing.
#[derive(Default, Debug)]
pub(crate) struct Redo {
    files: IdMap<Data, Row<Vec<Piece>>>,
}

impl Redo {
    pub(crate) fn push(&mut self, data: Data, extent: u32, piece: Piece) {
        let pieces = self.files.entry(data).or_default().get_or_insert_with(extent, Vec::new);
        // A later piece that covers earlier ones makes them void; appends and rewrites of the
        // same page would otherwise pile up.
        pieces.retain(|old| old.start < piece.start || old.end > piece.end);
        pieces.push(piece);
    }

    /// Makes everything at and beyond `size` zero.
    pub(crate) fn cut(&mut self, data: Data, size: u64, seq: u64) {
        let edge = (size / EXTENT as u64) as u32;
        let start = (size % EXTENT as u64) as u32;
        let first = if start == 0 { edge } else { edge + 1 };
        self.forget_range(data, first);
        if start > 0 {
            self.push(data, edge, Piece { seq, start, end: EXTENT as u32, bytes: None });
        }
    }

    /// Forgets `data` altogether.
    pub(crate) fn forget(&mut self, data: Data) {
        self.forget_range(data, 0);
    }

    /// Forgets the patches of one extent: its record has been written anew.
    pub(crate) fn fold(&mut self, data: Data, extent: u32) {
        if let Some(extents) = self.files.get_mut(&data) {
            extents.remove(extent);
            self.tidy(data);
        }
    }

    fn forget_range(&mut self, data: Data, first: u32) {
        if let Some(extents) = self.files.get_mut(&data) {
            extents.split_off(first);
            self.tidy(data);
        }
    }

    fn tidy(&mut self, data: Data) {
        if self.files.get(&data).is_some_and(Row::is_empty) {
            self.files.remove(&data);
        }
    }

    /// Gives pieces that waited for a log record its number.
    pub(crate) fn settle(&mut self, seq: u64) {
        let extents = self.files.values_mut().flat_map(Row::iter_mut);
        for piece in extents.flat_map(|(_, pieces)| pieces).filter(|piece| piece.seq == PENDING) {
            piece.seq = seq;
        }
    }

    /// The extent as it is: `base` (the record) with the patches over it.
    pub(crate) fn compose<'a>(&self, data: Data, extent: u32, base: &'a [u8]) -> Cow<'a, [u8]> {
        let base = &base[..base.len().min(EXTENT)];
        let Some(pieces) = self.files.get(&data).and_then(|extents| extents.get(extent)) else {
            return Cow::Borrowed(base);
        };
        let mut bytes = base.to_vec();
        for piece in pieces {
            let (start, end) = (piece.start as usize, piece.end as usize);
            match &piece.bytes {
                Some(patch) => {
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[start..end].copy_from_slice(patch);
                }
                None => {
                    let known = end.min(bytes.len()).max(start);
                    bytes.get_mut(start..known).unwrap_or_default().fill(0);
                }
            }
        }
        Cow::Owned(bytes)
    }

    /// Extents with their oldest piece's record number, in no order.
    pub(crate) fn oldest(&self) -> impl Iterator<Item = (Data, u32, u64)> {
        self.files.iter().flat_map(|(data, extents)| {
            extents.iter().map(|(extent, pieces)| {
                let seq = pieces.iter().map(|piece| piece.seq).min();
                (*data, extent, seq.unwrap_or(PENDING))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::StoreId;
    use super::*;

    fn data() -> Data {
        Data::new(StoreId(0), 5)
    }

    fn piece(seq: u64, start: u32, bytes: &[u8]) -> Piece {
        let end = start + bytes.len() as u32;
        Piece { seq, start, end, bytes: Some(bytes.to_vec()) }
    }

    #[test]
    fn later_patches_win_and_void_what_they_cover() {
        let mut redo = Redo::default();
        redo.push(data(), 0, piece(1, 2, b"aa"));
        redo.push(data(), 0, piece(2, 1, b"bbbb"));
        redo.push(data(), 0, piece(3, 4, b"cc"));
        assert_eq!(*redo.compose(data(), 0, b"........"), *b".bbbcc..");
        assert_eq!(*redo.compose(data(), 0, b""), *b"\0bbbcc");
        assert_eq!(redo.oldest().next(), Some((data(), 0, 2)));
    }

    #[test]
    fn a_cut_zeroes_the_edge_and_forgets_the_rest() {
        let mut redo = Redo::default();
        redo.push(data(), 0, piece(1, 0, b"aaaa"));
        redo.push(data(), 1, piece(1, 0, b"bb"));
        redo.cut(data(), 2, PENDING);
        redo.settle(9);
        assert_eq!(*redo.compose(data(), 0, b"xxxxxx"), *b"aa\0\0\0\0");
        assert_eq!(redo.oldest().count(), 1);
        redo.forget(data());
        assert_eq!(redo.oldest().count(), 0);
    }
}
