//! Writes a module anew for its place in a shared memory, from its plan.

use super::draft::Draft;
use super::fault::{Fault, Result};
use super::leb::Form;
use super::linking::{Place, Symbol};
use super::module::{Module, TypeRef, id, is_debugging};
use super::plan::{Fix, Placement, Plan};
use super::splice::{Splicer, encoded};
use super::{dynamic, extent};
use crate::error::Kind;
use std::ops::Range;
use wasm_encoder::{Encode, EntityType, ExportKind, InstructionSink};

/// The bytes of a wasm page.
pub(crate) const PAGE: u64 = 1 << 16;

/// The most pages that a 32-bit memory has.
pub(crate) const MAX_PAGES: u64 = 1 << 16;

/// The memory and table that the rewritten module imports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Surroundings {
    pub(crate) pages: u64,
    pub(crate) maximum: Option<u64>,
    pub(crate) shared: bool,
    /// The slots of the one function table, if the modules share one.
    pub(crate) table: Option<u64>,
    /// Whether the active segments are taken out, for the host to write once.
    pub(crate) data_apart: bool,
    /// Whether what speaks to debuggers stays.
    pub(crate) debugging: bool,
    /// Whether side modules go on importing their stack pointer: who catches an exception takes the
    /// frames of all modules off, which must lie on one stack.
    pub(crate) one_stack: bool,
}

/// A module after it was moved.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) file: Draft,
    /// Addresses and what of the old file the host has to write there.
    pub(crate) image: Vec<(u64, Range<usize>)>,
    /// Alignment and first bytes, in the old file, of what each thread has for itself.
    pub(crate) tls: Option<(u64, Range<usize>)>,
}

/// What is taken out of a module for many instances: its image, and its thread-local data.
type Apart = (Vec<(u64, Range<usize>)>, Option<(u64, Range<usize>)>);

/// What the other modules mean for one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// The value of each imported global, by index; side modules only.
    pub(crate) globals: Vec<u64>,
    /// Slots of the common table to fill with functions of this module.
    pub(crate) elements: Vec<(u64, u32)>,
    /// Functions of this module that become calls of a slot of the common table.
    pub(crate) redirected: Vec<(u32, u64)>,
}

impl Links {
    /// The slot of the common table that holds a function of this module; the next free one, of
    /// `table`, if it has none yet.
    pub(crate) fn slot(
        &mut self,
        module: &Module<'_>,
        placement: &Placement,
        function: u32,
        table: &mut u64,
    ) -> u64 {
        if let Some(slot) = module.slot_of_function(function) {
            return slot + placement.slots;
        }
        if let Some((slot, _)) = self.elements.iter().find(|(_, found)| *found == function) {
            return *slot;
        }
        self.elements.push((*table, function));
        *table += 1;
        *table - 1
    }
}

/// Applies a plan.
///
/// # Errors
/// `ERR_UNSUPPORTED_MODULE` if memory or table cannot be imported, `ERR_STALE_RELOCATION` if a
/// planned number is no longer where it was found.
pub(crate) fn place(
    module: &Module<'_>,
    plan: &Plan,
    placement: &Placement,
    around: &Surroundings,
    links: &Links,
) -> Result<Rewritten> {
    let mut splicer = Splicer::new(module);
    let moved = plan.fixes.iter();
    // The offsets of segments that are taken out go with them.
    let gone = around.data_apart.then(|| module.section(id::DATA)).flatten();
    apply(
        module,
        moved.filter(|fix| {
            !gone.is_some_and(|data| {
                matches!(fix.form, Form::Free(_)) && data.body.contains(&fix.site.start)
            })
        }),
        placement,
        &mut splicer,
    )?;
    let (image, tls) = match around.data_apart {
        true => apart(module, plan, placement, &mut splicer),
        false => (Vec::new(), None),
    };
    memory(module, around, &mut splicer)?;
    if let Some(slots) = around.table {
        let needed = !links.elements.is_empty() || !links.redirected.is_empty();
        table(module, slots, needed, &mut splicer)?;
    }
    if module.dylink.is_some() {
        let base = placement.offset + plan.extent.data_start;
        dynamic::settle(module, base, links, around, &mut splicer)?;
    }
    for (function, slot) in &links.redirected {
        redirect(module, *function, *slot, &mut splicer);
    }
    for (slot, function) in &links.elements {
        splicer.append(id::ELEMENT, &dynamic::element(*slot, *function, wide_table(module)));
    }
    for (index, section) in module.sections.iter().enumerate() {
        let spent = section.name == "linking"
            || section.name == "dylink.0"
            || section.name.starts_with("reloc.")
            || (!around.debugging && is_debugging(section.name));
        // The entries speak of a module that is no more: what is left would be stale.
        if section.id == id::CUSTOM && spent {
            splicer.drop_section(index);
        }
    }
    Ok(Rewritten { file: splicer.finish(), image, tls })
}

/// Writes the numbers of the plan.
fn apply<'p>(
    module: &Module<'_>,
    fixes: impl Iterator<Item = &'p Fix>,
    placement: &Placement,
    splicer: &mut Splicer<'_, '_>,
) -> Result<()> {
    for fix in fixes {
        let mask = if fix.form.width() == 4 { u64::from(u32::MAX) } else { u64::MAX };
        let old = fix.value.present().wrapping_add_signed(fix.addend) & mask;
        let new = placement.of(fix.value).wrapping_add_signed(fix.addend) & mask;
        if old == new {
            continue;
        }
        let bytes = &module.bytes[fix.site.clone()];
        if fix.form.read(bytes) != Some(old) {
            let message = format!("a number to move is not {old:#x} any more");
            return Err(Fault::new(Kind::StaleRelocation, fix.site.start, message));
        }
        match fix.form {
            Form::Free(4) => splicer.replace(fix.site.clone(), encoded(new as u32 as i32)),
            Form::Free(_) => splicer.replace(fix.site.clone(), encoded(new as i64)),
            form => splicer.patch(fix.site.clone(), form, new),
        }
    }
    Ok(())
}

/// Makes the module import its memory with the limits of the one that is shared.
fn memory(module: &Module<'_>, around: &Surroundings, splicer: &mut Splicer<'_, '_>) -> Result<()> {
    let found = module.memory()?;
    if found.page_size_log2.is_some_and(|size| size != 16) {
        let message = "the module's memory has pages of its own size";
        return Err(Fault::new(Kind::UnsupportedModule, 0, message));
    }
    let ty = EntityType::Memory(wasm_encoder::MemoryType {
        minimum: around.pages,
        maximum: around.maximum,
        memory64: found.memory64,
        shared: around.shared,
        page_size_log2: None,
    });
    let mut imports = module.imports.iter();
    match imports.find(|import| matches!(import.ty, TypeRef::Memory(_))) {
        Some(import) => {
            splicer.replace(import.range.clone(), entry(import.module, import.name, ty));
        }
        None => {
            splicer.drop_all(id::MEMORY);
            splicer.append(id::IMPORT, &entry("env", "memory", ty));
        }
    }
    Ok(())
}

/// Makes the module import the function table, with room for the slots of all; `needed` if it has
/// no table of its own but is to fill slots.
fn table(
    module: &Module<'_>,
    slots: u64,
    needed: bool,
    splicer: &mut Splicer<'_, '_>,
) -> Result<()> {
    let at = module.section(id::TABLE).map_or(0, |section| section.head);
    let (table64, shared) = match module.tables.as_slice() {
        [] if !needed => return Ok(()),
        [] => (false, false),
        [table] if table.element_type.is_func_ref() => (table.table64, table.shared),
        _ => {
            let message = "only a module with one table of functions can share it";
            return Err(Fault::new(Kind::UnsupportedModule, at, message));
        }
    };
    let ty = EntityType::Table(wasm_encoder::TableType {
        element_type: wasm_encoder::RefType::FUNCREF,
        minimum: slots,
        maximum: None,
        table64,
        shared,
    });
    let mut imports = module.imports.iter();
    match imports.find(|import| matches!(import.ty, TypeRef::Table(_))) {
        Some(import) => {
            splicer.replace(import.range.clone(), entry(import.module, import.name, ty));
        }
        None => {
            splicer.drop_all(id::TABLE);
            splicer.append(id::IMPORT, &entry("env", "__indirect_function_table", ty));
        }
    }
    Ok(())
}

/// Makes the body of a function a call, with its own arguments, of what is in a slot of table 0.
fn redirect(module: &Module<'_>, function: u32, slot: u64, splicer: &mut Splicer<'_, '_>) {
    let (Some(body), Some(ty)) = (module.body(function), module.signature(function)) else {
        return;
    };
    let mut bytes = encoded(0u32);
    let mut code = InstructionSink::new(&mut bytes);
    for local in 0..ty.params().len() as u32 {
        code.local_get(local);
    }
    if wide_table(module) {
        code.i64_const(slot as i64)
    } else {
        code.i32_const(slot as i32)
    };
    code.call_indirect(0, module.functions[function as usize]).end();
    splicer.replace(body.range.clone(), bytes);
}

fn wide_table(module: &Module<'_>) -> bool {
    module.tables.first().is_some_and(|table| table.table64)
}

/// An entry of the import section.
pub(crate) fn entry(module: &str, name: &str, ty: EntityType) -> Vec<u8> {
    let mut bytes = Vec::new();
    module.encode(&mut bytes);
    name.encode(&mut bytes);
    ty.encode(&mut bytes);
    bytes
}

/// Makes the module one for many instances: what may be done only once is left to the host.
fn apart(
    module: &Module<'_>,
    plan: &Plan,
    placement: &Placement,
    splicer: &mut Splicer<'_, '_>,
) -> Apart {
    let mut image = Vec::new();
    for (data, address) in module.data.iter().zip(&plan.segments) {
        let (Some(_), Some(address)) = (&data.offset, address) else { continue };
        image.push((address.wrapping_add(placement.offset), data.bytes.clone()));
        // An empty passive segment keeps the numbers of those that follow.
        splicer.replace(data.range.clone(), vec![1, 0]);
    }
    if let Some(start) = module.start {
        splicer.drop_all(id::START);
        splicer.append(id::EXPORT, &item("__isolith_start", ExportKind::Func, start));
    }
    let own = extent::stack_pointer(module, &plan.extent);
    if let Some(global) = own.or_else(|| dynamic::stack_pointer(module)) {
        let item = item("__isolith_stack_pointer", ExportKind::Global, global);
        splicer.append(id::EXPORT, &item);
    }
    let tls = thread_local(module, splicer);
    (image, tls)
}

/// The alignment and first bytes of a thread's own data; exports the global that says where it is.
fn thread_local(module: &Module<'_>, splicer: &mut Splicer<'_, '_>) -> Option<(u64, Range<usize>)> {
    // Without threads such data is like any other.
    module.memories.first().filter(|memory| memory.shared)?;
    let segment = module.symbols.iter().find_map(|symbol| match symbol {
        Symbol::Data { place: Some(Place::ThreadLocal { segment, .. }), .. } => {
            Some(*segment as usize)
        }
        _ => None,
    })?;
    let data = module.data.get(segment)?;
    let mut globals = (module.imported_globals..).zip(&module.globals);
    let (base, _) = globals.find(|(index, global)| {
        global.ty.mutable && module.global_name(*index) == Some("__tls_base")
    })?;
    splicer.append(id::EXPORT, &item("__isolith_tls_base", ExportKind::Global, base));
    let align = module.alignments.get(segment).map_or(1, |align| 1u64 << (*align).min(30));
    Some((align, data.bytes.clone()))
}

/// An entry of the export section.
pub(crate) fn item(name: &str, kind: ExportKind, index: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    name.encode(&mut bytes);
    kind.encode(&mut bytes);
    index.encode(&mut bytes);
    bytes
}

/// The slots of the function table that a module fills or reserves: the null slot included, but in
/// a side module, which has none.
pub(crate) fn slots(module: &Module<'_>) -> u64 {
    let filled = module.slot_runs().map(|(first, functions)| first + functions.len() as u64);
    let filled = filled.max().unwrap_or(0);
    match &module.dylink {
        Some(dylink) => filled.max(dylink.table_size.into()),
        None => filled.max(module.tables.first().map_or(0, |table| table.initial)).max(1),
    }
}
