//! The bytes of records: little numbers in few bytes, identifiers in eight, strings with a length.

use crate::error::{Error, Kind, Result};

/// Appends to a record.
#[derive(Default, Debug)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// LEB128: seven bits a byte, the lowest first.
    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A signed number near zero in few bytes: zigzag, then LEB128.
    pub(crate) fn signed(&mut self, value: i64) {
        self.number((value << 1 ^ value >> 63).cast_unsigned());
    }

    /// Eight bytes, for random identifiers.
    pub(crate) fn id(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn string(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }
}

/// Reads a record; every read fails with `EIO` where the record ends too early or makes no sense.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

pub(crate) const fn damaged(what: &'static str) -> Error {
    Error::new(Kind::Io, what)
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) =
            self.rest.split_at_checked(len).ok_or(damaged("a record ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(damaged("a number in a record is too long"))
    }

    pub(crate) fn small(&mut self) -> Result<u32> {
        u32::try_from(self.number()?).map_err(|_| damaged("a number in a record is too large"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn id(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn string(&mut self) -> Result<&'a [u8]> {
        let len = self.number()?;
        self.take(usize::try_from(len).map_err(|_| damaged("a string in a record is too long"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let numbers = [0, 1, 127, 128, 1 << 53, u64::MAX];
        let signed = [0, -1, 1, i64::MIN, i64::MAX];
        let mut writer = Writer::default();
        numbers.iter().for_each(|n| writer.number(*n));
        signed.iter().for_each(|n| writer.signed(*n));
        writer.string(b"name");
        writer.id(7);
        let mut reader = Reader::new(&writer.bytes);
        assert!(numbers.iter().all(|n| reader.number().unwrap() == *n));
        assert!(signed.iter().all(|n| reader.signed().unwrap() == *n));
        assert_eq!(reader.string().unwrap(), b"name");
        assert_eq!(reader.id().unwrap(), 7);
        assert!(reader.is_empty());
    }

    #[test]
    fn damage_is_an_error_not_a_panic() {
        assert!(Reader::new(&[0xff; 11]).number().is_err());
        assert!(Reader::new(&[200, 1, b'x']).string().is_err());
        assert!(Reader::new(&[1, 2]).id().is_err());
    }
}
