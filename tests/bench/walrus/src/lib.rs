//! Relocates modules as wasm-share-memory's document describes, with a walrus tree per module.

use std::cell::RefCell;
use walrus::ir::{self, dfs_pre_order_mut, VisitorMut};
use walrus::{ConstExpr, DataId, DataKind, ExportItem, FunctionKind, GlobalId, GlobalKind, Module};

thread_local! {
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for a module of `size` bytes, for the caller to fill; taken back by the call that uses it.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(size: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; size].into_boxed_slice()).cast()
}

/// Where the last module made lies.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.with_borrow(|bytes| bytes.as_ptr())
}

/// The value of the exported `__heap_base`.
#[unsafe(no_mangle)]
pub extern "C" fn get_heap_base(file: *mut u8, size: usize) -> u32 {
    let module = parse(file, size);
    constant(&module, exported(&module, "__heap_base").expect("__heap_base is exported"))
}

/// Moves a module by `offset`; the length of what lies at `output()` then.
#[unsafe(no_mangle)]
pub extern "C" fn relocate(file: *mut u8, size: usize, offset: u32, heap_base: u32) -> usize {
    let mut module = parse(file, size);
    let end = exported(&module, "__heap_base").expect("__heap_base is exported");
    let stack = module.globals.iter().find(|global| global.name.as_deref() == Some("__stack_pointer"));
    let low = stack.map_or(0, |stack| constant(&module, stack.id()));
    let high = constant(&module, end);
    let globals: Vec<GlobalId> = module.globals.iter().map(|global| global.id()).collect();
    for id in globals {
        let global = module.globals.get_mut(id);
        let GlobalKind::Local(ConstExpr::Value(ir::Value::I32(value))) = global.kind else { continue };
        let moved = if id == end {
            heap_base as i32
        } else if global.name.as_deref() == Some("__memory_base") || (low..=high).contains(&(value as u32)) {
            value + offset as i32
        } else {
            continue;
        };
        global.kind = GlobalKind::Local(ConstExpr::Value(ir::Value::I32(moved)));
    }
    let segments: Vec<DataId> = module.data.iter().map(|data| data.id()).collect();
    for id in segments {
        if let DataKind::Active { offset: ConstExpr::Value(ir::Value::I32(at)), .. } = &mut module.data.get_mut(id).kind {
            *at += offset as i32;
        }
    }
    for function in module.funcs.iter_mut() {
        if function.name.as_deref() != Some("__wasm_init_memory") {
            continue;
        }
        if let FunctionKind::Local(body) = &mut function.kind {
            let entry = body.entry_block();
            dfs_pre_order_mut(&mut Shift { offset, range: low..=high }, body, entry);
        }
    }
    let made = module.emit_wasm();
    let length = made.len();
    OUTPUT.set(made);
    length
}

/// Adds to the constants of a function that are addresses of the module.
struct Shift {
    offset: u32,
    range: std::ops::RangeInclusive<u32>,
}

impl VisitorMut for Shift {
    fn visit_const_mut(&mut self, constant: &mut ir::Const) {
        if let ir::Value::I32(value) = &mut constant.value
            && self.range.contains(&(*value as u32))
        {
            *value += self.offset as i32;
        }
    }
}

fn parse(file: *mut u8, size: usize) -> Module {
    // SAFETY: `file` came from `reserve(size)`, was filled, and is used once.
    let bytes = unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(file, size)) };
    Module::from_buffer(&bytes).expect("a module")
}

fn exported(module: &Module, name: &str) -> Option<GlobalId> {
    module.exports.iter().find(|export| export.name == name).and_then(|export| match export.item {
        ExportItem::Global(id) => Some(id),
        _ => None,
    })
}

fn constant(module: &Module, global: GlobalId) -> u32 {
    match module.globals.get(global).kind {
        GlobalKind::Local(ConstExpr::Value(ir::Value::I32(value))) => value as u32,
        _ => panic!("the global is no constant"),
    }
}
