//! Steps through instructions: where each starts and ends, and its first two immediates.
//!
//! No operand stack and no types: the engine validates. A table of immediates by opcode is a tenth
//! of a full decoder, and that is most of what `linker.wasm` would weigh otherwise.

use super::fault::{Fault, Result};
use crate::error::Kind;
use wasmparser::BinaryReader;

/// Opcodes by name; those behind a prefix byte have it in the high half.
pub(crate) mod op {
    pub(crate) const UNREACHABLE: u32 = 0x00;
    pub(crate) const NOP: u32 = 0x01;
    pub(crate) const BLOCK: u32 = 0x02;
    pub(crate) const LOOP: u32 = 0x03;
    pub(crate) const IF: u32 = 0x04;
    pub(crate) const ELSE: u32 = 0x05;
    pub(crate) const TRY: u32 = 0x06;
    pub(crate) const CATCH: u32 = 0x07;
    pub(crate) const THROW: u32 = 0x08;
    pub(crate) const THROW_REF: u32 = 0x0a;
    pub(crate) const RETURN_CALL: u32 = 0x12;
    pub(crate) const RETURN_CALL_INDIRECT: u32 = 0x13;
    pub(crate) const RETURN_CALL_REF: u32 = 0x15;
    pub(crate) const DELEGATE: u32 = 0x18;
    pub(crate) const CATCH_ALL: u32 = 0x19;
    pub(crate) const END: u32 = 0x0b;
    pub(crate) const BR: u32 = 0x0c;
    pub(crate) const BR_IF: u32 = 0x0d;
    pub(crate) const BR_TABLE: u32 = 0x0e;
    pub(crate) const RETURN: u32 = 0x0f;
    pub(crate) const CALL: u32 = 0x10;
    pub(crate) const CALL_INDIRECT: u32 = 0x11;
    pub(crate) const CALL_REF: u32 = 0x14;
    pub(crate) const DROP: u32 = 0x1a;
    pub(crate) const TRY_TABLE: u32 = 0x1f;
    pub(crate) const LOCAL_GET: u32 = 0x20;
    pub(crate) const LOCAL_SET: u32 = 0x21;
    pub(crate) const LOCAL_TEE: u32 = 0x22;
    pub(crate) const GLOBAL_GET: u32 = 0x23;
    pub(crate) const GLOBAL_SET: u32 = 0x24;
    pub(crate) const FIRST_LOAD: u32 = 0x28;
    pub(crate) const LAST_LOAD: u32 = 0x35;
    pub(crate) const FIRST_STORE: u32 = 0x36;
    pub(crate) const LAST_STORE: u32 = 0x3e;
    pub(crate) const MEMORY_GROW: u32 = 0x40;
    pub(crate) const I32_CONST: u32 = 0x41;
    pub(crate) const I64_CONST: u32 = 0x42;
    pub(crate) const I32_EQZ: u32 = 0x45;
    pub(crate) const I32_EQ: u32 = 0x46;
    pub(crate) const I64_GE_U: u32 = 0x5a;
    pub(crate) const I32_ADD: u32 = 0x6a;
    pub(crate) const I64_ADD: u32 = 0x7c;
    pub(crate) const I64_ROTR: u32 = 0x8a;
    pub(crate) const REF_FUNC: u32 = 0xd2;
    pub(crate) const BR_ON_NULL: u32 = 0xd5;
    pub(crate) const BR_ON_NON_NULL: u32 = 0xd6;
    pub(crate) const ARRAY_NEW_DEFAULT: u32 = 0xfb_0007;
    pub(crate) const ARRAY_NEW_DATA: u32 = 0xfb_0009;
    pub(crate) const ARRAY_NEW_ELEM: u32 = 0xfb_000a;
    pub(crate) const ARRAY_FILL: u32 = 0xfb_0010;
    pub(crate) const ARRAY_COPY: u32 = 0xfb_0011;
    pub(crate) const ARRAY_INIT_DATA: u32 = 0xfb_0012;
    pub(crate) const ARRAY_INIT_ELEM: u32 = 0xfb_0013;
    pub(crate) const BR_ON_CAST: u32 = 0xfb_0018;
    pub(crate) const BR_ON_CAST_FAIL: u32 = 0xfb_0019;
    pub(crate) const MEMORY_INIT: u32 = 0xfc_0008;
    pub(crate) const DATA_DROP: u32 = 0xfc_0009;
    pub(crate) const MEMORY_COPY: u32 = 0xfc_000a;
    pub(crate) const MEMORY_FILL: u32 = 0xfc_000b;
    pub(crate) const TABLE_INIT: u32 = 0xfc_000c;
    pub(crate) const TABLE_COPY: u32 = 0xfc_000e;
    pub(crate) const TABLE_GROW: u32 = 0xfc_000f;
    pub(crate) const TABLE_FILL: u32 = 0xfc_0011;
    pub(crate) const ATOMIC_NOTIFY: u32 = 0xfe_0000;
    pub(crate) const ATOMIC_WAIT32: u32 = 0xfe_0001;
    pub(crate) const ATOMIC_WAIT64: u32 = 0xfe_0002;
    pub(crate) const FIRST_ATOMIC_LOAD: u32 = 0xfe_0010;
    pub(crate) const FIRST_ATOMIC_STORE: u32 = 0xfe_0017;
    pub(crate) const FIRST_ATOMIC_RMW: u32 = 0xfe_001e;
    pub(crate) const FIRST_ATOMIC_CMPXCHG: u32 = 0xfe_0048;
    pub(crate) const LAST_ATOMIC: u32 = 0xfe_004e;
}

/// One instruction of a function body or constant expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Instruction {
    /// See [`op`].
    pub(crate) opcode: u32,
    /// Its first byte in the file.
    pub(crate) at: usize,
    /// The first byte after the opcode.
    pub(crate) operand: usize,
    /// The first byte after it.
    pub(crate) end: usize,
    /// The first immediate: an index, a label, or a constant with its sign.
    pub(crate) first: i64,
    /// The second immediate: another index, the offset of a memory access, or the farthest label
    /// of a table of branches.
    pub(crate) second: u64,
}

/// What follows an opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Immediates {
    None,
    Index,
    Indices,
    Block,
    TryTable,
    BrTable,
    Types,
    Memory,
    MemoryLane,
    Signed32,
    Signed64,
    /// This many bytes.
    Bytes(usize),
    HeapType,
    Cast,
}

/// The instructions of a range of code.
#[derive(Clone, Debug)]
pub(crate) struct Code<'a> {
    reader: BinaryReader<'a>,
}

impl<'a> Code<'a> {
    /// The instructions of a function body, its locals skipped.
    pub(crate) fn of_body(bytes: &'a [u8], at: usize) -> Result<Self> {
        let mut reader = BinaryReader::new(bytes, at as u64);
        for _ in 0..reader.read_var_u32()? {
            reader.read_var_u32()?;
            reader.read::<wasmparser::ValType>()?;
        }
        Ok(Self { reader })
    }

    /// The instructions from where a reader stands.
    pub(crate) fn at(reader: BinaryReader<'a>) -> Self {
        Self { reader }
    }

    /// The reader, which stands behind the last instruction read.
    pub(crate) fn into_reader(self) -> BinaryReader<'a> {
        self.reader
    }

    /// The next byte of the file to be read.
    pub(crate) fn position(&self) -> usize {
        self.reader.original_position() as usize
    }

    /// The next instruction, `None` at the end of the bytes.
    ///
    /// # Errors
    /// `ERR_MALFORMED_MODULE` for an opcode that is not known or immediates cut short.
    pub(crate) fn next(&mut self) -> Result<Option<Instruction>> {
        if self.reader.eof() {
            return Ok(None);
        }
        let at = self.position();
        let byte = self.reader.read_u8()?;
        let opcode = match byte {
            0xfb..=0xfe => u32::from(byte) << 16 | self.reader.read_var_u32()?.min(0xffff),
            _ => u32::from(byte),
        };
        let operand = self.position();
        let Some(immediates) = immediates(opcode) else {
            let message = format!("unknown opcode {opcode:#x}");
            return Err(Fault::new(Kind::MalformedModule, at, message));
        };
        let (first, second) = self.immediates(immediates)?;
        Ok(Some(Instruction { opcode, at, operand, end: self.position(), first, second }))
    }

    fn immediates(&mut self, immediates: Immediates) -> Result<(i64, u64)> {
        let reader = &mut self.reader;
        let mut second = 0;
        let first = match immediates {
            Immediates::None => 0,
            Immediates::Index => reader.read_var_u32()?.into(),
            Immediates::Indices => {
                let first = reader.read_var_u32()?;
                second = reader.read_var_u32()?.into();
                first.into()
            }
            Immediates::Signed32 => reader.read_var_i32()?.into(),
            Immediates::Signed64 => reader.read_var_i64()?,
            Immediates::Bytes(count) => {
                reader.read_bytes(count)?;
                0
            }
            Immediates::Memory | Immediates::MemoryLane => {
                // Bit 6 of the alignment says that the index of a memory follows.
                let align = reader.read_var_u32()?;
                let memory = if align & 0x40 != 0 { reader.read_var_u32()? } else { 0 };
                second = reader.read_var_u64()?;
                if immediates == Immediates::MemoryLane {
                    reader.read_u8()?;
                }
                memory.into()
            }
            Immediates::Block => block_type(reader)?,
            Immediates::HeapType => reader.read_var_s33()?,
            Immediates::Types => {
                for _ in 0..reader.read_var_u32()? {
                    reader.read::<wasmparser::ValType>()?;
                }
                0
            }
            Immediates::BrTable => {
                let mut farthest = 0;
                for _ in 0..reader.read_var_u32()? {
                    farthest = farthest.max(reader.read_var_u32()?);
                }
                let default = reader.read_var_u32()?;
                second = farthest.max(default).into();
                default.into()
            }
            Immediates::TryTable => {
                let ty = block_type(reader)?;
                for _ in 0..reader.read_var_u32()? {
                    // Kinds 0 and 1 catch one tag, 2 and 3 catch all.
                    if reader.read_u8()? < 2 {
                        reader.read_var_u32()?;
                    }
                    reader.read_var_u32()?;
                }
                ty
            }
            Immediates::Cast => {
                reader.read_u8()?;
                let label = reader.read_var_u32()?;
                reader.read_var_s33()?;
                reader.read_var_s33()?;
                label.into()
            }
        };
        Ok((first, second))
    }
}

/// A block's type: -64 for nothing, other negative numbers for a value, else the index of a type.
fn block_type(reader: &mut BinaryReader<'_>) -> Result<i64> {
    let ty = reader.read_var_s33()?;
    // `(ref ht)` and `(ref null ht)` are followed by their heap type.
    if ty == -0x1c || ty == -0x1d {
        reader.read_var_s33()?;
    }
    Ok(ty)
}

fn immediates(opcode: u32) -> Option<Immediates> {
    use Immediates as I;
    Some(match opcode {
        0x00
        | 0x01
        | 0x05
        | 0x0a
        | 0x0b
        | 0x0f
        | 0x19..=0x1b
        | 0x45..=0xc4
        | 0xd1
        | 0xd3
        | 0xd4 => I::None,
        0x02..=0x04 | 0x06 => I::Block,
        0x07..=0x09 | 0x0c | 0x0d | 0x10 | 0x12 | 0x14 | 0x15 | 0x18 => I::Index,
        0x20..=0x26 | 0x3f | 0x40 | 0xd2 | 0xd5 | 0xd6 => I::Index,
        0x0e => I::BrTable,
        0x11 | 0x13 => I::Indices,
        0x1c => I::Types,
        0x1f => I::TryTable,
        0x28..=0x3e => I::Memory,
        0x41 => I::Signed32,
        0x42 => I::Signed64,
        0x43 => I::Bytes(4),
        0x44 => I::Bytes(8),
        0xd0 => I::HeapType,
        _ => match (opcode >> 16, opcode & 0xffff) {
            (0xfb, 0 | 1 | 6 | 7 | 11..=14 | 16) => I::Index,
            (0xfb, 2..=5 | 8..=10 | 17..=19) => I::Indices,
            (0xfb, 15 | 26..=30) => I::None,
            (0xfb, 20..=23) => I::HeapType,
            (0xfb, 24 | 25) => I::Cast,
            (0xfc, 0..=7 | 19..=22) => I::None,
            (0xfc, 8 | 10 | 12 | 14) => I::Indices,
            (0xfc, 9 | 11 | 13 | 15..=18) => I::Index,
            (0xfd, 0..=11 | 92 | 93) => I::Memory,
            (0xfd, 12 | 13) => I::Bytes(16),
            (0xfd, 21..=34) => I::Bytes(1),
            (0xfd, 84..=91) => I::MemoryLane,
            (0xfd, 14..=20 | 35..=83 | 94..=0x113) => I::None,
            (0xfe, 3) => I::Bytes(1),
            (0xfe, 0..=2 | 0x10..=0x4e) => I::Memory,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let mut ours = Vec::new();
        let mut code = Code::at(BinaryReader::new(bytes, 0));
        while let Ok(Some(instruction)) = code.next() {
            ours.push(instruction.end);
        }
        let mut theirs = Vec::new();
        let mut reader = BinaryReader::new(bytes, 0);
        reader.set_features(wasmparser::WasmFeatures::all());
        let mut operators = wasmparser::OperatorsReader::new(reader);
        while !operators.eof() && operators.read().is_ok() {
            theirs.push(operators.original_position() as usize);
        }
        (ours, theirs)
    }

    #[test]
    fn every_opcode_is_as_long_as_the_full_decoder_says() {
        let singles = (0x00..=0xfau8).map(|opcode| vec![opcode]);
        let prefixed = (0xfb..=0xfeu8).flat_map(|prefix| {
            (0..0x140u32)
                .map(move |sub| [vec![prefix], super::super::splice::encoded(sub)].concat())
        });
        let mut wrong = Vec::new();
        for head in singles.chain(prefixed) {
            // `else` and the catches of the old exceptions want an open block in the full decoder.
            let wants_block = matches!(head[0], 0x05 | 0x07 | 0x0b | 0x18 | 0x19);
            // Proposals that no engine ships and no linker emits: stack switching, descriptors,
            // atomics on tables and structs, multi-byte array accesses.
            let far = matches!(head[..], [0xe0..=0xe6] | [0xfb, 32..=255] | [0xfe, 4 | 0x4f..=255]);
            if wants_block || far {
                continue;
            }
            let mut bytes = head.clone();
            bytes.extend([0; 24]);
            let (ours, theirs) = both(&bytes);
            if let Some(end) = theirs.first()
                && ours.first() != Some(end)
            {
                wrong.push((head, ours.first().copied(), *end));
            }
        }
        assert_eq!(wrong, []);
    }

    proptest! {
        #[test]
        fn it_never_panics_and_always_advances(bytes: Vec<u8>) {
            let mut code = Code::at(BinaryReader::new(&bytes, 0));
            let mut last = 0;
            while let Ok(Some(instruction)) = code.next() {
                prop_assert!(instruction.end > last && instruction.end <= bytes.len());
                last = instruction.end;
            }
        }
    }
}
