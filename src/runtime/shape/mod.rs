//! What a module takes and gives: the types of its imports and exports, read from the binary.
//!
//! Engines tell names and kinds, but neither signatures nor limits. Everything that tells lies before
//! the code, so that the first part of a file is enough; nothing is validated beyond what is read:
//! the engine does that.

pub mod export;
mod json;
mod reader;
#[cfg(test)]
mod tests;

pub use json::json;

use reader::{Reader, Stop};

/// The type of a value, as far as callers from outside can tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector: JavaScript cannot pass it.
    V128,
    /// A reference to a function, or null.
    FuncRef,
    /// A reference to anything of the host's, or null.
    ExternRef,
    /// Any other reference.
    Ref,
}

/// How large a memory or table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Pages or elements at the start.
    pub initial: u64,
    /// Pages or elements at the most.
    pub maximum: Option<u64>,
    /// Whether threads share it.
    pub shared: bool,
    /// Whether addresses have 64 bits.
    pub wide: bool,
}

/// The type of an import or export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extern {
    /// A function: what it takes and returns.
    Func(Vec<Value>, Vec<Value>),
    /// A table, its elements' type.
    Table(Limits, Value),
    /// A linear memory.
    Memory(Limits),
    /// A global variable, and whether it can change.
    Global(Value, bool),
    /// A tag of exceptions: what they carry.
    Tag(Vec<Value>),
}

/// One import: module, name, type.
pub type Import = (String, String, Extern);

/// What a module takes and gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// In the order of the file.
    pub imports: Vec<Import>,
    /// In the order of the file.
    pub exports: Vec<(String, Extern)>,
    /// Memories of the module's own.
    pub memories: Vec<Limits>,
    /// Whether it has a start function.
    pub start: bool,
}

/// Why there is no shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The bytes end before all is told.
    More,
    /// A component of the component model (WASI preview 2), not a core module.
    Component,
    /// Not what a module looks like: where, and what is wrong.
    Malformed(usize, &'static str),
}

/// Reads the shape from the first bytes of a module.
///
/// # Errors
/// `More` if it takes more bytes to tell, `Component` and `Malformed` for what is no core module.
pub fn shape(bytes: &[u8]) -> Result<Shape, Refusal> {
    let mut reader = Reader::new(bytes);
    let mut file = File::default();
    let read = file.read(&mut reader);
    let at = reader.position();
    match read {
        Ok(()) => Ok(file.shape),
        Err(Stop::End) => Err(Refusal::More),
        Err(Stop::Component) => Err(Refusal::Component),
        Err(Stop::Bad(what)) => Err(Refusal::Malformed(at, what)),
    }
}

/// The most entries that a section may announce.
const MOST: u32 = 10_000_000;

/// Sections, by the number that begins them.
mod id {
    pub(super) const TYPE: u8 = 1;
    pub(super) const IMPORT: u8 = 2;
    pub(super) const FUNCTION: u8 = 3;
    pub(super) const TABLE: u8 = 4;
    pub(super) const MEMORY: u8 = 5;
    pub(super) const GLOBAL: u8 = 6;
    pub(super) const EXPORT: u8 = 7;
    pub(super) const START: u8 = 8;
    pub(super) const CODE: u8 = 10;
    pub(super) const TAG: u8 = 13;
}

/// The index spaces of the file, as they fill.
#[derive(Default)]
struct File {
    shape: Shape,
    types: Vec<Option<(Vec<Value>, Vec<Value>)>>,
    functions: Vec<u32>,
    tables: Vec<(Limits, Value)>,
    memories: Vec<Limits>,
    globals: Vec<(Value, bool)>,
    tags: Vec<u32>,
}

type Read<T> = Result<T, Stop>;

impl File {
    fn read(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        reader.header()?;
        while !reader.is_empty() {
            let section = reader.byte()?;
            let size = reader.u32()? as usize;
            if section == id::CODE {
                return Ok(());
            }
            let end =
                reader.position().checked_add(size).ok_or(Stop::Bad("a section is too long"))?;
            if matches!(section, id::TYPE..=id::START | id::TAG) {
                self.section(section, reader)?;
                if reader.position() != end {
                    return Err(Stop::Bad("a section is longer or shorter than it says"));
                }
            } else {
                reader.skip(size)?;
            }
        }
        Ok(())
    }

    fn section(&mut self, section: u8, reader: &mut Reader<'_>) -> Read<()> {
        if section == id::START {
            reader.u32()?;
            self.shape.start = true;
            return Ok(());
        }
        let count = reader.u32()?;
        if count > MOST {
            return Err(Stop::Bad("a section announces too many entries"));
        }
        for _ in 0..count {
            match section {
                id::TYPE => self.recursive_types(reader)?,
                id::IMPORT => self.import(reader)?,
                id::FUNCTION => self.functions.push(reader.u32()?),
                id::TABLE => {
                    let table = reader.table()?;
                    self.tables.push(table);
                }
                id::MEMORY => {
                    let limits = reader.limits()?;
                    self.shape.memories.push(limits);
                    self.memories.push(limits);
                }
                id::GLOBAL => {
                    let global = reader.global()?;
                    reader.constant()?;
                    self.globals.push(global);
                }
                id::TAG => {
                    reader.byte()?;
                    self.tags.push(reader.u32()?);
                }
                id::EXPORT => self.export(reader)?,
                _ => return Err(Stop::Bad("an unknown section")),
            }
        }
        Ok(())
    }

    fn recursive_types(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        let many = if reader.peek()? == 0x4e {
            reader.byte()?;
            reader.u32()?
        } else {
            1
        };
        for _ in 0..many {
            let ty = reader.sub_type()?;
            self.types.push(ty);
        }
        Ok(())
    }

    fn import(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        let (module, name) = (reader.name()?, reader.name()?);
        let ty = match reader.byte()? {
            0 => {
                let ty = reader.u32()?;
                self.functions.push(ty);
                self.func(ty)?
            }
            1 => {
                let (limits, of) = reader.table_type()?;
                self.tables.push((limits, of));
                Extern::Table(limits, of)
            }
            2 => {
                let limits = reader.limits()?;
                self.memories.push(limits);
                Extern::Memory(limits)
            }
            3 => {
                let (ty, mutable) = reader.global()?;
                self.globals.push((ty, mutable));
                Extern::Global(ty, mutable)
            }
            4 => {
                reader.byte()?;
                let ty = reader.u32()?;
                self.tags.push(ty);
                self.tag(ty)?
            }
            _ => return Err(Stop::Bad("an import of an unknown kind")),
        };
        self.shape.imports.push((module, name, ty));
        Ok(())
    }

    fn export(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        let name = reader.name()?;
        let kind = reader.byte()?;
        let index = reader.u32()?;
        let at = index as usize;
        let missing = Stop::Bad("an export of something that is not there");
        let ty = match kind {
            0 => {
                let ty = *self.functions.get(at).ok_or(missing)?;
                self.func(ty)?
            }
            1 => self
                .tables
                .get(at)
                .map(|(limits, of)| Extern::Table(*limits, *of))
                .ok_or(missing)?,
            2 => self.memories.get(at).map(|limits| Extern::Memory(*limits)).ok_or(missing)?,
            3 => self
                .globals
                .get(at)
                .map(|(ty, mutable)| Extern::Global(*ty, *mutable))
                .ok_or(missing)?,
            4 => {
                let ty = *self.tags.get(at).ok_or(missing)?;
                self.tag(ty)?
            }
            _ => return Err(Stop::Bad("an export of an unknown kind")),
        };
        self.shape.exports.push((name, ty));
        Ok(())
    }

    fn func(&self, ty: u32) -> Read<Extern> {
        match self.types.get(ty as usize) {
            Some(Some((params, results))) => Ok(Extern::Func(params.clone(), results.clone())),
            _ => Err(Stop::Bad("a function of no type")),
        }
    }

    fn tag(&self, ty: u32) -> Read<Extern> {
        match self.types.get(ty as usize) {
            Some(Some((params, _))) => Ok(Extern::Tag(params.clone())),
            _ => Err(Stop::Bad("a tag of no type")),
        }
    }
}
