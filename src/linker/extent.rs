//! Finds the memory that a module was linked to own.

use super::fault::{Fault, Result};
use super::leb::Form;
use super::linking::{Place, Symbol};
use super::module::Module;
use super::plan::{Extent, Fix, Value};
use super::startup::{Constant, Startup};
use crate::error::Kind;

/// The least alignment of a module: what C and Rust ask of a stack.
const STACK_ALIGN: u64 = 16;

impl Extent {
    /// From the segments, the start-up code and the linker's own symbols.
    ///
    /// # Errors
    /// `ERR_LAYOUT_OVERFLOW` for data that ends past the address space.
    pub(crate) fn of(
        module: &Module<'_>,
        addresses: &[Option<u64>],
        startup: &Startup,
    ) -> Result<Self> {
        let limit = if module.pointer_width() == 4 { 1 << 32 } else { 1 << 48 };
        let mut extent = Self { data_start: u64::MAX, align: STACK_ALIGN, ..Self::default() };
        let segments = module.data.iter().zip(addresses);
        let placed = segments.filter_map(|(data, address)| {
            Some((*address.as_ref()?, data.bytes.len() as u64, data.range.start))
        });
        let cleared = startup.fills.iter().map(|(address, length)| (*address, *length, 0));
        for (address, length, at) in placed.chain(cleared) {
            let end = address.checked_add(length).filter(|end| *end <= limit);
            let Some(end) = end else {
                let message =
                    format!("data at {address:#x} of {length:#x} bytes leaves the memory");
                return Err(Fault::new(Kind::LayoutOverflow, at, message));
            };
            extent.data_start = extent.data_start.min(address);
            extent.data_end = extent.data_end.max(end);
        }
        for alignment in &module.alignments {
            if *alignment > 30 {
                let message = "a data segment asks for an alignment of 2 GiB or more";
                return Err(Fault::new(Kind::MalformedModule, 0, message));
            }
            extent.align = extent.align.max(1 << alignment);
        }
        let known = |name| known_address(module, name).filter(|value| *value <= limit);
        extent.stack_top = known("__stack_pointer").unwrap_or(0);
        extent.data_end = extent.data_end.max(known("__data_end").unwrap_or(0));
        let end = extent.data_end.max(extent.stack_top);
        extent.data_start = extent.data_start.min(extent.data_end);
        let base = known("__heap_base").unwrap_or(end);
        // A flag of the start-up code may lie past the data, before the heap.
        let flags = startup.addresses.iter().map(|constant| constant.value.saturating_add(4));
        let flags = flags.filter(|end| *end <= limit).max().unwrap_or(0);
        extent.heap_base = base.max(end).max(flags).next_multiple_of(STACK_ALIGN);
        Ok(extent)
    }

    /// Whether an address belongs to the module, the first byte past its end included.
    pub(crate) fn holds(&self, address: u64) -> bool {
        (self.data_start.min(self.stack_top)..=self.heap_base).contains(&address)
    }
}

/// The value of one of the linker's own symbols, from wherever the module tells it.
pub(crate) fn known_address(module: &Module<'_>, name: &str) -> Option<u64> {
    let symbol = module.symbols.iter().find_map(|symbol| match symbol {
        Symbol::Data { name: found, place: Some(Place::Absolute(value)) } if *found == name => {
            Some(u64::from(*value))
        }
        _ => None,
    });
    symbol.or_else(|| {
        let globals = module.imported_globals..;
        let mut named = globals.zip(&module.globals).filter(|(index, _)| {
            let found = module.global_name(*index);
            found.is_some_and(|found| {
                found.strip_prefix("GOT.data.internal.").unwrap_or(found) == name
            })
        });
        named.find_map(|(_, global)| global.init.constant())
    })
}

/// The global that is the module's stack pointer: by name, or by its value in a stripped module.
pub(crate) fn stack_pointer(module: &Module<'_>, extent: &Extent) -> Option<u32> {
    let globals = || (module.imported_globals..).zip(&module.globals);
    let named = globals().find(|(index, _)| module.global_name(*index) == Some("__stack_pointer"));
    let by_value = || {
        globals().find(|(index, global)| {
            global.ty.mutable
                && extent.stack_top != 0
                && global.init.constant() == Some(extent.stack_top)
                && module.global_name(*index).is_none()
        })
    };
    named.or_else(by_value).map(|(index, _)| index)
}

impl Startup {
    /// The addresses in the start-up code, as changes.
    pub(crate) fn fixes(&self, module: &Module<'_>, extent: &Extent) -> Vec<Fix> {
        let thread_local = self.globals.iter().filter(|(global, constant)| {
            let named = module.global_name(*global).is_none_or(|name| name == "__tls_base");
            named && extent.holds(constant.value)
        });
        let inside = self.addresses.iter().filter(|constant| extent.holds(constant.value));
        let mut constants: Vec<&Constant> = inside.collect();
        constants.extend(thread_local.map(|(_, constant)| constant));
        constants.sort_by_key(|constant| constant.site.start);
        constants.dedup_by_key(|constant| constant.site.start);
        let fixes = constants.into_iter().map(|constant| Fix {
            site: constant.site.clone(),
            form: Form::Free(constant.width),
            value: Value::Address(constant.value),
            addend: 0,
        });
        fixes.collect()
    }
}
