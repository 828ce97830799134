//! Gives a module a budget of stack: calls that go deeper trap, the same on every engine.
//!
//! Engines overflow wherever their own stack ends. Here each function takes its frame, an estimate
//! by its locals, off a counter that works like one more parameter: it is set before every call and
//! read at the entry of the callee, so that nothing needs to be given back, whichever way a function
//! is left.

use super::code::{Code, op};
use super::fault::{Fault, Result};
use super::locals::{add_locals, free_name, locals};
use super::module::{ExternalKind, id};
use super::parse::parse;
use super::place::item;
use super::splice::{Splicer, encoded};
use crate::error::Kind;
use wasm_encoder::{BlockType, ExportKind, InstructionSink};

/// Bytes of a frame beside its locals, and of each local.
const FRAME: u32 = 32;
const LOCAL: u32 = 8;

/// A module with a budget of stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounded {
    /// The rewritten file.
    pub bytes: Vec<u8>,
    /// The export of the counter, an `i32` global that begins with the budget: to be set to it again
    /// before each call from outside. It is -1 after a call that went too deep.
    pub stack: String,
}

/// Rewrites a module so that its calls go no deeper than about `budget` bytes of stack.
///
/// # Errors
/// `ERR_MALFORMED_MODULE` for bytes that are no module, also where code names a global that is
/// none: it would be the counter.
pub fn bound_stack(file: &[u8], budget: u32) -> Result<Bounded> {
    let module = parse(file)?;
    let counter = module.imported_globals + module.globals.len() as u32;
    let no_global = |at: usize, index: u32| {
        Fault::new(Kind::MalformedModule, at, format!("global {index} is named, of {counter}"))
    };
    for export in &module.exports {
        if export.kind == ExternalKind::Global && export.index >= counter {
            let at = module.section(id::EXPORT).map_or(0, |section| section.body.start);
            return Err(no_global(at, export.index));
        }
    }
    let mut splicer = Splicer::new(&module);
    let mut inserts = Vec::new();
    for (function, body) in (module.imported_functions..).zip(&module.bodies) {
        let range = &body.range;
        let frame =
            FRAME.saturating_add(locals(&module, function, range)?.count.saturating_mul(LOCAL));
        let frame = i32::try_from(frame).unwrap_or(i32::MAX);
        let mut code = Code::of_body(&module.bytes[range.clone()], range.start)?;
        let begin = code.position();
        let mut calls = Vec::new();
        while let Some(instruction) = code.next()? {
            let index = instruction.first as u32;
            match instruction.opcode {
                op::GLOBAL_GET | op::GLOBAL_SET if index >= counter => {
                    return Err(no_global(instruction.at, index));
                }
                op::CALL | op::CALL_INDIRECT | op::CALL_REF => calls.push((instruction.at, 0)),
                // The frame is gone before the callee begins.
                op::RETURN_CALL | op::RETURN_CALL_INDIRECT | op::RETURN_CALL_REF => {
                    calls.push((instruction.at, frame));
                }
                _ => {}
            }
        }
        let local = match calls.is_empty() {
            true => None,
            false => Some(add_locals(&module, function, range, &[4], &mut splicer)?),
        };
        inserts.push((begin, entry(counter, frame, local)));
        for (at, back) in calls {
            inserts.push((at, before_call(counter, local.unwrap_or(0), back)));
        }
    }
    for (at, code) in inserts {
        splicer.insert(at, code);
    }
    // Type i32, mutable, the budget.
    let mut global = vec![0x7f, 1, 0x41];
    global.extend(encoded(i32::try_from(budget).unwrap_or(i32::MAX)));
    global.push(0x0b);
    splicer.append(id::GLOBAL, &global);
    let stack = free_name(&module, "__isolith_stack");
    splicer.append(id::EXPORT, &item(&stack, ExportKind::Global, counter));
    Ok(Bounded { bytes: splicer.finish().bytes(file), stack })
}

/// What a function does first: takes its frame, traps if there is none.
fn entry(counter: u32, frame: i32, local: Option<u32>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24);
    let mut code = InstructionSink::new(&mut bytes);
    code.global_get(counter).i32_const(frame).i32_sub();
    if let Some(local) = local {
        code.local_tee(local);
    }
    code.i32_const(0).i32_lt_s().if_(BlockType::Empty);
    code.i32_const(-1).global_set(counter).unreachable().end();
    bytes
}

/// Tells the callee what is left.
fn before_call(counter: u32, local: u32, back: i32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(12);
    let mut code = InstructionSink::new(&mut bytes);
    code.local_get(local);
    if back != 0 {
        code.i32_const(back).i32_add();
    }
    code.global_set(counter);
    bytes
}
