//! The dynamic route: side modules with a `dylink.0` section become modules that stand alone.
//!
//! A side module imports its place: `__memory_base`, `__table_base`, a stack pointer and one global
//! for each address of a symbol it does not know. All of these are settled at link time and turned
//! into constants, in their order, so that no index moves. Functions stay imports.

use super::combine::Known;
use super::fault::{Fault, Result};
use super::module::{ExternalKind, Global, Import, InitValue, Module, TypeRef, id};
use super::place::{Links, Surroundings, slots};
use super::plan::{Extent, Placement, Plan, Route};
use super::splice::{Splicer, encoded};
use super::well_known::{self, Meaning};
use crate::error::Kind;
use wasm_encoder::{ConstExpr, Encode};

/// The stack of a side module, which brings none: as much as C linkers give by default.
const STACK: u64 = 1 << 16;

/// What kind of thing an imported global is the address of.
enum Asked<'a> {
    MemoryBase,
    TableBase,
    StackPointer,
    Data(&'a str),
    Function(&'a str),
}

fn asked<'a>(import: &Import<'a>) -> Option<Asked<'a>> {
    match (import.module, import.name) {
        ("env", "__memory_base") => Some(Asked::MemoryBase),
        ("env", "__table_base") => Some(Asked::TableBase),
        ("env", "__stack_pointer") => Some(Asked::StackPointer),
        ("GOT.mem", name) => Some(Asked::Data(name)),
        ("GOT.func", name) => Some(Asked::Function(name)),
        _ => None,
    }
}

fn imported_globals<'m, 'a>(module: &'m Module<'a>) -> impl Iterator<Item = &'m Import<'a>> {
    module.imports.iter().filter(|import| matches!(import.ty, TypeRef::Global(_)))
}

/// The global that a side module has its stack pointer in: imported, and of that number also once it
/// is the module's own.
pub(crate) fn stack_pointer(module: &Module<'_>) -> Option<u32> {
    module.dylink.as_ref()?;
    let mut globals = imported_globals(module).zip(0..);
    let found = globals.find(|(import, _)| matches!(asked(import), Some(Asked::StackPointer)));
    found.map(|(_, index)| index)
}

/// Whether exceptions may pass through the module: it has a tag of others, or lets its host catch.
pub(crate) fn unwinds(module: &Module<'_>) -> bool {
    module
        .imports
        .iter()
        .any(|import| matches!(import.ty, TypeRef::Tag(_)) || import.name.starts_with("invoke_"))
}

/// Plans a side module: its memory is a stack, if it wants one, and the data that it asks for.
///
/// # Errors
/// `ERR_UNSUPPORTED_MODULE` for an imported global that linking does not settle.
pub(crate) fn plan(module: &Module<'_>) -> Result<Plan> {
    let Some(dylink) = &module.dylink else {
        return Err(Fault::new(Kind::UnsupportedModule, 0, "the module has no dylink.0 section"));
    };
    module.memory()?;
    let mut stack = 0;
    for import in imported_globals(module) {
        match asked(import) {
            Some(Asked::StackPointer) => stack = STACK,
            Some(_) => {}
            None => {
                let message = format!("the global {}.{} is imported", import.module, import.name);
                return Err(Fault::new(Kind::UnsupportedModule, import.range.start, message));
            }
        }
    }
    let align = (1u64 << dylink.memory_alignment).max(16);
    let data_start = stack.next_multiple_of(align);
    let data_end = data_start + u64::from(dylink.memory_size);
    let segments = module.data.iter().map(|data| match data.offset.as_ref()?.value {
        InitValue::Const { value, .. } => Some(value),
        InitValue::Global { addend, .. } => Some(data_start.wrapping_add(addend)),
        _ => None,
    });
    let segments: Vec<_> = segments.collect();
    for (data, address) in module.data.iter().zip(&segments) {
        let end = address.and_then(|address| address.checked_add(data.bytes.len() as u64));
        if data.offset.is_some() && end.is_none_or(|end| end > data_end) {
            let message = "a data segment is outside the memory that dylink.0 asks for";
            return Err(Fault::new(Kind::MalformedModule, data.range.start, message));
        }
    }
    Ok(Plan {
        route: Route::Dynamic,
        extent: Extent {
            data_start,
            data_end,
            stack_top: stack,
            heap_base: data_end.next_multiple_of(16),
            align,
        },
        fixes: Vec::new(),
        segments,
        heap_base_used: None,
        heap_end_used: None,
        movable_table: true,
        warnings: Vec::new(),
    })
}

/// A definition of a symbol: the module, its export, and whether another may take its place.
#[derive(Clone, Copy, Debug)]
struct Definition {
    module: usize,
    index: u32,
    weak: bool,
}

/// The exports of all modules by name.
struct Symbols<'m, 'a> {
    modules: &'m [Module<'a>],
    /// Name, whether it is data, and the definition; sorted, the modules' order kept.
    exports: Vec<(&'a str, bool, Definition)>,
}

impl<'m, 'a> Symbols<'m, 'a> {
    fn of(modules: &'m [Module<'a>]) -> Self {
        let mut exports = Vec::new();
        for (at, module) in modules.iter().enumerate() {
            for export in &module.exports {
                let data = match export.kind {
                    ExternalKind::Func => false,
                    ExternalKind::Global => true,
                    _ => continue,
                };
                let dylink = module.dylink.as_ref();
                // Linkers do not tell which names of C++ are weak: most that several modules define
                // are (types, tables, templates, inline functions), and for all of them the language
                // makes the definitions one.
                let weak = export.name.starts_with("_Z")
                    || dylink.is_some_and(|dylink| dylink.weak_exports.contains(&export.name));
                let definition = Definition { module: at, index: export.index, weak };
                exports.push((export.name, data, definition));
            }
        }
        exports.sort_by_key(|(name, data, _)| (*name, *data));
        Self { modules, exports }
    }

    /// The one definition of a name: a strong one, or else the first.
    fn find(&self, import: &Import<'_>, name: &'a str, data: bool) -> Result<Option<Definition>> {
        let first = self.exports.partition_point(|(found, is, _)| (*found, *is) < (name, data));
        let found = self.exports[first..].iter();
        let found = found.take_while(|(found, is, _)| (*found, *is) == (name, data));
        let mut strong = found.clone().map(|(.., one)| one).filter(|one| !one.weak);
        let mut found = found.map(|(.., one)| one);
        match (strong.next(), strong.next()) {
            (Some(one), Some(two)) => {
                let message =
                    format!("{name} is defined by module {} and module {}", one.module, two.module);
                Err(Fault::new(Kind::DuplicateSymbol, import.range.start, message))
            }
            (Some(one), None) => Ok(Some(*one)),
            (None, _) => Ok(found.next().copied()),
        }
    }

    /// The address that a module exports under a name.
    fn address(&self, definition: Definition, placements: &[Placement], plans: &[Plan]) -> u64 {
        let module = &self.modules[definition.module];
        let placement = &placements[definition.module];
        let own = module.own_global(definition.index);
        let value = own.and_then(|global| global.init.constant()).unwrap_or(0);
        let base = match plans[definition.module].route {
            Route::Dynamic => plans[definition.module].extent.data_start,
            Route::Exact | Route::Pic => 0,
        };
        value.wrapping_add(base).wrapping_add(placement.offset)
    }
}

/// Functions of modules that are in place already, and the slots that they are to be put into.
type Borrowed = Vec<(String, u64)>;

/// Settles what every side module imports; may add slots to the common table, whose size is
/// `table`.
///
/// # Errors
/// `ERR_UNDEFINED_SYMBOL` and `ERR_DUPLICATE_SYMBOL`, with the module and the import.
pub(crate) fn resolve(
    modules: &[Module<'_>],
    plans: &[Plan],
    placements: &[Placement],
    known: &[Known<'_>],
    table: &mut u64,
) -> Result<(Vec<Links>, Borrowed)> {
    let symbols = Symbols::of(modules);
    let mut borrowed = Borrowed::new();
    let elsewhere = |name: &str, data: bool| {
        known.iter().find(|one| one.name == name && one.address.is_some() == data)
    };
    let mut links = vec![Links::default(); modules.len()];
    for (at, module) in modules.iter().enumerate() {
        let Some(dylink) = &module.dylink else { continue };
        let told = |fault: Fault| fault.in_module(at);
        for import in imported_globals(module) {
            let undefined = |name: &str| {
                let message =
                    format!("{name} is defined by no module: give the library that has it");
                Fault::new(Kind::UndefinedSymbol, import.range.start, message).in_module(at)
            };
            let value = match asked(import) {
                Some(Asked::MemoryBase) => placements[at].offset + plans[at].extent.data_start,
                Some(Asked::TableBase) => placements[at].slots,
                Some(Asked::StackPointer) => placements[at].stack_top,
                Some(Asked::Data(name)) => {
                    // The linker's own symbols are each module's own, whoever exports them too.
                    let own = linker_symbol(name, &plans[at].extent, &placements[at]);
                    let found = symbols.find(import, name, true).map_err(told);
                    match own {
                        Some(address) => address,
                        None => match chosen(found?, elsewhere(name, true)) {
                            Ok(definition) => symbols.address(definition, placements, plans),
                            Err(Some(known)) => known.address.unwrap_or(0),
                            Err(None) if dylink.weak_imports.contains(&name) => 0,
                            Err(None) => return Err(undefined(name)),
                        },
                    }
                }
                Some(Asked::Function(name)) => {
                    let found = symbols.find(import, name, false).map_err(told)?;
                    let weak = dylink.weak_imports.contains(&name);
                    let place = match chosen(found, elsewhere(name, false)) {
                        Ok(one) => Some((one.module, one.index)),
                        Err(Some(_)) => None,
                        Err(None) if weak => {
                            links[at].globals.push(0);
                            continue;
                        }
                        Err(None) => Some(importer(modules, name).ok_or_else(|| undefined(name))?),
                    };
                    match place {
                        Some((from, index)) => {
                            links[from].slot(&modules[from], &placements[from], index, table)
                        }
                        None => borrow(&mut borrowed, name, table),
                    }
                }
                None => 0,
            };
            links[at].globals.push(value);
        }
    }
    Ok((links, borrowed))
}

/// Which of two definitions counts: a strong one of the modules', one that was there before, a weak one.
fn chosen<'k>(
    found: Option<Definition>,
    known: Option<&'k Known<'k>>,
) -> std::result::Result<Definition, Option<&'k Known<'k>>> {
    match found {
        Some(one) if !one.weak || known.is_none() => Ok(one),
        _ => Err(known),
    }
}

/// A module that imports the function of this name from its host, and the index that it has there:
/// what one takes the address of, another or itself calls.
fn importer(modules: &[Module<'_>], name: &str) -> Option<(usize, u32)> {
    modules.iter().enumerate().find_map(|(at, module)| {
        let functions = module
            .imports
            .iter()
            .filter(|import| matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
        let index =
            functions.zip(0..).find(|(import, _)| import.module == "env" && import.name == name);
        index.map(|(_, index)| (at, index))
    })
}

/// The slot that a function of a module elsewhere is put into.
fn borrow(borrowed: &mut Borrowed, name: &str, table: &mut u64) -> u64 {
    if let Some((_, slot)) = borrowed.iter().find(|(found, _)| found == name) {
        return *slot;
    }
    borrowed.push((name.to_string(), *table));
    *table += 1;
    *table - 1
}

/// The address of one of the linker's own symbols, as a side module sees it.
fn linker_symbol(name: &str, extent: &Extent, placement: &Placement) -> Option<u64> {
    let Meaning::Moves(of) = well_known::meaning(name)? else { return None };
    let own = if name == "__data_end" { extent.data_end } else { extent.data_start };
    Some(placement.of(of(own)))
}

/// Turns the imported globals of a side module into its own, its offsets into constants, and the
/// addresses that it exports, which count from its base, into those of the memory.
pub(crate) fn settle(
    module: &Module<'_>,
    base: u64,
    links: &Links,
    around: &Surroundings,
    splicer: &mut Splicer<'_, '_>,
) -> Result<()> {
    let wide = module.pointer_width() == 8;
    let constant = |value: u64| {
        if wide { ConstExpr::i64_const(value as i64) } else { ConstExpr::i32_const(value as i32) }
    };
    // Only the first can stay an import without moving the numbers of the others.
    let kept = usize::from(around.one_stack && stack_pointer(module) == Some(0));
    for (import, value) in imported_globals(module).zip(&links.globals).skip(kept) {
        let TypeRef::Global(ty) = import.ty else { continue };
        // Type, mutability, initial value: an entry of the global section.
        let mut item = vec![if wide { 0x7e } else { 0x7f }, u8::from(ty.mutable)];
        constant(*value).encode(&mut item);
        splicer.remove_item(id::IMPORT, import.range.clone());
        splicer.prepend(id::GLOBAL, &item);
    }
    let data =
        module.data.iter().filter(|_| !around.data_apart).filter_map(|data| data.offset.as_ref());
    let elements = module.elements.iter().filter_map(|element| element.offset.as_ref());
    let globals = module.globals.iter().map(|global| &global.init);
    for init in data.chain(elements).chain(globals) {
        let InitValue::Global { index, addend } = init.value else { continue };
        let Some(base) = links.globals.get(index as usize) else {
            let message = format!("global {index} is used before it is defined");
            return Err(Fault::new(Kind::MalformedModule, init.range.start, message));
        };
        splicer.replace(init.range.clone(), encoded(constant(base.wrapping_add(addend))));
    }
    for global in exported_addresses(module) {
        if let Some(value) = global.init.constant() {
            let value = constant(value.wrapping_add(base));
            splicer.replace(global.init.range.clone(), encoded(value));
        }
    }
    Ok(())
}

/// The globals by which a side module exports addresses: linkers make them for nothing else.
fn exported_addresses<'m>(module: &'m Module<'_>) -> impl Iterator<Item = &'m Global> {
    let dylink = module.dylink.as_ref();
    let other = move |name: &str| {
        matches!(name, "__dso_handle" | "__tls_size" | "__tls_align")
            || dylink.is_some_and(|dylink| dylink.thread_local_exports.contains(&name))
    };
    let exported = move |index: u32| {
        module.exports.iter().any(|export| {
            export.kind == ExternalKind::Global && export.index == index && !other(export.name)
        })
    };
    let globals = (module.imported_globals..).zip(&module.globals);
    globals.filter(move |(index, one)| !one.ty.mutable && exported(*index)).map(|(_, one)| one)
}

/// An active segment that puts one function into one slot of table 0.
pub(crate) fn element(slot: u64, function: u32, wide: bool) -> Vec<u8> {
    let mut item = vec![0];
    let slot =
        if wide { ConstExpr::i64_const(slot as i64) } else { ConstExpr::i32_const(slot as i32) };
    slot.encode(&mut item);
    1u32.encode(&mut item);
    function.encode(&mut item);
    item
}

/// The functions that a module imports and another exports: import, and the exporting module.
///
/// # Errors
/// `ERR_DUPLICATE_SYMBOL` if a side module's import has several strong definitions.
pub(crate) fn bindings(modules: &[Module<'_>]) -> Result<Vec<Vec<(String, usize)>>> {
    let symbols = Symbols::of(modules);
    let mut all = Vec::with_capacity(modules.len());
    for (at, module) in modules.iter().enumerate() {
        let mut bound = Vec::new();
        let functions = module.imports.iter().filter(|import| {
            import.module == "env" && matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_))
        });
        for import in functions {
            let found = symbols.find(import, import.name, false);
            if let Some(definition) = found.map_err(|fault| fault.in_module(at))? {
                bound.push((import.name.to_string(), definition.module));
            }
        }
        all.push(bound);
    }
    Ok(all)
}

/// The slots where a module's own begin: side modules have no null slot but must not get slot 0.
pub(crate) fn first_slot(module: &Module<'_>, next: u64) -> (u64, u64) {
    let Some(dylink) = &module.dylink else { return (next, next + slots(module)) };
    let first = next.max(1).next_multiple_of(1 << dylink.table_alignment);
    (first, first + slots(module))
}
