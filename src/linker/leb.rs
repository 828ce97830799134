//! The five ways a linked module spells a number that a relocation may change.

/// How many bytes a number takes, and in what encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Unsigned LEB128 padded to this many bytes (5 or 10), as linkers leave it.
    Unsigned(usize),
    /// Signed LEB128 padded to this many bytes (5 or 10).
    Signed(usize),
    /// Little-endian bytes (4 or 8) in data.
    Word(usize),
    /// Signed LEB128 of any length for a number of this many bytes (4 or 8), to be spelled anew:
    /// the operand of a `const` instruction.
    Free(usize),
}

impl Form {
    /// The number at the start of `bytes` if it has exactly this form, modulo 2^32 or 2^64.
    ///
    /// For [`Form::Free`] the whole slice is the number.
    pub(crate) fn read(self, bytes: &[u8]) -> Option<u64> {
        match self {
            Self::Word(4) => Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).into()),
            Self::Word(_) => Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)),
            Self::Unsigned(width) => read_padded(bytes.get(..width)?, false),
            Self::Signed(width) => read_padded(bytes.get(..width)?, true),
            Self::Free(4) => Some(u64::from(read_signed(bytes)? as u32)),
            Self::Free(_) => Some(read_signed(bytes)? as u64),
        }
    }

    /// Bytes of the number itself: 4 or 8.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Unsigned(5) | Self::Signed(5) => 4,
            Self::Unsigned(_) | Self::Signed(_) => 8,
            Self::Word(width) | Self::Free(width) => width,
        }
    }

    /// Writes `value` over `bytes`, which [`read`](Self::read) accepted; not for [`Form::Free`].
    pub(crate) fn write(self, bytes: &mut [u8], value: u64) {
        match self {
            Self::Word(width) => bytes[..width].copy_from_slice(&value.to_le_bytes()[..width]),
            Self::Unsigned(5) => pad(&mut bytes[..5], i64::from(value as u32)),
            Self::Signed(5) => pad(&mut bytes[..5], i64::from(value as u32 as i32)),
            Self::Unsigned(width) | Self::Signed(width) => pad(&mut bytes[..width], value as i64),
            Self::Free(_) => unreachable!("a free number has no fixed place"),
        }
    }
}

fn read_padded(bytes: &[u8], signed: bool) -> Option<u64> {
    let (last, rest) = bytes.split_last()?;
    if rest.iter().any(|byte| byte & 0x80 == 0) || last & 0x80 != 0 {
        return None;
    }
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
    }
    // The last byte has room for more bits than the type: they must repeat the sign.
    let spare = if bytes.len() == 5 { last >> 3 } else { *last };
    match (bytes.len(), signed) {
        (5, false) if last >> 4 == 0 => Some(value),
        (5, true) if spare == 0 || spare == 0x0f => Some(u64::from(value as u32)),
        (10, false) if *last <= 1 => Some(value),
        (10, true) if *last == 0 || *last == 0x7f => Some(value),
        _ => None,
    }
}

fn read_signed(bytes: &[u8]) -> Option<i64> {
    let (last, rest) = bytes.split_last()?;
    if bytes.len() > 10 || last & 0x80 != 0 || rest.iter().any(|byte| byte & 0x80 == 0) {
        return None;
    }
    let mut value = 0i64;
    for (index, byte) in bytes.iter().enumerate() {
        value |= i64::from(byte & 0x7f) << (7 * index);
    }
    let bits = 7 * bytes.len();
    Some(if bits < 64 { value << (64 - bits) >> (64 - bits) } else { value })
}

fn pad(bytes: &mut [u8], value: i64) {
    let last = bytes.len() - 1;
    // An unsigned 32-bit number has its high bits clear, so the arithmetic shift serves both.
    let mut rest = value;
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (rest & 0x7f) as u8 | if index < last { 0x80 } else { 0 };
        rest >>= 7;
    }
    if bytes.len() == 10 {
        bytes[last] &= if value < 0 { 0x7f } else { 0x01 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(form: Form, width: usize, value: u64) -> Option<u64> {
        let mut bytes = vec![0; width];
        form.write(&mut bytes, value);
        form.read(&bytes)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: u64) {
            let narrow = u64::from(value as u32);
            prop_assert_eq!(round_trip(Form::Unsigned(5), 5, narrow), Some(narrow));
            prop_assert_eq!(round_trip(Form::Signed(5), 5, narrow), Some(narrow));
            prop_assert_eq!(round_trip(Form::Word(4), 4, narrow), Some(narrow));
            prop_assert_eq!(round_trip(Form::Signed(10), 10, value), Some(value));
            prop_assert_eq!(round_trip(Form::Word(8), 8, value), Some(value));
            prop_assert_eq!(round_trip(Form::Unsigned(10), 10, value >> 1), Some(value >> 1));
        }

        #[test]
        fn free_numbers_agree_with_the_encoder(value: i32) {
            let mut bytes = Vec::new();
            wasm_encoder::Encode::encode(&value, &mut bytes);
            prop_assert_eq!(Form::Free(4).read(&bytes), Some(u64::from(value as u32)));
        }
    }

    #[test]
    fn a_number_that_is_not_padded_is_not_taken() {
        assert_eq!(Form::Signed(5).read(&[0x80, 0x80, 0xc0, 0x00, 0x41]), None);
        assert_eq!(Form::Unsigned(5).read(&[0x80, 0x80, 0x80, 0x80, 0x80]), None);
        assert_eq!(Form::Unsigned(5).read(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
        assert_eq!(Form::Unsigned(5).read(&[0x80, 0x80]), None);
    }
}
