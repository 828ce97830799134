//! Reads the primitives of the binary format: numbers, names, types, limits, constant expressions.

use super::{Limits, Value};

/// Why reading stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The bytes end here.
    End,
    /// It is a component.
    Component,
    /// What is wrong.
    Bad(&'static str),
}

/// What a type section's entry is: a function's parameters and results, or something else.
pub(super) type Signature = Option<(Vec<Value>, Vec<Value>)>;

type Read<T> = Result<T, Stop>;

/// A place in the bytes of a module.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The first eight bytes: the magic number, a version of 1, and no layer.
    pub(super) fn header(&mut self) -> Read<()> {
        if !self.bytes.starts_with(b"\0asm") {
            let whole = self.bytes.len() >= 4 || !b"\0asm".starts_with(self.bytes);
            return Err(if whole { Stop::Bad("not WebAssembly") } else { Stop::End });
        }
        self.at = 4;
        // Version and layer, two bytes each: a component has layer 1.
        match *self.take(4)? {
            [1, 0, 0, 0] => Ok(()),
            [_, _, 1, 0] => Err(Stop::Component),
            _ => Err(Stop::Bad("an unknown version of WebAssembly")),
        }
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let rest = self.bytes.get(self.at..).ok_or(Stop::End)?;
        let taken = rest.get(..length).ok_or(Stop::End)?;
        self.at += length;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, length: usize) -> Read<()> {
        self.take(length).map(|_| ())
    }

    pub(super) fn peek(&self) -> Read<u8> {
        self.bytes.get(self.at).copied().ok_or(Stop::End)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn u32(&mut self) -> Read<u32> {
        let number = self.u64()?;
        u32::try_from(number).map_err(|_| Stop::Bad("a number beyond 32 bits"))
    }

    fn u64(&mut self) -> Read<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Stop::Bad("a number that does not end"))
    }

    /// A signed number, whose value nobody needs.
    fn signed(&mut self) -> Read<()> {
        self.u64().map(|_| ())
    }

    pub(super) fn name(&mut self) -> Read<String> {
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Stop::Bad("a name that is not UTF-8"))?;
        Ok(text.to_owned())
    }

    pub(super) fn value(&mut self) -> Read<Value> {
        Ok(match self.byte()? {
            0x7f => Value::I32,
            0x7e => Value::I64,
            0x7d => Value::F32,
            0x7c => Value::F64,
            0x7b => Value::V128,
            0x70 => Value::FuncRef,
            0x6f => Value::ExternRef,
            // References to a heap type, nullable or not.
            0x63 | 0x64 => match self.peek()? {
                0x70 => {
                    self.byte()?;
                    Value::FuncRef
                }
                0x6f => {
                    self.byte()?;
                    Value::ExternRef
                }
                _ => {
                    self.signed()?;
                    Value::Ref
                }
            },
            0x65..=0x75 => Value::Ref,
            _ => return Err(Stop::Bad("an unknown type of value")),
        })
    }

    fn values(&mut self) -> Read<Vec<Value>> {
        let count = self.u32()?;
        (0..count).map(|_| self.value()).collect()
    }

    /// One type of the type section: the signature if it is a function's.
    pub(super) fn sub_type(&mut self) -> Read<Signature> {
        let mut form = self.byte()?;
        if matches!(form, 0x4f | 0x50) {
            let supertypes = self.u32()?;
            for _ in 0..supertypes {
                self.u32()?;
            }
            form = self.byte()?;
        }
        if form == 0x65 {
            // Shared between threads; what follows is the type itself.
            form = self.byte()?;
        }
        match form {
            0x60 => Ok(Some((self.values()?, self.values()?))),
            0x5f => {
                let fields = self.u32()?;
                for _ in 0..fields {
                    self.field()?;
                }
                Ok(None)
            }
            0x5e => self.field().map(|()| None),
            _ => Err(Stop::Bad("an unknown form of type")),
        }
    }

    /// A field of a struct or array: its storage type and mutability.
    fn field(&mut self) -> Read<()> {
        if matches!(self.peek()?, 0x77 | 0x78) {
            self.byte()?;
        } else {
            self.value()?;
        }
        self.byte().map(|_| ())
    }

    pub(super) fn limits(&mut self) -> Read<Limits> {
        let flags = self.byte()?;
        if flags > 0x0f {
            return Err(Stop::Bad("unknown flags of a memory or table"));
        }
        let initial = self.u64()?;
        let maximum = if flags & 1 != 0 { Some(self.u64()?) } else { None };
        if flags & 8 != 0 {
            self.u32()?;
        }
        Ok(Limits { initial, maximum, shared: flags & 2 != 0, wide: flags & 4 != 0 })
    }

    /// The type of a table, as imports have it.
    pub(super) fn table_type(&mut self) -> Read<(Limits, Value)> {
        let of = self.value()?;
        Ok((self.limits()?, of))
    }

    /// A table of the module's own, perhaps with what its elements are at first.
    pub(super) fn table(&mut self) -> Read<(Limits, Value)> {
        if self.peek()? != 0x40 {
            return self.table_type();
        }
        self.skip(2)?;
        let table = self.table_type()?;
        self.constant()?;
        Ok(table)
    }

    pub(super) fn global(&mut self) -> Read<(Value, bool)> {
        let ty = self.value()?;
        Ok((ty, self.byte()? & 1 != 0))
    }

    /// Passes over a constant expression.
    pub(super) fn constant(&mut self) -> Read<()> {
        loop {
            match self.byte()? {
                0x0b => return Ok(()),
                // Constants of integers, `global.get`, `ref.null`, `ref.func`.
                0x41 | 0x42 | 0x23 | 0xd0 | 0xd2 => self.signed()?,
                0x43 => self.skip(4)?,
                0x44 => self.skip(8)?,
                // Sums, differences and products of 32 and 64 bits.
                0x6a..=0x6c | 0x7c..=0x7e => {}
                0xfb => match self.u32()? {
                    // Structs and arrays made anew, and references turned and boxed.
                    0 | 1 | 6 | 7 => self.signed()?,
                    8 => {
                        self.signed()?;
                        self.signed()?;
                    }
                    26..=28 => {}
                    _ => return Err(Stop::Bad("an expression that is not constant")),
                },
                0xfd => match self.u32()? {
                    12 => self.skip(16)?,
                    _ => return Err(Stop::Bad("an expression that is not constant")),
                },
                _ => return Err(Stop::Bad("an expression that is not constant")),
            }
        }
    }
}
