//! The exact route: relocation entries say what every number means, and each is checked.

use super::fault::{Fault, Result};
use super::leb::Form;
use super::linking::{Place, Relocations, Symbol};
use super::module::{ExternalKind, Global, Module, id};
use super::plan::{Extent, Fix, Plan, Route, Value};
use super::startup::Startup;
use super::well_known::{self, Meaning};
use crate::error::Kind;
use std::ops::Range;
use wasmparser::{RelocationEntry, RelocationType as R};

/// Whether the module was linked with `--emit-relocs`, and its entries are still there.
pub(crate) fn applies(module: &Module<'_>) -> bool {
    let section = |id| module.sections.iter().position(|section| section.id == id);
    let (code, data) = (section(id::CODE), section(id::DATA));
    let covered = module.relocations.iter().any(|relocations| {
        let section = Some(relocations.section as usize);
        section == code || section == data
    });
    // A symbol table without entries: code that names no address, if there is no data either.
    covered || (!module.symbols.is_empty() && module.data.is_empty())
}

/// Checks every relocation entry against the bytes it names, and plans the changes.
///
/// # Errors
/// `ERR_STALE_RELOCATION` where an entry and the bytes disagree, which is what `wasm-opt` and
/// `wasm-bindgen` leave; `ERR_NOT_RELOCATABLE` where a number is not covered.
pub(crate) fn plan(module: &Module<'_>) -> Result<Plan> {
    let startup = Startup::of(module)?;
    let mut planner = Planner::new(module, &startup);
    for relocations in &module.relocations {
        planner.section(relocations)?;
    }
    planner.segments()?;
    planner.name_globals()?;
    planner.finish(&startup)
}

struct Planner<'m, 'a> {
    module: &'m Module<'a>,
    /// The address of each data segment.
    addresses: Vec<Option<u64>>,
    fixes: Vec<Fix>,
    /// What the constant globals of the module's own hold, as far as it is known.
    globals: Vec<Option<Target>>,
    heap_base_used: Option<usize>,
    heap_end_used: Option<usize>,
    table_base: u64,
}

/// A number that an entry speaks of: where it is and what it is now.
struct Site<'a> {
    entry: RelocationEntry,
    at: usize,
    form: Form,
    found: u64,
    symbol: Option<Symbol<'a>>,
}

/// What a data symbol stands for.
#[derive(Clone, Copy)]
enum Target {
    /// Weak and undefined: address 0, whatever is added to it.
    Nothing,
    /// A number that does not depend on the place.
    Fixed(u64),
    Moves(Value),
}

impl<'m, 'a> Planner<'m, 'a> {
    fn new(module: &'m Module<'a>, startup: &Startup) -> Self {
        let table_base = module.symbols.iter().find_map(|symbol| match symbol {
            Symbol::Data { name: "__table_base", place: Some(Place::Absolute(base)) } => {
                Some(*base)
            }
            _ => None,
        });
        Self {
            module,
            addresses: startup.segment_addresses(module),
            fixes: Vec::new(),
            globals: vec![None; module.globals.len()],
            heap_base_used: None,
            heap_end_used: None,
            table_base: table_base.map_or(0, u64::from),
        }
    }

    /// Every entry of one `reloc.*` section.
    fn section(&mut self, relocations: &Relocations<'a>) -> Result<()> {
        let Some(section) = self.module.sections.get(relocations.section as usize) else {
            let message = format!("relocations for section {}, which is not", relocations.section);
            return Err(Fault::new(Kind::StaleRelocation, relocations.at, message));
        };
        let body = section.content..section.body.end;
        let debugging = section.id == id::CUSTOM;
        for entry in relocations.entries.clone() {
            let entry = entry?;
            // Of debugging data only addresses move, and most entries are none.
            if debugging && !matches!(entry.ty, R::MemoryAddrI32 | R::MemoryAddrI64) {
                continue;
            }
            let site = self.site(entry, &body, relocations.at);
            let checked = site.and_then(|site| self.check(&site));
            // Debugging data speaks of removed functions by numbers that mean nothing: they stay.
            if !debugging {
                checked?;
            }
        }
        Ok(())
    }

    fn site(&self, entry: RelocationEntry, body: &Range<usize>, at: usize) -> Result<Site<'a>> {
        let form = form(entry.ty);
        let start = body.start.saturating_add(entry.offset as usize);
        let end = start.saturating_add(entry.ty.extent());
        if end > body.end {
            let message =
                format!("a relocation at {:#x} of its section is past the end", entry.offset);
            return Err(Fault::new(Kind::StaleRelocation, at, message));
        }
        let Some(found) = form.read(&self.module.bytes[start..end]) else {
            let name = self.module.section_name_at(start);
            let message = format!(
                "{:?} names bytes of the {name} section that are no padded number; the module was \
                 rewritten after linking",
                entry.ty
            );
            return Err(Fault::new(Kind::StaleRelocation, start, message));
        };
        let symbol = match entry.ty {
            R::TypeIndexLeb => None,
            _ => match self.module.symbols.get(entry.index as usize) {
                Some(symbol) => Some(*symbol),
                None => {
                    let message =
                        format!("{:?} names symbol {}, which is not", entry.ty, entry.index);
                    return Err(Fault::new(Kind::StaleRelocation, start, message));
                }
            },
        };
        Ok(Site { entry, at: start, form, found, symbol })
    }

    fn check(&mut self, site: &Site<'a>) -> Result<()> {
        match (site.entry.ty, site.symbol) {
            (R::TypeIndexLeb, _) => self.expect(site, site.entry.index.into(), "the type index"),
            // Neither code nor debugging data moves within the file.
            (
                R::FunctionOffsetI32
                | R::FunctionOffsetI64
                | R::SectionOffsetI32
                | R::MemoryAddrLocrelI32,
                _,
            ) => Ok(()),
            (R::FunctionIndexLeb | R::FunctionIndexI32, Some(Symbol::Function { index, name })) => {
                self.expect(site, index.into(), name.unwrap_or("the function index"))
            }
            (R::EventIndexLeb | R::TableNumberLeb, Some(Symbol::Index(index))) => {
                self.expect(site, index.into(), "the index")
            }
            (R::GlobalIndexLeb | R::GlobalIndexI32, Some(symbol)) => self.global(site, symbol),
            (
                R::TableIndexSleb | R::TableIndexI32 | R::TableIndexSleb64 | R::TableIndexI64,
                Some(Symbol::Function { index, .. }),
            ) => self.slot(site, index),
            (
                R::TableIndexRelSleb | R::TableIndexRelSleb64,
                Some(Symbol::Function { index, .. }),
            ) => {
                let slots = [site.found, site.found.wrapping_add(self.table_base)];
                match slots.iter().any(|slot| self.module.function_in_slot(*slot) == Some(index)) {
                    true => Ok(()),
                    false => Err(self.not_in_slot(site, site.found, index)),
                }
            }
            (
                R::MemoryAddrTlsSleb | R::MemoryAddrTlsSleb64,
                Some(Symbol::Data { name, place: Some(Place::ThreadLocal { offset, .. }) }),
            ) => self.expect(site, u64::from(offset).wrapping_add_signed(site.entry.addend), name),
            (_, Some(Symbol::Data { name, place })) => self.address(site, name, place),
            _ => Err(self.wrong_kind(site)),
        }
    }

    /// An address in code or data.
    fn address(&mut self, site: &Site<'a>, name: &'a str, place: Option<Place>) -> Result<()> {
        let addend = site.entry.addend;
        match self.target(site.at, name, place)? {
            Target::Nothing if site.found == 0 => Ok(()),
            Target::Nothing => self.expect(site, 0u64.wrapping_add_signed(addend), name),
            Target::Fixed(value) => self.expect(site, value.wrapping_add_signed(addend), name),
            Target::Moves(value) => {
                self.expect(site, value.present().wrapping_add_signed(addend), name)?;
                // Relative to `__memory_base`, the global that moves; an executable has it at 0.
                if !matches!(site.entry.ty, R::MemoryAddrRelSleb | R::MemoryAddrRelSleb64) {
                    self.note_heap(site.at, value);
                    self.fix(site, value, addend);
                }
                Ok(())
            }
        }
    }

    /// The index of a function in the table.
    fn slot(&mut self, site: &Site<'a>, function: u32) -> Result<()> {
        // Slot 0 is the null pointer: an undefined weak function.
        if site.found == 0 {
            return Ok(());
        }
        if self.module.function_in_slot(site.found) != Some(function) {
            return Err(self.not_in_slot(site, site.found, function));
        }
        self.fix(site, Value::Slot(site.found), 0);
        Ok(())
    }

    /// The index of a global: one proper, or one that the linker made to hold an address.
    fn global(&mut self, site: &Site<'a>, symbol: Symbol<'a>) -> Result<()> {
        if let Symbol::Global { index, name } = symbol {
            return self.expect(site, index.into(), name.unwrap_or("the global index"));
        }
        let index = site.found as u32;
        let global = self.module.own_global(index);
        let Some(held) = global.and_then(|global| global.init.constant()) else {
            // `--unresolved-symbols=import-dynamic`: the host gives the address.
            let imported = index < self.module.imported_globals;
            let message = format!("global {index} holds no constant");
            return if imported { Ok(()) } else { Err(self.stale(site, message)) };
        };
        let (target, name) = match symbol {
            Symbol::Function { .. } if held == 0 => (Target::Nothing, "a function"),
            Symbol::Function { index: function, .. } => {
                if self.module.function_in_slot(held) != Some(function) {
                    return Err(self.not_in_slot(site, held, function));
                }
                (Target::Moves(Value::Slot(held)), "a function")
            }
            Symbol::Data { name, place } => (self.target(site.at, name, place)?, name),
            _ => return Err(self.wrong_kind(site)),
        };
        let expected = match target {
            Target::Nothing => 0,
            Target::Fixed(value) => value,
            Target::Moves(value) => value.present(),
        };
        if held != expected {
            let message = format!("global {index} of {name} holds {held:#x}, not {expected:#x}");
            return Err(self.stale(site, message));
        }
        if let Target::Moves(value) = target {
            self.note_heap(site.at, value);
        }
        self.globals[(index - self.module.imported_globals) as usize] = Some(target);
        Ok(())
    }

    fn target(&self, at: usize, name: &str, place: Option<Place>) -> Result<Target> {
        Ok(match place {
            None => Target::Nothing,
            Some(Place::Absolute(value)) => match well_known::meaning(name) {
                Some(Meaning::Moves(of)) => Target::Moves(of(value.into())),
                Some(Meaning::Fixed) => Target::Fixed(value.into()),
                None => {
                    let message = format!("the absolute symbol {name} is none that linkers make");
                    return Err(Fault::new(Kind::NotRelocatable, at, message));
                }
            },
            Some(
                Place::Segment { index, offset } | Place::ThreadLocal { segment: index, offset },
            ) => {
                let Some(address) = self.addresses.get(index as usize).copied().flatten() else {
                    let message = format!(
                        "{name} lies in data segment {index}, which no start-up code places"
                    );
                    return Err(Fault::new(Kind::NotRelocatable, at, message));
                };
                Target::Moves(Value::Address(address.wrapping_add(offset.into())))
            }
        })
    }

    fn note_heap(&mut self, at: usize, value: Value) {
        match value {
            Value::HeapBase(_) => _ = self.heap_base_used.get_or_insert(at),
            Value::HeapEnd(_) => _ = self.heap_end_used.get_or_insert(at),
            _ => {}
        }
    }

    fn fix(&mut self, site: &Site<'a>, value: Value, addend: i64) {
        let range = site.at..site.at + site.entry.ty.extent();
        self.fixes.push(Fix { site: range, form: site.form, value, addend });
    }

    fn expect(&self, site: &Site<'a>, expected: u64, what: &str) -> Result<()> {
        let mask = if site.form.width() == 4 { u64::from(u32::MAX) } else { u64::MAX };
        if site.found == expected & mask {
            return Ok(());
        }
        let message = format!("{:#x} stands where {what} is {:#x}", site.found, expected & mask);
        Err(self.stale(site, message))
    }

    fn not_in_slot(&self, site: &Site<'a>, slot: u64, function: u32) -> Fault {
        self.stale(site, format!("slot {slot} of the table does not hold function {function}"))
    }

    fn wrong_kind(&self, site: &Site<'a>) -> Fault {
        self.stale(site, format!("symbol {} is of another kind", site.entry.index))
    }

    fn stale(&self, site: &Site<'a>, message: String) -> Fault {
        let section = self.module.section_name_at(site.at);
        let message = format!(
            "{:?} in the {section} section: {message}; the module was rewritten after linking",
            site.entry.ty
        );
        Fault::new(Kind::StaleRelocation, site.at, message)
    }

    /// Where the segments of data and functions go, which no entry covers.
    fn segments(&mut self) -> Result<()> {
        for (index, data) in self.module.data.iter().enumerate() {
            let Some(offset) = &data.offset else {
                if self.addresses[index].is_none() && !data.bytes.is_empty() {
                    let message = format!("no start-up code places data segment {index}");
                    return Err(Fault::new(Kind::NotRelocatable, data.range.start, message));
                }
                continue;
            };
            let (Some(address), Some((site, form))) = (offset.constant(), offset.site()) else {
                let message = format!("the offset of data segment {index} is not a constant");
                return Err(Fault::new(Kind::NotRelocatable, offset.range.start, message));
            };
            self.fixes.push(Fix { site, form, value: Value::Address(address), addend: 0 });
        }
        for element in self.module.elements.iter().filter(|element| element.table == 0) {
            let Some((site, form)) = element.offset.as_ref().and_then(|offset| offset.site())
            else {
                continue;
            };
            let slot = element.offset.as_ref().and_then(|offset| offset.constant()).unwrap_or(0);
            self.fixes.push(Fix { site, form, value: Value::Slot(slot), addend: 0 });
        }
        Ok(())
    }

    /// The globals by which linkers tell addresses to the host.
    fn name_globals(&mut self) -> Result<()> {
        let first = self.module.imported_globals;
        for (place, global) in self.module.globals.iter().enumerate() {
            let (Some(value), None) = (global.init.constant(), self.globals[place]) else {
                continue;
            };
            let index = first + place as u32;
            let Some(name) = self.module.global_name(index) else { continue };
            let target = match well_known::meaning(name) {
                Some(Meaning::Moves(of)) if value != 0 => Target::Moves(of(value)),
                None if self.tells_an_address(index, global) => {
                    self.exported_address(name, value, global.range.start)?
                }
                _ => continue,
            };
            self.globals[place] = Some(target);
        }
        Ok(())
    }

    /// Whether the linker made the global to export an address: it is exported and constant, and
    /// the symbol table does not have it as a global of the program.
    fn tells_an_address(&self, index: u32, global: &Global) -> bool {
        let mut symbols = self.module.symbols.iter();
        let declared = symbols.any(|symbol| match symbol {
            Symbol::Global { index: found, .. } => *found == index,
            _ => false,
        });
        let mut exports = self.module.exports.iter();
        let exported =
            exports.any(|export| export.kind == ExternalKind::Global && export.index == index);
        exported && !declared && !global.ty.mutable
    }

    /// An exported constant is the address of the data symbol of its name, or nothing known.
    fn exported_address(&self, name: &str, value: u64, at: usize) -> Result<Target> {
        let symbol = self.module.symbols.iter().find_map(|symbol| match symbol {
            Symbol::Data { name: data, place } if *data == name => Some(*place),
            _ => None,
        });
        if let Some(Some(Place::ThreadLocal { offset, .. })) = symbol
            && value == u64::from(offset)
        {
            return Ok(Target::Fixed(value));
        }
        match symbol.map(|place| self.target(at, name, place)).transpose()? {
            Some(Target::Moves(found)) if found.present() == value => Ok(Target::Moves(found)),
            Some(Target::Nothing | Target::Fixed(_)) => Ok(Target::Fixed(value)),
            _ => {
                let message = format!(
                    "the exported global {name} holds {value:#x} and no symbol says whether that \
                     is an address"
                );
                Err(Fault::new(Kind::NotRelocatable, at, message))
            }
        }
    }

    fn finish(mut self, startup: &Startup) -> Result<Plan> {
        let extent = Extent::of(self.module, &self.addresses, startup)?;
        for (target, global) in self.globals.iter().zip(&self.module.globals) {
            if let (Some(Target::Moves(value)), Some((site, form))) = (target, global.init.site()) {
                self.fixes.push(Fix { site, form, value: *value, addend: 0 });
            }
        }
        // Start-up code of the program itself does carry entries: those have been seen.
        let mut startup = startup.fixes(self.module, &extent);
        for fix in &self.fixes {
            if let Ok(at) = startup.binary_search_by_key(&fix.site.start, |fix| fix.site.start) {
                startup.remove(at);
            }
        }
        self.fixes.append(&mut startup);
        Ok(Plan {
            route: Route::Exact,
            extent,
            fixes: self.fixes,
            segments: self.addresses,
            heap_base_used: self.heap_base_used,
            heap_end_used: self.heap_end_used,
            movable_table: true,
            warnings: Vec::new(),
        })
    }
}

/// How the number of an entry of this type is spelled.
fn form(ty: R) -> Form {
    match (ty, ty.extent()) {
        (_, 4) => Form::Word(4),
        (_, 8) => Form::Word(8),
        (
            R::TableIndexSleb
            | R::MemoryAddrSleb
            | R::MemoryAddrRelSleb
            | R::TableIndexRelSleb
            | R::MemoryAddrTlsSleb
            | R::MemoryAddrSleb64
            | R::TableIndexSleb64
            | R::MemoryAddrRelSleb64
            | R::TableIndexRelSleb64
            | R::MemoryAddrTlsSleb64,
            width,
        ) => Form::Signed(width),
        (_, width) => Form::Unsigned(width),
    }
}
