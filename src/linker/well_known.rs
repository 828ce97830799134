//! The symbols that linkers define themselves, and what each means for a module that moves.

use super::plan::Value;

/// What a linker's own symbol stands for.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    /// A place that moves; makes the value from the number at hand.
    Moves(fn(u64) -> Value),
    /// A size or an alignment, the same everywhere.
    Fixed,
}

/// The meaning of a symbol or global of this name, `None` if linkers define no such symbol.
pub(crate) fn meaning(name: &str) -> Option<Meaning> {
    Some(match name {
        "__heap_base" => Meaning::Moves(Value::HeapBase),
        "__heap_end" => Meaning::Moves(Value::HeapEnd),
        "__stack_pointer" | "__stack_high" => Meaning::Moves(Value::StackTop),
        "__stack_low" => Meaning::Moves(Value::StackLow),
        "__memory_base" | "__data_end" | "__global_base" | "__dso_handle" | "__tls_base"
        | "__rodata_start" | "__rodata_end" => Meaning::Moves(Value::Address),
        "__table_base" => Meaning::Moves(Value::Slot),
        "__tls_size" | "__tls_align" | "__wasm_first_page_end" => Meaning::Fixed,
        _ => return None,
    })
}
