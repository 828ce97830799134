//! Any bytes as a module: it is linked beside another or refused with a byte of its file, on every route.
#![no_main]

use isolith::linker::{
    Fault, Known, Meter, Mode, Options, bound_stack, combine_beside, heap_base, inspect, meter, relocate,
};

const OTHER: &[u8] = include_bytes!("../../linker/golden/threads-plain.wasm");

/// A refusal names a byte of the file, or its end.
fn checked<T>(result: Result<T, Fault>, files: &[&[u8]]) -> Option<T> {
    if let Err(fault) = &result {
        assert!(fault.offset() <= files[fault.module()].len(), "{fault}");
        assert!(!fault.error().message().is_empty());
    }
    result.ok()
}

// The last byte chooses the options, so that a module as it is makes a seed.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, file)) = bytes.split_last() else { return };
    let flag = |bit: u8| choice & (1 << bit) != 0;
    let options = Options {
        one_table: flag(0),
        one_allocator: flag(1),
        host_allocator: flag(2),
        data_apart: flag(3),
        additional_stack: u64::from(choice >> 4) << 12,
        first_slot: if flag(5) { 1000 } else { 0 },
        ..Options::default()
    };
    let pair = if flag(7) { [file, OTHER] } else { [OTHER, file] };
    let known = [
        Known { name: "counter", address: Some(5000) },
        Known { name: "twice", address: None },
    ];
    let known = if flag(6) { &known[..] } else { &[] };
    if let Some(combined) = checked(combine_beside(&pair, known, &options), &pair) {
        // What was linked is a module that the linker can read again, and no area overlaps.
        for (placed, file) in combined.modules.iter().zip(pair) {
            inspect(&placed.file.bytes(file)).expect("a linked module is a module");
        }
        let [first, second] = combined.modules.as_slice() else { panic!("two modules went in") };
        assert!(first.area.1 <= second.area.0 && second.area.1 <= combined.heap_base);
    }
    checked(relocate(file, u64::from(*choice) << 8, 0x100_0000, &options), &[file]);
    checked(heap_base(file), &[file]);
    let mode = if flag(0) { Mode::Exact } else { Mode::Coarse };
    let limit = flag(3).then_some(100);
    let paid = Meter { mode, host_call: 3, memory_pages: limit, table_elements: limit, refill: limit.is_some() };
    if let Some(metered) = checked(meter(file, &paid), &[file]) {
        inspect(&metered.bytes).expect("a metered module is a module");
    }
    if let Some(bounded) = checked(bound_stack(file, 4096), &[file]) {
        inspect(&bounded.bytes).expect("a bounded module is a module");
    }
    checked(inspect(file), &[file]);
});
