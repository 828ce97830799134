//! What has to change in a module that moves: found once, applied to any place.

use super::leb::Form;
use std::ops::Range;

/// What a number in a module means, with its present value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// An address that moves with the module.
    Address(u64),
    /// The top of the stack, where the stack pointer starts.
    StackTop(u64),
    /// The lowest address of the stack.
    StackLow(u64),
    /// The end of the module's own memory, where its heap may begin.
    HeapBase(u64),
    /// The end of the memory that the module was linked for.
    HeapEnd(u64),
    /// An index into the function table, never 0.
    Slot(u64),
}

/// One number to rewrite.
#[derive(Clone, Debug)]
pub(crate) struct Fix {
    pub(crate) site: Range<usize>,
    pub(crate) form: Form,
    pub(crate) value: Value,
    /// What the number holds beyond the value: `&table[3]` is the table and 12.
    pub(crate) addend: i64,
}

/// The memory that a module was linked to own, in its own addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Extent {
    /// Where the static data starts and ends, zeroed data included.
    pub(crate) data_start: u64,
    pub(crate) data_end: u64,
    /// The initial stack pointer; 0 if the module has none.
    pub(crate) stack_top: u64,
    /// The end of all of it.
    pub(crate) heap_base: u64,
    /// A power of two that the module's new place must be a multiple of.
    pub(crate) align: u64,
}

impl Extent {
    /// Whether the stack lies below the data, as Rust and newer C linkers place it.
    pub(crate) fn stack_first(&self) -> bool {
        self.stack_top <= self.data_start
    }
}

/// How a module can be relocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    /// By relocation entries, every one of them checked.
    Exact,
    /// Position-independent code: its base addresses are globals.
    Pic,
    /// A side module with a `dylink.0` section.
    Dynamic,
}

impl Route {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Pic => "pic",
            Self::Dynamic => "dynamic",
        }
    }
}

/// Everything that relocation does to a module, independent of the place it goes to.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) route: Route,
    pub(crate) extent: Extent,
    pub(crate) fixes: Vec<Fix>,
    /// The address of every data segment, `None` for one that nothing places.
    pub(crate) segments: Vec<Option<u64>>,
    /// The first byte whose number speaks of `__heap_base`, and of `__heap_end`: who names the
    /// first without the second runs a heap of its own from there.
    pub(crate) heap_base_used: Option<usize>,
    pub(crate) heap_end_used: Option<usize>,
    /// Whether the slots of the function table can be moved.
    pub(crate) movable_table: bool,
    pub(crate) warnings: Vec<String>,
}

/// The place that a module moves to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Placement {
    /// Added to every address.
    pub(crate) offset: u64,
    /// Added to the stack's top and taken from its low end: more stack than was linked.
    pub(crate) stack_top: u64,
    pub(crate) stack_low: u64,
    pub(crate) heap_base: u64,
    pub(crate) heap_end: u64,
    /// Added to every index into the function table.
    pub(crate) slots: u64,
}

impl Placement {
    /// What a number must be at the new place.
    pub(crate) fn of(&self, value: Value) -> u64 {
        match value {
            Value::Address(old) => old.wrapping_add(self.offset),
            Value::StackTop(_) => self.stack_top,
            Value::StackLow(_) => self.stack_low,
            Value::HeapBase(_) => self.heap_base,
            Value::HeapEnd(_) => self.heap_end,
            Value::Slot(old) => old.wrapping_add(self.slots),
        }
    }
}

impl Value {
    /// What the number is now.
    pub(crate) fn present(self) -> u64 {
        match self {
            Self::Address(old)
            | Self::StackTop(old)
            | Self::StackLow(old)
            | Self::HeapBase(old)
            | Self::HeapEnd(old)
            | Self::Slot(old) => old,
        }
    }
}
