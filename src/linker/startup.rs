//! Reads the code by which a linker has memory initialized, which carries no relocations.
//!
//! `__wasm_init_memory` and its kin copy passive segments, clear `.bss` and set `__tls_base`, with
//! bare constants for addresses. Their names may be stripped and their shape differs from linker
//! to linker, so they are found from the start function and run symbolically: a constant that ends
//! up as the address of a memory instruction is an address.

use super::code::{Code, Instruction, op};
use super::fault::{Fault, Result};
use super::module::Module;
use crate::error::Kind;
use std::ops::Range;

/// A constant in code: its value and the bytes that spell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Constant {
    pub(crate) value: u64,
    pub(crate) site: Range<usize>,
    pub(crate) width: usize,
}

/// What the start-up code of a module does to memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Startup {
    /// Constants that are used as addresses, each site once.
    pub(crate) addresses: Vec<Constant>,
    /// Constants that are stored in a global.
    pub(crate) globals: Vec<(u32, Constant)>,
    /// Where `memory.init` puts each segment.
    pub(crate) segments: Vec<(u32, u64)>,
    /// Address and length of what `memory.fill` clears.
    pub(crate) fills: Vec<(u64, u64)>,
    /// Whether each function of the module's own is such code, and was understood.
    pub(crate) functions: Vec<bool>,
}

impl Startup {
    /// Runs the start function, what it calls and what the linker exports for start-up.
    ///
    /// # Errors
    /// `ERR_MALFORMED_MODULE` if such a function's code cannot be decoded.
    pub(crate) fn of(module: &Module<'_>) -> Result<Self> {
        let functions = vec![false; module.bodies.len()];
        let mut startup = Self { functions, ..Self::default() };
        let exported = module.exports.iter().filter(|export| {
            export.kind == wasmparser::ExternalKind::Func && export.name.starts_with("__wasm_")
        });
        let mut open: Vec<u32> = module.start.into_iter().collect();
        open.extend(exported.map(|export| export.index));
        let mut seen = vec![false; module.bodies.len()];
        while let Some(function) = open.pop() {
            let own = function.checked_sub(module.imported_functions).map(|own| own as usize);
            let Some(own) = own.filter(|own| seen.get(*own) == Some(&false)) else { continue };
            seen[own] = true;
            if let Some(run) = Run::of(module, function)? {
                startup.functions[own] = true;
                open.extend(run.calls);
                startup.addresses.extend(run.addresses);
                startup.globals.extend(run.globals);
                startup.segments.extend(run.segments);
                startup.fills.extend(run.fills);
            }
        }
        startup.addresses.sort_by_key(|constant| constant.site.start);
        startup.addresses.dedup_by_key(|constant| constant.site.start);
        Ok(startup)
    }

    /// The address of every data segment: of active ones from their offset, of passive ones from
    /// the code that initializes them. `None` for a segment that nothing places.
    pub(crate) fn segment_addresses(&self, module: &Module<'_>) -> Vec<Option<u64>> {
        let mut fills = self.fills.iter();
        let places = module.data.iter().enumerate();
        places
            .map(|(index, data)| match &data.offset {
                Some(offset) => offset.constant(),
                None => {
                    let init = self.segments.iter().find(|(segment, _)| *segment == index as u32);
                    // A passive `.bss` is cleared instead of copied, in the order of the segments.
                    init.map(|(_, address)| *address).or_else(|| {
                        fills
                            .find(|(_, length)| *length == data.bytes.len() as u64)
                            .map(|(address, _)| *address)
                    })
                }
            })
            .collect()
    }
}

/// A value on the symbolic stack.
#[derive(Clone, Debug)]
enum Slot {
    Constant(Constant),
    Other,
}

/// One function, run symbolically.
#[derive(Debug, Default)]
struct Run {
    stack: Vec<Slot>,
    locals: Vec<(u32, Slot)>,
    /// The height of the stack at the start of each open block.
    blocks: Vec<usize>,
    addresses: Vec<Constant>,
    globals: Vec<(u32, Constant)>,
    segments: Vec<(u32, u64)>,
    fills: Vec<(u64, u64)>,
    calls: Vec<u32>,
}

impl Run {
    /// `None` if the function does what start-up code of a linker does not do.
    fn of(module: &Module<'_>, function: u32) -> Result<Option<Self>> {
        let Some(body) = module.body(function) else { return Ok(None) };
        let mut code = Code::of_body(&module.bytes[body.range.clone()], body.range.start)?;
        let mut run = Self::default();
        while let Some(instruction) = code.next()? {
            if instruction.opcode == op::CALL {
                let function = instruction.first as u32;
                let ty = module.functions.get(function as usize);
                let Some(Some(ty)) = ty.and_then(|ty| module.types.get(*ty as usize)) else {
                    let message = format!("a call of function {function}, which is not");
                    return Err(Fault::new(Kind::MalformedModule, instruction.at, message));
                };
                if !ty.params().is_empty() || !ty.results().is_empty() {
                    return Ok(None);
                }
                run.calls.push(function);
            } else if run.step(&instruction).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(run))
    }

    fn step(&mut self, instruction: &Instruction) -> Option<()> {
        let site = instruction.operand..instruction.end;
        match instruction.opcode {
            op::I32_CONST => {
                let value = u64::from(instruction.first as u32);
                self.push(Slot::Constant(Constant { value, site, width: 4 }));
            }
            op::I64_CONST => {
                let value = instruction.first as u64;
                self.push(Slot::Constant(Constant { value, site, width: 8 }));
            }
            op::LOCAL_GET => {
                let local = instruction.first as u32;
                let known = self.locals.iter().find(|(known, _)| *known == local);
                let slot = known.map_or(Slot::Other, |(_, slot)| slot.clone());
                self.push(slot);
            }
            op::LOCAL_SET | op::LOCAL_TEE => {
                let local = instruction.first as u32;
                let slot = self.pop();
                self.locals.retain(|(known, _)| *known != local);
                self.locals.push((local, slot.clone()));
                if instruction.opcode == op::LOCAL_TEE {
                    self.push(slot);
                }
            }
            op::GLOBAL_GET => self.push(Slot::Other),
            op::GLOBAL_SET => {
                if let Slot::Constant(constant) = self.pop() {
                    self.globals.push((instruction.first as u32, constant));
                }
            }
            op::MEMORY_INIT => {
                self.pop_many(2);
                if let Some(address) = self.address() {
                    self.segments.push((instruction.first as u32, address));
                }
            }
            op::MEMORY_FILL => {
                let length = self.pop();
                self.pop();
                if let (Some(address), Slot::Constant(length)) = (self.address(), length) {
                    self.fills.push((address, length.value));
                }
            }
            op::DATA_DROP | op::NOP | op::BR | op::RETURN | op::UNREACHABLE => {}
            op::DROP | op::BR_IF | op::BR_TABLE => self.pop_many(1),
            op::FIRST_LOAD..=op::LAST_LOAD | op::FIRST_ATOMIC_LOAD..op::FIRST_ATOMIC_STORE => {
                self.address();
                self.push(Slot::Other);
            }
            op::FIRST_STORE..=op::LAST_STORE | op::FIRST_ATOMIC_STORE..op::FIRST_ATOMIC_RMW => {
                self.pop();
                self.address();
            }
            op::ATOMIC_NOTIFY | op::FIRST_ATOMIC_RMW..op::FIRST_ATOMIC_CMPXCHG => {
                self.pop();
                self.address();
                self.push(Slot::Other);
            }
            op::ATOMIC_WAIT32 | op::ATOMIC_WAIT64 | op::FIRST_ATOMIC_CMPXCHG..=op::LAST_ATOMIC => {
                self.pop_many(2);
                self.address();
                self.push(Slot::Other);
            }
            op::I32_EQZ => {
                self.pop();
                self.push(Slot::Other);
            }
            // Comparisons and integer arithmetic, but for the counting of bits.
            op::I32_EQ..=op::I64_GE_U | op::I32_ADD..=op::I64_ROTR => {
                self.pop_many(2);
                self.push(Slot::Other);
            }
            op::BLOCK | op::LOOP => self.blocks.push(self.stack.len()),
            op::IF => {
                self.pop();
                self.blocks.push(self.stack.len());
            }
            op::ELSE => self.stack.truncate(*self.blocks.last()?),
            op::END => {
                let height = self.blocks.pop().unwrap_or(0);
                self.stack.truncate(height);
            }
            _ => return None,
        }
        Some(())
    }

    fn push(&mut self, slot: Slot) {
        self.stack.push(slot);
    }

    /// The top of the stack; code after a jump may pop more than was pushed.
    fn pop(&mut self) -> Slot {
        self.stack.pop().unwrap_or(Slot::Other)
    }

    fn pop_many(&mut self, count: usize) {
        for _ in 0..count {
            self.pop();
        }
    }

    /// Pops an address and remembers where it is spelled.
    fn address(&mut self) -> Option<u64> {
        let Slot::Constant(constant) = self.pop() else { return None };
        let value = constant.value;
        self.addresses.push(constant);
        Some(value)
    }
}
