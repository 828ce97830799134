//! Makes a module pay for what it runs: a counter that goes down, and a trap when it is spent.
//!
//! The counter is a mutable `i64` global, appended, so that no index moves. Instructions count 1,
//! bulk instructions also by their length, calls of imported functions by a price of their own.
//! The same module with the same input spends the same fuel on every engine.
//!
//! A spent module traps with the counter below zero: that tells it from a trap of the program's
//! own. Refilled, it can be called again. With [`Meter::refill`] it asks for more before it traps: by
//! a table of one function, appended too, which the host fills.

use super::code::{Code, Instruction, op};
use super::fault::{Fault, Result};
use super::locals::{add_locals, free_name};
use super::module::{ExternalKind, Module, id};
use super::parse::parse;
use super::place::item;
use super::purse::{Length, Purse, Refill};
use super::splice::Splicer;
use crate::error::Kind;
use wasm_encoder::{Encode, ExportKind};

/// How finely fuel is charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// At the entry of functions and the heads of loops, for all instructions up to the next one:
    /// cheap, and charges for branches that are not taken.
    Coarse,
    /// At every basic block, for exactly its instructions.
    Exact,
    /// Not at all: only the limits are built in.
    Off,
}

/// How [`meter`] charges, and what it limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meter {
    /// How finely fuel is charged.
    pub mode: Mode,
    /// What a direct call of an imported function costs beyond the instruction.
    pub host_call: u32,
    /// The most pages that a memory of the module's own may have.
    pub memory_pages: Option<u64>,
    /// The most elements that a table of the module's own may have.
    pub table_elements: Option<u64>,
    /// Whether a spent module calls a function of the host's before it traps: what that adds to the
    /// counter it goes on with, where it stood.
    pub refill: bool,
}

/// A module that pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metered {
    /// The rewritten file.
    pub bytes: Vec<u8>,
    /// The export of the counter: `__isolith_fuel`, or longer where the module has that name; empty
    /// where nothing is charged.
    pub fuel: String,
    /// The export of what was the start function: to be called after the counter is filled.
    pub start: Option<String>,
    /// The export of the table whose only element is called when the counter is spent, of type
    /// `() -> ()`: to be set before the first call.
    pub refill: Option<String>,
    /// How many places charge.
    pub points: usize,
}

/// Rewrites a module so that it charges for what it runs.
///
/// # Errors
/// `ERR_MALFORMED_MODULE` for bytes that are no module, also where code names a global that is
/// none: it would be the counter. `ERR_LAYOUT_OVERFLOW` if a memory or table starts beyond its
/// limit.
pub fn meter(file: &[u8], meter: &Meter) -> Result<Metered> {
    let module = parse(file)?;
    if meter.mode == Mode::Off {
        let mut splicer = Splicer::new(&module);
        limit(&module, meter, &mut splicer)?;
        let bytes = splicer.finish().bytes(file);
        return Ok(Metered { bytes, fuel: String::new(), start: None, refill: None, points: 0 });
    }
    let counter = module.imported_globals + module.globals.len() as u32;
    let refill = meter
        .refill
        .then_some(Refill { ty: module.types.len() as u32, table: module.tables.len() as u32 });
    let mut charger =
        Charger { module: &module, meter, counter, refill, points: 0, inserts: Vec::new() };
    for export in &module.exports {
        if export.kind == ExternalKind::Global && export.index >= counter {
            let at = module.section(id::EXPORT).map_or(0, |section| section.body.start);
            return Err(charger.no_global(at, export.index));
        }
    }
    let mut splicer = Splicer::new(&module);
    for (function, body) in (module.imported_functions..).zip(0..module.bodies.len()) {
        charger.body(function, body, &mut splicer)?;
    }
    let points = charger.points;
    charger.inserts.sort_by_key(|(at, order, _)| (*at, *order));
    for (at, _, code) in charger.inserts {
        splicer.insert(at, code);
    }
    // Type i64, mutable, 0: the host fills it before the first call.
    splicer.append(id::GLOBAL, &[0x7e, 1, 0x42, 0, 0x0b]);
    let fuel = free_name(&module, "__isolith_fuel");
    splicer.append(id::EXPORT, &item(&fuel, ExportKind::Global, counter));
    let start = module.start.map(|start| {
        let name = free_name(&module, "__isolith_start");
        splicer.drop_all(id::START);
        splicer.append(id::EXPORT, &item(&name, ExportKind::Func, start));
        name
    });
    let refill = refill.map(|Refill { table, .. }| {
        let name = free_name(&module, "__isolith_refill");
        // Nothing to nothing; one element that is a function, of one at most.
        splicer.append(id::TYPE, &[0x60, 0, 0]);
        splicer.append(id::TABLE, &[0x70, 1, 1, 1]);
        splicer.append(id::EXPORT, &item(&name, ExportKind::Table, table));
        name
    });
    limit(&module, meter, &mut splicer)?;
    Ok(Metered { bytes: splicer.finish().bytes(file), fuel, start, refill, points })
}

struct Charger<'m, 'a> {
    module: &'m Module<'a>,
    meter: &'m Meter,
    counter: u32,
    refill: Option<Refill>,
    points: usize,
    inserts: Vec<(usize, Order, Vec<u8>)>,
}

/// In what order codes stand that are inserted at one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Order {
    /// The local is filled.
    Fill,
    /// Something is paid.
    Pay,
    /// The local is emptied.
    Empty,
}

/// A stretch of code that is paid for at one place.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    at: usize,
    cost: u64,
}

impl Charger<'_, '_> {
    fn body(&mut self, function: u32, body: usize, splicer: &mut Splicer<'_, '_>) -> Result<()> {
        let range = self.module.bodies[body].range.clone();
        let (loops, bulk) = self.survey(&range)?;
        let mut next = 0;
        let mut local = |width: usize| {
            next += 1;
            (next - 1, width)
        };
        let wanted = [loops.then(|| local(8)), bulk.map(&mut local)];
        let widths: Vec<usize> = wanted.iter().flatten().map(|(_, width)| *width).collect();
        let first = add_locals(self.module, function, &range, &widths, splicer)?;
        let [of_fuel, of_length] = wanted.map(|local| local.map(|(index, _)| first + index));
        let purse = Purse { counter: self.counter, local: of_fuel, refill: self.refill };

        let mut code = Code::of_body(&self.module.bytes[range.clone()], range.start)?;
        let begin = code.position();
        self.insert(begin, Order::Fill, purse.fill());
        // Coarse: one stretch for each open loop, the function's own first. Exact: the last one.
        let mut stretches = vec![Stretch { at: begin, cost: 0 }];
        let mut blocks: Vec<u32> = Vec::new();
        while let Some(instruction) = code.next()? {
            let Instruction { opcode, at, end, first, .. } = instruction;
            if matches!(opcode, op::GLOBAL_GET | op::GLOBAL_SET) && first as u32 >= self.counter {
                return Err(self.no_global(at, first as u32));
            }
            if let (Some(length), Some(scratch)) = (self.bulk(&instruction), of_length) {
                self.points += 1;
                self.insert(at, Order::Pay, Some(purse.charge_length(scratch, length)));
            }
            if let Some(stretch) = stretches.last_mut() {
                stretch.cost += self.cost(&instruction);
            }
            let calls = matches!(opcode, op::CALL | op::CALL_INDIRECT | op::CALL_REF);
            if calls || leaves_function(&instruction, blocks.len()) {
                self.insert(at, Order::Empty, purse.empty());
            }
            if calls {
                self.insert(end, Order::Fill, purse.fill());
            }
            let exact = self.meter.mode == Mode::Exact;
            match opcode {
                op::BLOCK | op::IF | op::TRY | op::TRY_TABLE | op::LOOP => blocks.push(opcode),
                _ => {}
            }
            // Where control can come from elsewhere, or may have left, a new stretch begins.
            let boundary = match opcode {
                op::LOOP => true,
                op::END | op::DELEGATE => blocks.pop() != Some(op::LOOP) || !exact,
                op::IF | op::ELSE | op::CATCH | op::CATCH_ALL => exact,
                op::BR | op::BR_IF | op::BR_TABLE | op::RETURN | op::UNREACHABLE => exact,
                _ => exact && is_leaving(opcode),
            };
            match (boundary, exact, opcode) {
                (false, ..) => {}
                (true, true, _) => {
                    self.settle(&purse, stretches.pop());
                    stretches.push(Stretch { at: end, cost: 0 });
                }
                (true, false, op::LOOP) => stretches.push(Stretch { at: end, cost: 0 }),
                (true, false, _) => self.leave_loop(&purse, &mut stretches, &blocks),
            }
        }
        for stretch in stretches {
            self.settle(&purse, Some(stretch));
        }
        Ok(())
    }

    /// Whether a function is worth a local for its fuel: it has a loop, and catches nothing, for
    /// then it would come back from calls at other places too. And the width of its bulk lengths.
    fn survey(&self, range: &std::ops::Range<usize>) -> Result<(bool, Option<usize>)> {
        let mut code = Code::of_body(&self.module.bytes[range.clone()], range.start)?;
        let (mut loops, mut catches, mut bulk) = (false, false, None);
        while let Some(instruction) = code.next()? {
            loops |= instruction.opcode == op::LOOP;
            catches |= matches!(instruction.opcode, op::TRY | op::TRY_TABLE);
            let Some(Length { width, .. }) = self.bulk(&instruction) else { continue };
            if bulk.is_some_and(|other| other != width) {
                let message = "bulk instructions of 32-bit and 64-bit lengths in a function";
                return Err(Fault::new(Kind::UnsupportedModule, instruction.at, message));
            }
            bulk = Some(width);
        }
        Ok((loops && !catches, bulk))
    }

    fn insert(&mut self, at: usize, order: Order, code: Option<Vec<u8>>) {
        self.inserts.extend(code.map(|code| (at, order, code)));
    }

    /// Settles the stretches of loops that are no longer open.
    fn leave_loop(&mut self, purse: &Purse, stretches: &mut Vec<Stretch>, blocks: &[u32]) {
        let open = 1 + blocks.iter().filter(|block| **block == op::LOOP).count();
        while stretches.len() > open {
            self.settle(purse, stretches.pop());
        }
    }

    fn settle(&mut self, purse: &Purse, stretch: Option<Stretch>) {
        if let Some(Stretch { at, cost }) = stretch
            && cost > 0
        {
            self.points += 1;
            self.insert(at, Order::Pay, Some(purse.charge(cost)));
        }
    }

    fn cost(&self, instruction: &Instruction) -> u64 {
        match instruction.opcode {
            op::NOP | op::BLOCK | op::LOOP | op::ELSE | op::END => 0,
            op::CALL if (instruction.first as u32) < self.module.imported_functions => {
                1 + u64::from(self.meter.host_call)
            }
            _ => 1,
        }
    }

    /// The length that a bulk instruction takes from the top of the stack.
    fn bulk(&self, instruction: &Instruction) -> Option<Length> {
        let Instruction { opcode, first, second, .. } = *instruction;
        let memory = |index: u64| {
            let found = self.module.memories.get(index as usize);
            if found.is_some_and(|memory| memory.memory64) { 8 } else { 4 }
        };
        let table = |index: u64| {
            let found = self.module.tables.get(index as usize);
            if found.is_some_and(|table| table.table64) { 8 } else { 4 }
        };
        let (width, bytes) = match opcode {
            op::MEMORY_FILL => (memory(first as u64), true),
            op::MEMORY_COPY => (memory(first as u64).min(memory(second)), true),
            op::MEMORY_INIT => (4, true),
            op::TABLE_INIT | op::ARRAY_COPY | op::ARRAY_INIT_DATA | op::ARRAY_INIT_ELEM => {
                (4, false)
            }
            op::ARRAY_FILL | op::ARRAY_NEW_DATA | op::ARRAY_NEW_ELEM | op::ARRAY_NEW_DEFAULT => {
                (4, false)
            }
            op::TABLE_COPY => (table(first as u64).min(table(second)), false),
            op::TABLE_FILL | op::TABLE_GROW => (table(first as u64), false),
            _ => return None,
        };
        Some(Length { width, bytes })
    }

    fn no_global(&self, at: usize, index: u32) -> Fault {
        let message = format!("global {index} is named, of {}", self.counter);
        Fault::new(Kind::MalformedModule, at, message)
    }
}

/// Whether control may leave the function at this instruction, so many blocks deep in it.
fn leaves_function(instruction: &Instruction, depth: usize) -> bool {
    let reaches = |label: u64| label >= depth as u64;
    match instruction.opcode {
        op::RETURN | op::UNREACHABLE => true,
        op::END => depth == 0,
        op::BR | op::BR_IF => reaches(instruction.first as u64),
        op::BR_TABLE => reaches(instruction.second),
        opcode => is_leaving(opcode),
    }
}

/// Whether control may leave the block at this instruction, other than by a plain branch.
fn is_leaving(opcode: u32) -> bool {
    matches!(opcode, op::THROW..=op::THROW_REF | op::RETURN_CALL | op::RETURN_CALL_INDIRECT)
        || matches!(opcode, op::RETURN_CALL_REF | op::BR_ON_NULL | op::BR_ON_NON_NULL)
        || matches!(opcode, op::BR_ON_CAST | op::BR_ON_CAST_FAIL)
}

/// Lowers the maxima of the module's own memories and tables.
fn limit(module: &Module<'_>, meter: &Meter, splicer: &mut Splicer<'_, '_>) -> Result<()> {
    let lowered = |section, initial: u64, maximum: Option<u64>, limit: u64| {
        if initial > limit {
            let at = module.section(section).map_or(0, |section| section.body.start);
            let message =
                format!("it starts with {initial} pages or elements, {limit} are allowed");
            return Err(Fault::new(Kind::LayoutOverflow, at, message));
        }
        Ok(Some(maximum.unwrap_or(u64::MAX).min(limit)))
    };
    let own = module.memories.iter().skip(module.imported_memories as usize);
    if let Some(pages) = meter.memory_pages {
        for (memory, range) in own.zip(&module.memory_ranges) {
            let maximum = lowered(id::MEMORY, memory.initial, memory.maximum, pages)?;
            let ty = wasm_encoder::MemoryType {
                minimum: memory.initial,
                maximum,
                memory64: memory.memory64,
                shared: memory.shared,
                page_size_log2: memory.page_size_log2,
            };
            let mut bytes = Vec::new();
            ty.encode(&mut bytes);
            splicer.replace(range.clone(), bytes);
        }
    }
    if let Some(elements) = meter.table_elements {
        let own = module.tables.iter().skip(module.imported_tables as usize);
        for (table, range) in own.zip(&module.table_limits) {
            let maximum = lowered(id::TABLE, table.initial, table.maximum, elements)?;
            let flags = 1 | u8::from(table.shared) << 1 | u8::from(table.table64) << 2;
            let mut bytes = vec![flags];
            table.initial.encode(&mut bytes);
            maximum.unwrap_or(elements).encode(&mut bytes);
            splicer.replace(range.clone(), bytes);
        }
    }
    Ok(())
}
