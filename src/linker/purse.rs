//! The code that pays: it takes fuel off the counter, or off a local that stands for the counter.
//!
//! A global costs a load and a store each time, a local next to nothing. So a function with a loop
//! keeps the count in a local: filled from the global at its beginning and after calls, emptied
//! into it before calls and wherever the function may be left. What a trap of the program's own
//! leaves in the local is forgotten: at most what the function spent since its last call.

use wasm_encoder::InstructionSink;

/// One unit of fuel pays for this many bytes, as a power of two, of a bulk instruction.
const BYTES_SHIFT: i64 = 3;

/// A length on the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Length {
    /// Bytes of the number: 4 or 8.
    pub(super) width: usize,
    /// Whether it counts bytes of memory, which are cheaper than elements.
    pub(super) bytes: bool,
}

/// Where a function's fuel is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Purse {
    /// The counter: a mutable `i64` global.
    pub(super) counter: u32,
    /// The local that stands for it.
    pub(super) local: Option<u32>,
    /// Who is asked for more when it is spent.
    pub(super) refill: Option<Refill>,
}

/// A function `() -> ()` in a table of its own: called there, it may raise the counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refill {
    pub(super) ty: u32,
    pub(super) table: u32,
}

impl Purse {
    /// `fuel -= cost; if fuel < 0 { trap }`, or `if fuel < 0 { refill(); if fuel < 0 { trap } }`.
    pub(super) fn charge(&self, cost: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        let mut code = InstructionSink::new(&mut bytes);
        self.get(&mut code);
        code.i64_const(cost as i64).i64_sub();
        self.pay(&mut code);
        bytes
    }

    /// The same for a length that lies on the stack and stays there; `scratch` is a local for it.
    pub(super) fn charge_length(&self, scratch: u32, length: Length) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        let mut code = InstructionSink::new(&mut bytes);
        code.local_tee(scratch);
        self.get(&mut code);
        code.local_get(scratch);
        if length.width == 4 {
            code.i64_extend_i32_u();
        }
        if length.bytes {
            code.i64_const(BYTES_SHIFT).i64_shr_u();
        } else if length.width == 8 {
            // Half, so that no length overflows the counter; such a table does not exist.
            code.i64_const(1).i64_shr_u();
        }
        code.i64_sub();
        self.pay(&mut code);
        bytes
    }

    fn get(&self, code: &mut InstructionSink<'_>) {
        match self.local {
            Some(local) => code.local_get(local),
            None => code.global_get(self.counter),
        };
    }

    /// Puts back what is on the stack; traps if it is below zero.
    fn pay(&self, code: &mut InstructionSink<'_>) {
        match self.local {
            Some(local) => code.local_tee(local),
            None => code.global_set(self.counter).global_get(self.counter),
        };
        code.i64_const(0).i64_lt_s().if_(wasm_encoder::BlockType::Empty);
        if let Some(local) = self.local {
            code.local_get(local).global_set(self.counter);
        }
        if let Some(Refill { ty, table }) = self.refill {
            code.i32_const(0).call_indirect(table, ty).global_get(self.counter);
            if let Some(local) = self.local {
                code.local_tee(local);
            }
            code.i64_const(0).i64_lt_s().if_(wasm_encoder::BlockType::Empty).unreachable().end();
        } else {
            code.unreachable();
        }
        code.end();
    }

    /// Takes the count from the counter; nothing where there is no local.
    pub(super) fn fill(&self) -> Option<Vec<u8>> {
        let local = self.local?;
        let mut bytes = Vec::with_capacity(8);
        InstructionSink::new(&mut bytes).global_get(self.counter).local_set(local);
        Some(bytes)
    }

    /// Gives the count back to the counter; nothing where there is no local.
    pub(super) fn empty(&self) -> Option<Vec<u8>> {
        let local = self.local?;
        let mut bytes = Vec::with_capacity(8);
        InstructionSink::new(&mut bytes).local_get(local).global_set(self.counter);
        Some(bytes)
    }
}
