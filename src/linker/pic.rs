//! The route for position-independent code without relocation entries.
//!
//! Such code adds `__memory_base` to every address, so the globals are what moves. What the linker
//! has already resolved cannot be seen any more: pointers inside data. Words that look like one
//! are listed as warnings.

use super::extent::known_address;
use super::fault::{Fault, Result};
use super::module::Module;
use super::place::PAGE;
use super::plan::{Extent, Fix, Plan, Route, Value};
use super::startup::Startup;
use super::suspects::{self, Suspects};
use super::well_known::{self, Meaning};
use crate::error::Kind;

/// The advice of every refusal and warning of this route.
const ADVICE: &str = "link with --emit-relocs";

/// Plans the changes from the globals of a module.
///
/// # Errors
/// `ERR_MISSING_HEAP_BASE` if nothing tells `__heap_base`; `ERR_NOT_RELOCATABLE` if the code
/// holds addresses of its own, or nothing tells which global is `__memory_base`.
pub(crate) fn plan(module: &Module<'_>) -> Result<Plan> {
    let startup = Startup::of(module)?;
    let addresses = startup.segment_addresses(module);
    for (data, address) in module.data.iter().zip(&addresses) {
        if address.is_none() && !data.bytes.is_empty() {
            let message = format!("no start-up code places this data segment; {ADVICE}");
            return Err(Fault::new(Kind::NotRelocatable, data.range.start, message));
        }
    }
    if known_address(module, "__heap_base").is_none() {
        let message = format!(
            "__heap_base is not exported, so the end of the module's memory is unknown: link with \
             --export=__heap_base, or {ADVICE}"
        );
        return Err(Fault::new(Kind::MissingHeapBase, 0, message));
    }
    let mut extent = Extent::of(module, &addresses, &startup)?;
    if extent.stack_top == 0 {
        extent.stack_top = unnamed_stack_pointer(module, &extent).unwrap_or(0);
    }
    let code = suspects::code(module, &extent, &startup)?;
    let base = memory_base(module, &code)?;
    let mut warnings = Vec::new();
    if let Some(warning) = code.warning(&extent, ADVICE) {
        warnings.push(warning);
    }
    if let Some(warning) = suspects::data(module, &extent, &addresses, ADVICE) {
        warnings.push(warning);
    }
    let mut fixes = startup.fixes(module, &extent);
    globals(module, &extent, base, &mut fixes);
    for (data, address) in module.data.iter().zip(&addresses) {
        let site = data.offset.as_ref().and_then(|offset| offset.site());
        if let (Some(address), Some((site, form))) = (address, site) {
            fixes.push(Fix { site, form, value: Value::Address(*address), addend: 0 });
        }
    }
    let used = |name: &str| {
        let mut named = module.global_names.iter();
        named.any(|(_, found)| found.strip_prefix("GOT.data.internal.") == Some(name)).then_some(0)
    };
    Ok(Plan {
        route: Route::Pic,
        extent,
        fixes,
        segments: addresses,
        heap_base_used: used("__heap_base"),
        heap_end_used: used("__heap_end"),
        movable_table: false,
        warnings,
    })
}

/// The global that code adds to its addresses: by name, or by how the code uses it.
fn memory_base(module: &Module<'_>, code: &Suspects) -> Result<Option<u32>> {
    let by_name = module.global_names.iter().find(|(_, name)| {
        name.strip_prefix("GOT.data.internal.").unwrap_or(name) == "__memory_base"
    });
    if let Some((global, _)) = by_name {
        return Ok(Some(*global));
    }
    let used = (0..).zip(&code.bases).filter_map(|(global, at)| Some((global, (*at)?)));
    let mut used = used.filter(|(global, _)| {
        let global = module.own_global(*global);
        global.is_some_and(|global| !global.ty.mutable && global.init.constant() == Some(0))
    });
    match (used.next(), used.next()) {
        (Some((global, _)), None) => Ok(Some(global)),
        (Some((_, at)), Some(_)) => {
            let message = format!("several globals could be __memory_base; {ADVICE}");
            Err(Fault::new(Kind::NotRelocatable, at, message))
        }
        (None, _) => match code.absolute.first() {
            Some(at) => {
                let message = format!(
                    "the code holds addresses of its own data, so it is not position-independent; \
                     {ADVICE}"
                );
                Err(Fault::new(Kind::NotRelocatable, *at, message))
            }
            None => Ok(None),
        },
    }
}

/// The first mutable global of a stripped module, if its value can be a stack's top.
fn unnamed_stack_pointer(module: &Module<'_>, extent: &Extent) -> Option<u64> {
    let global = module.globals.iter().find(|global| global.ty.mutable)?;
    let value = global.init.constant()?;
    let aligned = value != 0 && value.is_multiple_of(16);
    (aligned
        && (value <= extent.data_start || value >= extent.data_end)
        && value <= extent.heap_base)
        .then_some(value)
}

/// Every global that holds an address, told by its name or by a value within the module.
fn globals(module: &Module<'_>, extent: &Extent, base: Option<u32>, fixes: &mut Vec<Fix>) {
    let linked_for = module.memories.first().map(|memory| memory.initial.saturating_mul(PAGE));
    let heap_end =
        known_address(module, "__heap_end").or(linked_for.filter(|end| *end > extent.heap_base));
    for (index, global) in (module.imported_globals..).zip(&module.globals) {
        let (Some(held), Some((site, form))) = (global.init.constant(), global.init.site()) else {
            continue;
        };
        let name = module.global_name(index);
        let known = name.map(|name| name.strip_prefix("GOT.data.internal.").unwrap_or(name));
        let value = match known.and_then(well_known::meaning) {
            _ if base == Some(index) => Value::Address(held),
            // The table stays where it is on this route.
            Some(Meaning::Moves(of)) if known != Some("__table_base") => of(held),
            Some(_) => continue,
            None if known.is_some_and(|name| name.starts_with("GOT.func.")) => continue,
            None if global.ty.mutable && held == extent.stack_top => Value::StackTop(held),
            None if global.ty.mutable && known.is_some() => continue,
            None if held == extent.heap_base => Value::HeapBase(held),
            None if Some(held) == heap_end => Value::HeapEnd(held),
            None if held != 0 && extent.holds(held) => Value::Address(held),
            None => continue,
        };
        // `__tls_base` starts at 0 where start-up code sets it.
        if held == 0 && base != Some(index) {
            continue;
        }
        fixes.push(Fix { site, form, value, addend: 0 });
    }
}
