//! Reads the custom sections that linkers leave: `linking`, `reloc.*` and `dylink.0`.

use super::fault::{Fault, Result};
use super::module::Module;
use crate::error::Kind;
use wasmparser::{
    BinaryReader, Dylink0SectionReader, Dylink0Subsection, Linking, LinkingSectionReader,
    RelocSectionReader, RelocationEntry, SectionLimited, SymbolFlags, SymbolInfo,
};

/// A row of the symbol table, reduced to what relocations ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Symbol<'a> {
    Function {
        index: u32,
        name: Option<&'a str>,
    },
    /// A place in linear memory; `place` is `None` for an undefined one, whose address is 0.
    Data {
        name: &'a str,
        place: Option<Place>,
    },
    Global {
        index: u32,
        name: Option<&'a str>,
    },
    /// A table, a tag: relocations name their index, which linking does not change.
    Index(u32),
    /// A custom section of debugging data.
    Section,
}

/// Where a data symbol lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Segment {
        index: u32,
        offset: u32,
    },
    /// An offset from `__tls_base`, within the segment of thread-local data.
    ThreadLocal {
        segment: u32,
        offset: u32,
    },
    /// One of the linker's own symbols, such as `__heap_base`.
    Absolute(u32),
}

/// One `reloc.*` section: the entries for the section at place `section` of the file.
#[derive(Clone, Debug)]
pub(crate) struct Relocations<'a> {
    pub(crate) section: u32,
    pub(crate) entries: SectionLimited<'a, RelocationEntry>,
    /// Where the section starts, for messages.
    pub(crate) at: usize,
}

/// The `dylink.0` section of a side module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dylink<'a> {
    pub(crate) memory_size: u32,
    pub(crate) memory_alignment: u32,
    pub(crate) table_size: u32,
    pub(crate) table_alignment: u32,
    pub(crate) needed: Vec<&'a str>,
    pub(crate) weak_imports: Vec<&'a str>,
    pub(crate) weak_exports: Vec<&'a str>,
    pub(crate) thread_local_exports: Vec<&'a str>,
}

/// Reads `linking` into `module`.
pub(crate) fn linking<'a>(module: &mut Module<'a>, reader: BinaryReader<'a>) -> Result<()> {
    for subsection in LinkingSectionReader::new(reader)?.subsections() {
        match subsection? {
            Linking::SymbolTable(symbols) => {
                // Not reserved by the count in the file: a broken one could ask for gigabytes.
                for symbol in symbols {
                    module.symbols.push(reduce(symbol?));
                }
            }
            Linking::SegmentInfo(segments) => {
                for segment in segments {
                    module.alignments.push(segment?.alignment);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn reduce(symbol: SymbolInfo<'_>) -> Symbol<'_> {
    match symbol {
        SymbolInfo::Func { index, name, .. } => Symbol::Function { index, name },
        SymbolInfo::Global { index, name, .. } => Symbol::Global { index, name },
        SymbolInfo::Event { index, .. } | SymbolInfo::Table { index, .. } => Symbol::Index(index),
        SymbolInfo::Section { .. } => Symbol::Section,
        SymbolInfo::Data { flags, name, symbol } => {
            let place = symbol.map(|defined| {
                if flags.contains(SymbolFlags::ABSOLUTE) {
                    Place::Absolute(defined.offset)
                } else if flags.contains(SymbolFlags::TLS) {
                    Place::ThreadLocal { segment: defined.index, offset: defined.offset }
                } else {
                    Place::Segment { index: defined.index, offset: defined.offset }
                }
            });
            Symbol::Data { name, place }
        }
    }
}

/// Reads a `reloc.*` section into `module`.
pub(crate) fn relocations<'a>(module: &mut Module<'a>, reader: BinaryReader<'a>) -> Result<()> {
    let at = reader.original_position() as usize;
    let reader = RelocSectionReader::new(reader)?;
    let section = reader.section_index();
    module.relocations.push(Relocations { section, entries: reader.entries(), at });
    Ok(())
}

/// Reads `dylink.0` into `module`.
///
/// # Errors
/// `ERR_MALFORMED_MODULE`, also for an alignment of 2^31 or more.
pub(crate) fn dylink<'a>(module: &mut Module<'a>, reader: BinaryReader<'a>) -> Result<()> {
    let at = reader.original_position() as usize;
    let mut dylink = Dylink::default();
    for subsection in Dylink0SectionReader::new(reader) {
        match subsection? {
            Dylink0Subsection::MemInfo(info) => {
                if info.memory_alignment > 30 || info.table_alignment > 30 {
                    let message = "dylink.0 asks for an alignment of 2 GiB or more";
                    return Err(Fault::new(Kind::MalformedModule, at, message));
                }
                dylink.memory_size = info.memory_size;
                dylink.memory_alignment = info.memory_alignment;
                dylink.table_size = info.table_size;
                dylink.table_alignment = info.table_alignment;
            }
            Dylink0Subsection::Needed(names) => dylink.needed = names,
            Dylink0Subsection::ImportInfo(imports) => {
                let weak = imports.iter().filter(|i| i.flags.contains(SymbolFlags::BINDING_WEAK));
                dylink.weak_imports.extend(weak.map(|import| import.field));
            }
            Dylink0Subsection::ExportInfo(exports) => {
                for export in exports {
                    if export.flags.contains(SymbolFlags::BINDING_WEAK) {
                        dylink.weak_exports.push(export.name);
                    }
                    if export.flags.contains(SymbolFlags::TLS) {
                        dylink.thread_local_exports.push(export.name);
                    }
                }
            }
            _ => {}
        }
    }
    module.dylink = Some(dylink);
    Ok(())
}
