//! What the linker knows of a module: every list in index order, every number with its place.

use super::fault::{Fault, Result};
use super::leb::Form;
use super::linking::{Dylink, Relocations, Symbol};
use crate::error::Kind;
use std::ops::Range;
pub(crate) use wasmparser::{
    Export, ExternalKind, FuncType, GlobalType, MemoryType, TableType, TypeRef,
};

/// Section numbers of the binary format that the linker speaks of.
pub(crate) mod id {
    pub(crate) const CUSTOM: u8 = 0;
    pub(crate) const TYPE: u8 = 1;
    pub(crate) const IMPORT: u8 = 2;
    pub(crate) const TABLE: u8 = 4;
    pub(crate) const MEMORY: u8 = 5;
    pub(crate) const GLOBAL: u8 = 6;
    pub(crate) const EXPORT: u8 = 7;
    pub(crate) const START: u8 = 8;
    pub(crate) const ELEMENT: u8 = 9;
    pub(crate) const CODE: u8 = 10;
    pub(crate) const DATA: u8 = 11;
}

/// Whether a custom section of this name speaks to debuggers, or of a section that does.
pub(crate) fn is_debugging(name: &str) -> bool {
    name.strip_prefix("reloc.").unwrap_or(name).starts_with(".debug_")
}

/// One section of the file: `head` is its id byte, `body` what follows the length, `content` where
/// offsets of relocations count from, which in a custom section is after its name.
#[derive(Clone, Debug)]
pub(crate) struct Section<'a> {
    pub(crate) id: u8,
    /// The name of a custom section, `""` otherwise.
    pub(crate) name: &'a str,
    pub(crate) head: usize,
    pub(crate) body: Range<usize>,
    pub(crate) content: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Import<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) ty: TypeRef,
    pub(crate) range: Range<usize>,
}

/// The initial value of a global, or the offset of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Init {
    pub(crate) value: InitValue,
    /// The whole expression with its `end`.
    pub(crate) range: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum InitValue {
    /// `i32.const` (4 bytes wide) or `i64.const` (8): the number and the bytes that spell it.
    Const { value: u64, at: usize, end: usize, width: usize },
    /// The value of a global and a constant more.
    Global { index: u32, addend: u64 },
    /// A reference to a function.
    Function(u32),
    /// Anything else: floats, null, extended constant expressions.
    Other,
}

impl Init {
    /// The constant, or `None`.
    pub(crate) fn constant(&self) -> Option<u64> {
        match self.value {
            InitValue::Const { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The place of the constant and how it is spelled.
    pub(crate) fn site(&self) -> Option<(Range<usize>, Form)> {
        match self.value {
            InitValue::Const { at, end, width, .. } => Some((at..end, Form::Free(width))),
            _ => None,
        }
    }
}

/// A global of the module's own; imported ones are among the imports.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) ty: GlobalType,
    pub(crate) init: Init,
    pub(crate) range: Range<usize>,
}

/// Functions put into a table; only active segments of plain functions have `offset`.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) table: u32,
    pub(crate) offset: Option<Init>,
    /// Function indices; `u32::MAX` for an entry that is not a plain function.
    pub(crate) functions: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// `None`: a passive segment.
    pub(crate) offset: Option<Init>,
    pub(crate) memory: u32,
    /// The segment with its header.
    pub(crate) range: Range<usize>,
    /// The bytes it holds.
    pub(crate) bytes: Range<usize>,
}

/// A function body: `size` is the length field in front of `range`.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) size: Range<usize>,
    pub(crate) range: Range<usize>,
}

/// A parsed module; borrows the file it was read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Module<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sections: Vec<Section<'a>>,
    pub(crate) types: Vec<Option<FuncType>>,
    pub(crate) imports: Vec<Import<'a>>,
    /// The type of every function, imported ones first.
    pub(crate) functions: Vec<u32>,
    /// Every table, imported ones first.
    pub(crate) tables: Vec<TableType>,
    /// The bytes of the limits of each table that is not imported.
    pub(crate) table_limits: Vec<Range<usize>>,
    /// The bytes of each memory that is not imported.
    pub(crate) memory_ranges: Vec<Range<usize>>,
    /// Every memory, imported ones first.
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<Global>,
    pub(crate) imported_functions: u32,
    pub(crate) imported_tables: u32,
    pub(crate) imported_memories: u32,
    pub(crate) imported_globals: u32,
    pub(crate) exports: Vec<Export<'a>>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<Element>,
    pub(crate) data: Vec<Data>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) global_names: Vec<(u32, &'a str)>,
    pub(crate) symbols: Vec<Symbol<'a>>,
    /// Powers of two that the data segments are aligned to, from the linking section.
    pub(crate) alignments: Vec<u32>,
    pub(crate) relocations: Vec<Relocations<'a>>,
    pub(crate) dylink: Option<Dylink<'a>>,
}

impl<'a> Module<'a> {
    /// The section with this id, which is not a custom one.
    pub(crate) fn section(&self, id: u8) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.id == id)
    }

    /// The global of this index if it is the module's own.
    pub(crate) fn own_global(&self, index: u32) -> Option<&Global> {
        self.globals.get(index.checked_sub(self.imported_globals)? as usize)
    }

    /// The type of a function.
    pub(crate) fn signature(&self, function: u32) -> Option<&FuncType> {
        let ty = self.functions.get(function as usize)?;
        self.types.get(*ty as usize)?.as_ref()
    }

    /// The body of the function of this index if it is the module's own.
    pub(crate) fn body(&self, function: u32) -> Option<&Body> {
        self.bodies.get(function.checked_sub(self.imported_functions)? as usize)
    }

    /// The name of a global as an export, a symbol or the name section has it.
    pub(crate) fn global_name(&self, index: u32) -> Option<&'a str> {
        let exported = self.exports.iter();
        exported
            .filter(|export| export.kind == ExternalKind::Global && export.index == index)
            .map(|export| export.name)
            .chain(self.symbols.iter().filter_map(|symbol| match symbol {
                Symbol::Global { index: global, name } if *global == index => *name,
                _ => None,
            }))
            .chain(self.global_names.iter().filter(|(global, _)| *global == index).map(|(_, n)| *n))
            .next()
    }

    /// The function in a slot of table 0 as the active segments fill it.
    pub(crate) fn function_in_slot(&self, slot: u64) -> Option<u32> {
        self.slot_runs().find_map(|(first, functions)| {
            let index = usize::try_from(slot.checked_sub(first)?).ok()?;
            functions.get(index).copied()
        })
    }

    /// The slot of table 0 that holds a function.
    pub(crate) fn slot_of_function(&self, function: u32) -> Option<u64> {
        self.slot_runs().find_map(|(first, functions)| {
            let index = functions.iter().position(|found| *found == function)?;
            Some(first + index as u64)
        })
    }

    /// The active segments of table 0: the first slot and the functions from there.
    ///
    /// In a side module slots count from `__table_base`.
    pub(crate) fn slot_runs(&self) -> impl Iterator<Item = (u64, &[u32])> {
        self.elements.iter().filter(|element| element.table == 0).filter_map(|element| {
            let first = match element.offset.as_ref()?.value {
                InitValue::Const { value, .. } => value,
                InitValue::Global { addend, .. } if self.dylink.is_some() => addend,
                _ => return None,
            };
            Some((first, element.functions.as_slice()))
        })
    }

    /// The one memory of the module.
    ///
    /// # Errors
    /// `ERR_UNSUPPORTED_MODULE` for no memory or several.
    pub(crate) fn memory(&self) -> Result<&MemoryType> {
        match self.memories.as_slice() {
            [memory] => Ok(memory),
            [] => Err(Fault::new(Kind::UnsupportedModule, 0, "the module has no memory")),
            _ => {
                let section = self.section(id::MEMORY).map_or(0, |section| section.head);
                let message = "the module has several memories; one can be shared";
                Err(Fault::new(Kind::UnsupportedModule, section, message))
            }
        }
    }

    /// Bytes of an address: 4, or 8 for a 64-bit memory.
    pub(crate) fn pointer_width(&self) -> usize {
        if self.memories.first().is_some_and(|memory| memory.memory64) { 8 } else { 4 }
    }

    /// The names of the section that holds this byte of the file, for messages.
    pub(crate) fn section_name_at(&self, offset: usize) -> &'a str {
        let section = self.sections.iter().find(|section| section.body.contains(&offset));
        section.map_or("header", Section::label)
    }
}

impl<'a> Section<'a> {
    /// The section's name as people write it.
    pub(crate) fn label(&self) -> &'a str {
        const LABELS: [&str; 14] = [
            "custom",
            "type",
            "import",
            "function",
            "table",
            "memory",
            "global",
            "export",
            "start",
            "element",
            "code",
            "data",
            "data count",
            "tag",
        ];
        match self.id {
            id::CUSTOM => self.name,
            id => LABELS.get(usize::from(id)).copied().unwrap_or("unknown"),
        }
    }
}
