//! What a store holds: keyed records, written in batches that happen as a whole or not at all.

use super::id::StoreId;
use crate::error::Result;
use crate::fs::codec::{Reader, damaged};

/// The format that this code writes; kept in [`Key::Super`]. Newer ones are refused; older ones are
/// read, and the first batch that is written to them makes them this one, telling other tabs by
/// the log.
///
/// 1. The first.
/// 2. Inodes may have an owner and extended attributes. What format 1 wrote is valid as it is.
pub const FORMAT: u64 = 2;

/// The name of a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// The format number; the only record whose layout never changes.
    Super,
    /// Many inodes in one record, so that a mount reads few.
    Pack(u32),
    /// One commit: every change it made that is not in other records. Numbered without gaps.
    Log(u64),
    /// Up to 256 KiB of a file's data.
    Extent {
        /// Which data, 53 bits.
        data: u64,
        /// Which extent of it: its offset is this times 256 KiB.
        index: u32,
    },
}

impl Key {
    /// As bytes whose order is the order of keys: a tag, then big-endian numbers. An IndexedDB
    /// store uses these as binary keys, a container file as they are.
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Super => b"S".to_vec(),
            Self::Pack(number) => [b"a" as &[u8], &number.to_be_bytes()].concat(),
            Self::Log(seq) => [b"b" as &[u8], &seq.to_be_bytes()].concat(),
            Self::Extent { data, index } => {
                [b"c" as &[u8], &data.to_be_bytes(), &index.to_be_bytes()].concat()
            }
        }
    }

    /// The key of such bytes.
    ///
    /// # Errors
    /// `EIO` for bytes that no key has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let four = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
        let eight = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
        let key = match (bytes.first(), bytes.len()) {
            (Some(b'S'), 1) => Some(Self::Super),
            (Some(b'a'), 5) => four(1).map(|b| Self::Pack(u32::from_be_bytes(b))),
            (Some(b'b'), 9) => eight(1).map(|b| Self::Log(u64::from_be_bytes(b))),
            (Some(b'c'), 13) => match (eight(1), four(9)) {
                (Some(data), Some(index)) => Some(Self::Extent {
                    data: u64::from_be_bytes(data),
                    index: u32::from_be_bytes(index),
                }),
                _ => None,
            },
            _ => None,
        };
        key.ok_or(damaged("a record has an unknown key"))
    }

    /// What a mount reads: everything before this key, that is all but the extents.
    pub const FIRST_EXTENT: Self = Self::Extent { data: 0, index: 0 };

    /// Every extent of `data` from `index` on, as an inclusive range of keys.
    pub const fn extents(data: u64, index: u32) -> (Self, Self) {
        (Self::Extent { data, index }, Self::Extent { data, index: u32::MAX })
    }
}

/// One change to a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Writes a record, replacing an old one.
    Put(Key, Vec<u8>),
    /// Deletes all records from the first to the last key, both included.
    Delete(Key, Key),
}

/// What a store writes in one transaction, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Where to.
    pub store: StoreId,
    /// To name it in [`Fs::batch_done`](super::Fs::batch_done).
    pub epoch: u64,
    /// The changes.
    pub writes: Vec<Write>,
}

impl Batch {
    /// Bytes of all records to write.
    pub fn bytes(&self) -> usize {
        let of = |write: &Write| if let Write::Put(_, value) = write { value.len() } else { 0 };
        self.writes.iter().map(of).sum()
    }
}

/// Records of exactly this size meet a slow path of Chromium's LevelDB: one byte more does not.
const SLOW: usize = 64 * 1024;

/// The value of an extent record: its bytes; readers ignore zeros at the end.
pub(crate) fn extent_value(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() == SLOW {
        bytes.push(0);
    }
    bytes
}

/// The format that the record [`Key::Super`] names.
///
/// # Errors
/// `EIO` if it is damaged, `ENOTSUP` if a newer version of this package wrote it.
pub(crate) fn format_of(value: &[u8]) -> Result<u64> {
    check_format(Reader::new(value).number()?)
}

/// Refuses formats that this code does not know.
///
/// # Errors
/// `ENOTSUP` if a newer version of this package wrote it.
pub(crate) fn check_format(format: u64) -> Result<u64> {
    if format > FORMAT {
        return Err(crate::Error::with(
            crate::error::Kind::NotSupported,
            format!("the store has format {format}, this version knows up to {FORMAT}"),
        ));
    }
    Ok(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_bytes_and_come_back() {
        let keys = [
            Key::Super,
            Key::Pack(0),
            Key::Pack(256),
            Key::Log(1),
            Key::Log(1 << 40),
            Key::FIRST_EXTENT,
            Key::Extent { data: 1, index: 300 },
            Key::Extent { data: 2, index: 0 },
        ];
        assert!(keys.is_sorted());
        assert!(keys.map(Key::to_bytes).is_sorted());
        for key in keys {
            assert_eq!(Key::from_bytes(&key.to_bytes()).unwrap(), key);
        }
        assert!(Key::from_bytes(b"a12").is_err());
    }

    #[test]
    fn no_extent_has_the_slow_size() {
        assert_eq!(extent_value(vec![1; SLOW]).len(), SLOW + 1);
        assert_eq!(extent_value(vec![1; SLOW - 1]).len(), SLOW - 1);
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        assert_eq!(format_of(&[1]).unwrap(), 1);
        assert_eq!(format_of(&[FORMAT as u8 + 1]).unwrap_err().code(), "ENOTSUP");
        assert_eq!(format_of(&[]).unwrap_err().code(), "EIO");
    }
}
