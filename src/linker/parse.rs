//! Reads the bytes of a module into [`Module`], refusing what a linker cannot handle.

use super::code::{Code, Instruction, op};
use super::fault::{Fault, Result};
use super::linking;
use super::module::{
    Body, Data, Element, Global, Import, Init, InitValue, Module, Section, TableType, TypeRef, id,
    is_debugging,
};
use crate::error::Kind;
use std::ops::Range;
use wasmparser::{
    BinaryReader, Encoding, FromReader, Imports, Name, NameSectionReader, Parser, Payload,
    SectionLimited,
};

/// Parses a module; function bodies are found but not decoded, and what speaks to debuggers is
/// not looked into.
///
/// # Errors
/// `ERR_MALFORMED_MODULE` where the bytes are not a module, `ERR_UNSUPPORTED_MODULE` for a
/// component; both with the byte that shows it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Module<'_>> {
    parse_with(bytes, false)
}

/// [`parse`], with the relocations of debugging data if that is to move.
///
/// # Errors
/// As `parse`.
pub(crate) fn parse_with(bytes: &[u8], debugging: bool) -> Result<Module<'_>> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(Fault::new(Kind::MalformedModule, 0, "a module file is at most 4 GiB"));
    }
    let mut module = Module { bytes, ..Module::default() };
    let mut head = 8;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let Some((id, body)) = payload.as_section() {
            let body = span(body);
            if body.end > bytes.len() {
                let message = "a section ends past the end of the file";
                return Err(Fault::new(Kind::MalformedModule, head, message));
            }
            let (name, content) = match &payload {
                Payload::CustomSection(custom) => (custom.name(), custom.data_offset() as usize),
                _ => ("", body.start),
            };
            let end = body.end;
            module.sections.push(Section { id, name, head, body, content });
            head = end;
        }
        read(&mut module, payload, debugging)?;
    }
    if module.bodies.len() + module.imported_functions as usize != module.functions.len() {
        let at = module.section(id::CODE).map_or(bytes.len(), |section| section.body.start);
        let message = "the function and code sections disagree in number";
        return Err(Fault::new(Kind::MalformedModule, at, message));
    }
    Ok(module)
}

fn read<'a>(module: &mut Module<'a>, payload: Payload<'a>, debugging: bool) -> Result<()> {
    match payload {
        Payload::Version { encoding: Encoding::Component, .. } => {
            let message = "a component, not a module: components are not linked";
            return Err(Fault::new(Kind::UnsupportedModule, 4, message));
        }
        Payload::TypeSection(types) => {
            for group in types {
                for ty in group?.into_types() {
                    let function = match ty.composite_type.inner {
                        wasmparser::CompositeInnerType::Func(function) => Some(function),
                        _ => None,
                    };
                    module.types.push(function);
                }
            }
        }
        Payload::ImportSection(section) => imports(module, section)?,
        Payload::FunctionSection(section) => {
            for ty in section {
                module.functions.push(ty?);
            }
        }
        Payload::TableSection(section) => {
            let mut reader = body(module, section.range());
            for _ in 0..reader.read_var_u32()? {
                let (ty, limits) = table(&mut reader)?;
                module.tables.push(ty);
                module.table_limits.push(limits);
            }
        }
        Payload::MemorySection(section) => {
            for (range, memory) in ranged(section)? {
                module.memories.push(memory);
                module.memory_ranges.push(range);
            }
        }
        Payload::GlobalSection(section) => {
            let mut reader = body(module, section.range());
            for _ in 0..reader.read_var_u32()? {
                let start = reader.original_position() as usize;
                let ty = reader.read()?;
                let init = init(&mut reader)?;
                let range = start..reader.original_position() as usize;
                module.globals.push(Global { ty, init, range });
            }
        }
        Payload::ExportSection(section) => {
            for export in section {
                module.exports.push(export?);
            }
        }
        Payload::StartSection { func, .. } => module.start = Some(func),
        Payload::ElementSection(section) => {
            let mut reader = body(module, section.range());
            for _ in 0..reader.read_var_u32()? {
                module.elements.push(element(&mut reader)?);
            }
        }
        Payload::DataSection(section) => {
            let mut reader = body(module, section.range());
            for _ in 0..reader.read_var_u32()? {
                module.data.push(data(&mut reader)?);
            }
        }
        Payload::CodeSectionEntry(body) => {
            let range = span(body.range());
            let before = match module.bodies.last() {
                Some(body) => body.range.end,
                None => first_entry(module)?,
            };
            module.bodies.push(Body { size: before..range.start, range });
        }
        Payload::CustomSection(section) => {
            let reader = BinaryReader::new(section.data(), section.data_offset());
            match section.name() {
                "linking" => linking::linking(module, reader)?,
                "dylink.0" => linking::dylink(module, reader)?,
                "name" => names(module, reader),
                name if is_debugging(name) && !debugging => {}
                name if name.starts_with("reloc.") => linking::relocations(module, reader)?,
                _ => {}
            }
        }
        Payload::UnknownSection { id, range, .. } => {
            let message = format!("unknown section {id}");
            return Err(Fault::new(Kind::MalformedModule, range.start as usize, message));
        }
        _ => {}
    }
    Ok(())
}

/// Names are a courtesy: a broken name section is one without names.
fn names<'a>(module: &mut Module<'a>, reader: BinaryReader<'a>) {
    for name in NameSectionReader::new(reader).map_while(std::result::Result::ok) {
        if let Name::Global(map) = name {
            let named = map.into_iter().map_while(std::result::Result::ok);
            module.global_names.extend(named.map(|naming| (naming.index, naming.name)));
        }
    }
}

/// Where the entries of the code section start: after their count.
fn first_entry(module: &Module<'_>) -> Result<usize> {
    let section = module.section(id::CODE).map_or(0..0, |section| section.body.clone());
    let mut reader = BinaryReader::new(&module.bytes[section.clone()], section.start as u64);
    reader.read_var_u32()?;
    Ok(reader.original_position() as usize)
}

fn imports<'a>(module: &mut Module<'a>, section: SectionLimited<'a, Imports<'a>>) -> Result<()> {
    for (range, group) in ranged(section)? {
        let Imports::Single(_, import) = group else {
            let message = "the compact encoding of imports is not supported";
            return Err(Fault::new(Kind::UnsupportedModule, range.start, message));
        };
        match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                module.functions.push(ty);
                module.imported_functions += 1;
            }
            TypeRef::Table(ty) => {
                module.tables.push(ty);
                module.imported_tables += 1;
            }
            TypeRef::Memory(ty) => {
                module.memories.push(ty);
                module.imported_memories += 1;
            }
            TypeRef::Global(_) => module.imported_globals += 1,
            TypeRef::Tag(_) => {}
        }
        let wasmparser::Import { module: from, name, ty } = import;
        module.imports.push(Import { module: from, name, ty, range });
    }
    Ok(())
}

/// The bytes of a section whose items hold constant expressions, which are read here.
fn body<'a>(module: &Module<'a>, range: Range<u64>) -> BinaryReader<'a> {
    BinaryReader::new(&module.bytes[span(range.clone())], range.start)
}

/// A table's type, and the bytes of its limits.
fn table(reader: &mut BinaryReader<'_>) -> Result<(TableType, Range<usize>)> {
    // `0x40 0x00` before the type, and an expression after it: a table with an initial element.
    let with_init = reader.clone().read_u8()? == 0x40;
    if with_init {
        reader.read_bytes(2)?;
    }
    let mut limits = reader.clone();
    limits.read::<wasmparser::RefType>()?;
    let ty = reader.read()?;
    let limits = limits.original_position() as usize..reader.original_position() as usize;
    if with_init {
        init(reader)?;
    }
    Ok((ty, limits))
}

fn element(reader: &mut BinaryReader<'_>) -> Result<Element> {
    let at = reader.original_position() as usize;
    let flags = reader.read_var_u32()?;
    if flags > 7 {
        let message = format!("an element segment with flags {flags:#x}");
        return Err(Fault::new(Kind::MalformedModule, at, message));
    }
    let (passive, explicit, expressions) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
    let table = if explicit && !passive { reader.read_var_u32()? } else { 0 };
    let offset = if passive { None } else { Some(init(reader)?) };
    if (passive || explicit) && expressions {
        reader.read::<wasmparser::RefType>()?;
    } else if passive || explicit {
        reader.read_u8()?;
    }
    let mut functions = Vec::new();
    for _ in 0..reader.read_var_u32()? {
        let function = if expressions {
            match init(reader)?.value {
                InitValue::Function(function) => function,
                _ => u32::MAX,
            }
        } else {
            reader.read_var_u32()?
        };
        functions.push(function);
    }
    Ok(Element { table, offset, functions })
}

pub(crate) fn data(reader: &mut BinaryReader<'_>) -> Result<Data> {
    let start = reader.original_position() as usize;
    let (memory, passive) = match reader.read_var_u32()? {
        0 => (0, false),
        1 => (0, true),
        2 => (reader.read_var_u32()?, false),
        flags => {
            let message = format!("a data segment with flags {flags:#x}");
            return Err(Fault::new(Kind::MalformedModule, start, message));
        }
    };
    let offset = if passive { None } else { Some(init(reader)?) };
    let bytes = span(reader.read_reader()?.range());
    Ok(Data { offset, memory, range: start..bytes.end, bytes })
}

/// Reads a constant expression up to its `end`.
fn init(reader: &mut BinaryReader<'_>) -> Result<Init> {
    let start = reader.original_position() as usize;
    let mut code = Code::at(reader.clone());
    let mut value = None;
    loop {
        let Some(Instruction { opcode, operand: at, end, first, .. }) = code.next()? else {
            let message = "a constant expression does not end";
            return Err(Fault::new(Kind::MalformedModule, start, message));
        };
        // Extended constant expressions are understood as far as linkers emit them: a base and a
        // constant, added.
        value = Some(match (opcode, value) {
            (op::END, _) => break,
            (op::I32_CONST, None) => {
                InitValue::Const { value: first as u32 as u64, at, end, width: 4 }
            }
            (op::I64_CONST, None) => InitValue::Const { value: first as u64, at, end, width: 8 },
            (op::GLOBAL_GET, None) => InitValue::Global { index: first as u32, addend: 0 },
            (op::REF_FUNC, None) => InitValue::Function(first as u32),
            (op::I32_CONST | op::I64_CONST, Some(InitValue::Global { index, addend: 0 })) => {
                InitValue::Global { index, addend: first as u64 }
            }
            (op::I32_ADD | op::I64_ADD, Some(sum @ InitValue::Global { .. })) => sum,
            _ => InitValue::Other,
        });
    }
    *reader = code.into_reader();
    let range = start..reader.original_position() as usize;
    Ok(Init { value: value.unwrap_or(InitValue::Other), range })
}

/// The items of a section with the bytes each takes.
fn ranged<'a, T: FromReader<'a>>(section: SectionLimited<'a, T>) -> Result<Vec<(Range<usize>, T)>> {
    let end = section.range().end as usize;
    let mut items: Vec<(Range<usize>, T)> = Vec::new();
    for item in section.into_iter_with_offsets() {
        let (offset, item) = item?;
        if let Some((last, _)) = items.last_mut() {
            last.end = offset as usize;
        }
        items.push((offset as usize..end, item));
    }
    Ok(items)
}

fn span(range: Range<u64>) -> Range<usize> {
    // Files longer than `usize` can count were refused at the door.
    range.start as usize..range.end as usize
}
