//! The linker's operations: combine, relocate, heap base.

use super::draft::Draft;
use super::fault::{Fault, Result};
use super::layout::{self, Area, Wish, pages};
use super::module::Module;
use super::parse::{parse, parse_with};
use super::place::{self, Links, MAX_PAGES, PAGE, Rewritten, Surroundings};
use super::plan::{Plan, Route};
use super::{allocator, dynamic, exact, extent, pic, reach};
use crate::error::Kind;
use std::ops::Range;

/// The gap between modules unless another is asked for: a small overrun meets nobody's data.
pub const DEFAULT_GUARD: u64 = 1024;

/// How [`combine`] and [`relocate`] treat what the modules leave open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Bytes of stack for each module beyond those it was linked with.
    pub additional_stack: u64,
    /// Bytes left unused between modules.
    pub guard: u64,
    /// The first address that modules may use.
    pub base: u64,
    /// Whether the imported memory is shared; `None` leaves that to the modules.
    pub shared: Option<bool>,
    /// The maximum of the imported memory in pages.
    pub maximum: Option<u64>,
    /// Whether all import one function table, so that function pointers cross modules.
    pub one_table: bool,
    /// Whether all use the allocator of one of them; makes them share one table too.
    pub one_allocator: bool,
    /// Whether the allocators of all are replaced by the host's, which fills the slots of the
    /// table that [`Combined::hosted`] names.
    pub host_allocator: bool,
    /// Whether the module is made for many instances on the one memory: its active segments are
    /// taken out, to be written once by the host; its start function is not run but exported as
    /// `__isolith_start`, to be called once; its stack pointer is exported as
    /// `__isolith_stack_pointer`, to be set by every instance; the place of its
    /// thread-local data as `__isolith_tls_base`, to be set by every instance but the first.
    pub data_apart: bool,
    /// Whether what speaks to debuggers, the sections `.debug_*`, moves along; else it is left out.
    pub debugging: bool,
    /// The first slot of the one function table that these modules may use: those before it are
    /// other modules'.
    pub first_slot: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            additional_stack: 0,
            guard: DEFAULT_GUARD,
            base: 0,
            shared: None,
            maximum: None,
            one_table: false,
            one_allocator: false,
            host_allocator: false,
            data_apart: false,
            debugging: false,
            first_slot: 0,
        }
    }
}

/// What a module that is in its place already, and not among those to combine, defines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known<'a> {
    /// The name it is exported by.
    pub name: &'a str,
    /// Where it is; `None`: it is a function.
    pub address: Option<u64>,
}

/// A module in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The rewritten file, in terms of the one given.
    pub file: Draft,
    /// How it was relocated: `"exact"`, `"pic"` or `"dynamic"`.
    pub route: &'static str,
    /// What was added to its addresses.
    pub offset: u64,
    /// The memory that is its own.
    pub area: (u64, u64),
    /// Its stack: the lowest address and the top. Both 0 if it has none.
    pub stack: (u64, u64),
    /// Its static data.
    pub data: (u64, u64),
    /// Its slots in the function table.
    pub slots: (u64, u64),
    /// With [`Options::data_apart`]: addresses and what of the file given to write there before any
    /// call, with the new numbers, as [`Draft::cut`] gives it.
    pub image: Vec<(u64, Range<usize>)>,
    /// With [`Options::data_apart`]: alignment and first bytes, in the file given, of its
    /// thread-local data, if it has any and was linked for threads.
    pub tls: Option<(u64, Range<usize>)>,
    /// The functions it imports from `env` that another module exports, and which.
    pub bindings: Vec<(String, usize)>,
    /// The functions it can do without: a side module's weak imports.
    pub weak: Vec<String>,
    /// Whether it was linked for a shared memory.
    pub threads: bool,
    /// With [`Options::host_allocator`]: whether it can still grow memory by itself, which is how
    /// allocators that no symbol names show.
    pub own_heap: bool,
}

/// Modules that lie side by side in one memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Combined {
    /// The modules in the order given.
    pub modules: Vec<Placed>,
    /// The pages that the memory must start with.
    pub needed_pages: u64,
    /// The maximum that the modules declare for the memory.
    pub maximum_pages: Option<u64>,
    /// Whether they import it as shared.
    pub shared: bool,
    /// The end of all modules: where the common heap may begin.
    pub heap_base: u64,
    /// The slots of the one function table, if it was asked for.
    pub table_slots: Option<u64>,
    /// The allocator functions that the host is to put into the table, by name and slot.
    pub hosted: Vec<(&'static str, u64)>,
    /// The functions of [`Known`] modules that the host is to put into the table, by name and slot.
    pub borrowed: Vec<(String, u64)>,
    /// What could not be proved safe, one line each.
    pub warnings: Vec<String>,
}

/// Finds out how a module can be relocated and what changes then.
pub(crate) fn plan(module: &Module<'_>) -> Result<Plan> {
    if module.dylink.is_some() {
        return dynamic::plan(module);
    }
    module.memory()?;
    if let Some(offset) = module.data.iter().find(|data| data.memory != 0) {
        let message = "a data segment of a second memory";
        return Err(Fault::new(Kind::UnsupportedModule, offset.range.start, message));
    }
    if exact::applies(module) { exact::plan(module) } else { pic::plan(module) }
}

/// Rewrites modules so that all live in one memory, in the order given, and none overlap.
///
/// The memory's layout is stack and data of each module, guard gaps between them, then the heap
/// that all share.
///
/// # Errors
/// Any of the linker's codes, with the module and the byte that it is about.
pub fn combine(files: &[&[u8]], options: &Options) -> Result<Combined> {
    combine_beside(files, &[], options)
}

/// [`combine`], where side modules may also need what `known` modules define; those among the
/// modules come first.
///
/// # Errors
/// As [`combine`].
pub fn combine_beside(files: &[&[u8]], known: &[Known<'_>], options: &Options) -> Result<Combined> {
    let told = |index| move |fault: Fault| fault.in_module(index);
    let mut modules = Vec::with_capacity(files.len());
    let mut plans = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let module = parse_with(file, options.debugging).map_err(told(index))?;
        plans.push(plan(&module).map_err(told(index))?);
        modules.push(module);
    }
    let wide = same_width(&modules)?;
    let wish = Wish {
        additional_stack: options.additional_stack,
        guard: options.guard,
        base: options.base,
    };
    let limit = if wide { 1 << 48 } else { 1 << 32 };
    let (mut areas, heap_base) = layout::arrange(&plans, &wish, limit)?;
    let lends = options.host_allocator && allocator::any(&modules);
    let wanted = options.one_table || options.one_allocator || lends;
    let first = u64::from(options.first_slot);
    let Shared { mut table, mut links, borrowed } =
        share_functions(&modules, &plans, &mut areas, wanted, first, known)?;
    let mut warnings = Vec::new();
    if let (true, Some(slots)) = (options.one_allocator, &mut table) {
        let placements: Vec<_> = areas.iter().map(|area| area.placement).collect();
        warnings = allocator::unite(&modules, &placements, &mut links, slots);
    }
    let hosted = match &mut table {
        Some(slots) if lends => allocator::lend(&modules, &mut links, slots),
        _ => Vec::new(),
    };
    let bindings = dynamic::bindings(&modules)?;
    let around = surroundings(&modules, options, pages(heap_base), table);
    let mut combined = Combined {
        modules: Vec::with_capacity(files.len()),
        needed_pages: around.pages,
        maximum_pages: around.maximum,
        shared: around.shared,
        heap_base,
        table_slots: table,
        hosted,
        borrowed,
        warnings,
    };
    for (index, bindings) in bindings.into_iter().enumerate() {
        let (module, plan) = (&modules[index], &plans[index]);
        let warnings = plan.warnings.iter();
        combined.warnings.extend(warnings.map(|warning| format!("module {index}: {warning}")));
        let own_heap = options.host_allocator
            && keeps_heap(module, plan, &links[index].redirected).map_err(told(index))?;
        let placed = placed(module, plan, &areas[index], &around, &links[index]);
        combined.modules.push(Placed { bindings, own_heap, ..placed.map_err(told(index))? });
    }
    if !options.host_allocator {
        combined.warnings.extend(rival_heaps(&plans));
    }
    Ok(combined)
}

/// Moves one module by `offset` bytes and tells it that the heap begins at `heap_base`.
///
/// # Errors
/// `EINVAL` for an offset that breaks the alignment of its data, `ERR_LAYOUT_OVERFLOW` for a heap
/// base within the module, and whatever makes it impossible to relocate.
pub fn relocate(file: &[u8], offset: u64, heap_base: u64, options: &Options) -> Result<Placed> {
    let module = parse_with(file, options.debugging)?;
    let plan = plan(&module)?;
    if !offset.is_multiple_of(plan.extent.align) {
        let message = format!("offset {offset:#x} is no multiple of {:#x}", plan.extent.align);
        return Err(Fault::new(Kind::InvalidArgument, 0, message));
    }
    let limit = if module.pointer_width() == 4 { 1 << 32 } else { 1 << 48 };
    let area = Area::at(&plan.extent, offset, options.additional_stack);
    let Some(mut area) = area.filter(|area| area.high <= heap_base && heap_base <= limit) else {
        let end = offset.saturating_add(plan.extent.heap_base);
        let message = format!(
            "the module ends at {end:#x} and its stack must fit too: a heap base of {heap_base:#x} \
             is not possible"
        );
        return Err(Fault::new(Kind::LayoutOverflow, 0, message));
    };
    area.placement.heap_base = heap_base;
    area.placement.heap_end = heap_base;
    let (modules, plans, mut areas) = ([module], [plan], [area]);
    let Shared { table, links, .. } =
        share_functions(&modules, &plans, &mut areas, options.one_table, 0, &[])?;
    let around = surroundings(&modules, options, pages(heap_base), table);
    placed(&modules[0], &plans[0], &areas[0], &around, &links[0])
}

/// The end of the memory that a module was linked to own.
///
/// # Errors
/// `ERR_MISSING_HEAP_BASE` if the module does not tell it.
pub fn heap_base(file: &[u8]) -> Result<u64> {
    let module = parse(file)?;
    if let Some(found) = extent::known_address(&module, "__heap_base") {
        return Ok(found);
    }
    if module.dylink.is_some() || exact::applies(&module) {
        return Ok(plan(&module)?.extent.heap_base);
    }
    let message = "__heap_base is not exported: link with --export=__heap_base or --emit-relocs";
    Err(Fault::new(Kind::MissingHeapBase, 0, message))
}

fn placed(
    module: &Module<'_>,
    plan: &Plan,
    area: &Area,
    around: &Surroundings,
    links: &Links,
) -> Result<Placed> {
    let placed = place::place(module, plan, &area.placement, around, links);
    let Rewritten { file, image, tls } = placed?;
    let extent = &plan.extent;
    let offset = area.placement.offset;
    let has_stack = extent.stack_top != 0;
    let first = area.placement.slots;
    Ok(Placed {
        file,
        route: plan.route.name(),
        offset,
        area: (area.low, area.high),
        stack: if has_stack {
            (area.placement.stack_low, area.placement.stack_top)
        } else {
            (0, 0)
        },
        data: (offset + extent.data_start, offset + extent.data_end),
        slots: (first, first + place::slots(module)),
        image,
        tls,
        bindings: Vec::new(),
        weak: module
            .dylink
            .iter()
            .flat_map(|dylink| &dylink.weak_imports)
            .map(ToString::to_string)
            .collect(),
        threads: module.memories.first().is_some_and(|memory| memory.shared),
        own_heap: false,
    })
}

/// Whether a module whose allocator functions were replaced still grows memory by itself.
///
/// # Errors
/// `ERR_NOT_RELOCATABLE` for an allocator that takes what lies behind `__heap_base`: that is the
/// host's, or another's.
fn keeps_heap(module: &Module<'_>, plan: &Plan, redirected: &[(u32, u64)]) -> Result<bool> {
    if let (Some(at), None, true) = (plan.heap_base_used, plan.heap_end_used, redirected.is_empty())
    {
        let message = "it takes the memory behind __heap_base for a heap of its own, and that \
                       belongs to others here: link with --emit-relocs, or import malloc and free";
        return Err(Fault::new(Kind::NotRelocatable, at, message));
    }
    let replaced: Vec<u32> = redirected.iter().map(|(function, _)| *function).collect();
    Ok(reach::growth(module, &replaced)?.is_some())
}

/// Whether all memories are 64-bit.
fn same_width(modules: &[Module<'_>]) -> Result<bool> {
    let mut widths = modules.iter().map(Module::pointer_width);
    let first = widths.next().unwrap_or(4);
    match widths.position(|width| width != first) {
        None => Ok(first == 8),
        Some(index) => {
            let message = "32-bit and 64-bit memories cannot be one";
            Err(Fault::new(Kind::UnsupportedModule, 0, message).in_module(index + 1))
        }
    }
}

/// What modules have to do with each other's functions.
#[derive(Debug)]
struct Shared {
    /// The slots of the one table, if there is one.
    table: Option<u64>,
    links: Vec<Links>,
    borrowed: Vec<(String, u64)>,
}

/// Gives every module its own slots of one table, from `first` on, and settles what side modules
/// import; without any of these, only if it is `wanted`.
fn share_functions(
    modules: &[Module<'_>],
    plans: &[Plan],
    areas: &mut [Area],
    wanted: bool,
    first: u64,
    known: &[Known<'_>],
) -> Result<Shared> {
    // Side modules have no table but the common one.
    if !wanted && plans.iter().all(|plan| plan.route != Route::Dynamic) {
        let links = vec![Links::default(); modules.len()];
        return Ok(Shared { table: None, links, borrowed: Vec::new() });
    }
    let mut next = first;
    for (index, (module, plan)) in modules.iter().zip(plans).enumerate() {
        let (first, end) = dynamic::first_slot(module, next);
        if first != 0 && !plan.movable_table && !module.elements.is_empty() {
            let at = module.section(super::module::id::ELEMENT).map_or(0, |section| section.head);
            let message = "without relocation entries its slots of the table cannot be moved: link \
                           with --emit-relocs";
            return Err(Fault::new(Kind::NotRelocatable, at, message).in_module(index));
        }
        areas[index].placement.slots = first;
        next = end;
    }
    let placements: Vec<_> = areas.iter().map(|area| area.placement).collect();
    let mut slots = next.max(1);
    let (links, borrowed) = dynamic::resolve(modules, plans, &placements, known, &mut slots)?;
    Ok(Shared { table: Some(slots), links, borrowed })
}

fn surroundings(
    modules: &[Module<'_>],
    options: &Options,
    pages: u64,
    table: Option<u64>,
) -> Surroundings {
    let memories = || modules.iter().flat_map(|module| module.memories.first());
    let shared = options.shared.unwrap_or_else(|| memories().any(|memory| memory.shared));
    // A shared memory must have a maximum, and the largest one fits every memory of the host.
    let maximum = options.maximum.or(shared.then_some(MAX_PAGES)).map(|most| most.max(pages));
    debug_assert!(pages <= (1 << 48) / PAGE, "the layout is within the address space");
    let Options { data_apart, debugging, .. } = *options;
    let wide = modules.iter().any(|module| module.pointer_width() == 8);
    let one_stack = !wide && modules.iter().any(dynamic::unwinds);
    Surroundings { pages, maximum, shared, table, data_apart, debugging, one_stack }
}

/// Modules that each take `__heap_base` for the start of a heap of their own.
fn rival_heaps(plans: &[Plan]) -> Option<String> {
    let takes = |plan: &&Plan| plan.heap_base_used.is_some() && plan.heap_end_used.is_none();
    let rivals: Vec<String> = plans
        .iter()
        .enumerate()
        .filter(|(_, plan)| takes(plan))
        .map(|(index, _)| index.to_string())
        .collect();
    (rivals.len() > 1).then(|| {
        format!(
            "modules {} each use __heap_base without __heap_end: if these are allocators they will \
             hand out the same bytes; let them import malloc and free, or grow the memory",
            rivals.join(", ")
        )
    })
}
