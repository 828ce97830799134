//! No bytes make the linker panic: mutated modules are linked or refused with a byte of the file.

use isolith::linker::{
    Fault, Intake, Meter, Mode, Options, Span, bound_stack, combine, heap_base, inspect, meter,
    relocate, take_in,
};
use proptest::prelude::*;

const GOLDEN: [&[u8]; 5] = [
    include_bytes!("../linker/golden/threads-plain.wasm"),
    include_bytes!("../linker/golden/threads-threads.wasm"),
    include_bytes!("../linker/golden/threads-pic.wasm"),
    include_bytes!("../linker/golden/threads-bare.wasm"),
    include_bytes!("../linker/golden/threads-side.wasm"),
];

/// One change to a file.
#[derive(Clone, Debug)]
enum Mutation {
    Flip { at: prop::sample::Index, bit: u8 },
    Set { at: prop::sample::Index, byte: u8 },
    Cut { at: prop::sample::Index },
    Remove { at: prop::sample::Index, length: usize },
    Insert { at: prop::sample::Index, bytes: Vec<u8> },
    Copy { from: prop::sample::Index, to: prop::sample::Index, length: usize },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation as M;
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), 0..8u8).prop_map(|(at, bit)| M::Flip { at, bit }),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| M::Set { at, byte }),
        1 => at().prop_map(|at| M::Cut { at }),
        1 => (at(), 1..40usize).prop_map(|(at, length)| M::Remove { at, length }),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..10)).prop_map(|(at, bytes)| M::Insert { at, bytes }),
        1 => (at(), at(), 1..60usize).prop_map(|(from, to, length)| M::Copy { from, to, length }),
    ]
}

fn mutate(file: &mut Vec<u8>, mutation: &Mutation) {
    if file.is_empty() {
        return;
    }
    let length = file.len();
    match mutation {
        Mutation::Flip { at, bit } => file[at.index(length)] ^= 1 << bit,
        Mutation::Set { at, byte } => file[at.index(length)] = *byte,
        Mutation::Cut { at } => file.truncate(at.index(length)),
        Mutation::Remove { at, length: count } => {
            let at = at.index(length);
            file.drain(at..(at + count).min(length));
        }
        Mutation::Insert { at, bytes } => {
            let at = at.index(length);
            file.splice(at..at, bytes.iter().copied());
        }
        Mutation::Copy { from, to, length: count } => {
            let (from, to) = (from.index(length), to.index(length));
            let count = (*count).min(length - from.max(to));
            file.copy_within(from..from + count, to);
        }
    }
}

/// A refusal names a byte of the file, or its end.
fn checked<T>(result: Result<T, Fault>, files: &[&[u8]]) -> Option<T> {
    result
        .inspect_err(|fault| {
            assert!(fault.offset() <= files[fault.module()].len(), "{fault}");
            assert!(!fault.error().message().is_empty());
        })
        .ok()
}

/// A module whose sections lie further apart: a custom section of debugging data after each.
fn padded(file: &[u8], length: usize) -> Vec<u8> {
    let mut out = file[..8].to_vec();
    let mut rest = &file[8..];
    while let [id, tail @ ..] = rest {
        let digits = 1 + tail.iter().take_while(|byte| **byte & 0x80 != 0).count();
        let size =
            tail[..digits].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let end = 1 + digits + size;
        out.extend_from_slice(&rest[..end]);
        rest = &rest[end..];
        // Before the code section they would change the numbers of sections that relocations name.
        if length > 0 && (*id == 11 || out.len() > file.len()) {
            let name = b"\x0c.debug_fresh"[..].iter();
            let body = name.copied().chain((0..length).map(|at| at as u8)).collect::<Vec<_>>();
            let size = body.len();
            out.extend([0, size as u8 | 0x80, (size >> 7) as u8 | 0x80, (size >> 14) as u8]);
            out.extend(body);
        }
    }
    out
}

/// A file of which only what is taken in is there, and the rest is `filler`.
fn partly(file: &[u8], wish: Intake, filler: u8) -> Vec<u8> {
    let mut bytes = vec![filler; file.len()];
    take_in(&mut bytes, wish, |from, to| to.copy_from_slice(&file[from..from + to.len()]));
    bytes
}

/// What a file becomes in combination, read as a whole or put together as a host does that has it.
fn placed(file: &[u8], options: &Options, filler: Option<u8>) -> Result<Vec<u8>, Fault> {
    let wish = Intake::Relocation { debugging: options.debugging };
    let mut taken = filler.map_or(file.to_vec(), |filler| partly(file, wish, filler));
    let combined = combine(&[GOLDEN[0], &taken], options)?;
    let placed = &combined.modules[1];
    if filler.is_none() {
        let parts = placed.image.iter().map(|(_, range)| placed.file.cut(file, range));
        return Ok([placed.file.bytes(file)].into_iter().chain(parts).flatten().collect());
    }
    placed.file.apply(&mut taken);
    let mut spans = placed.file.spans();
    placed.image.iter().for_each(|(_, range)| placed.file.stretches(range, &mut spans));
    let bytes = spans.into_iter().map(|span| match span {
        Span::Same(range) => &file[range],
        Span::Changed(range) => &taken[range],
        Span::Made(range) => &placed.file.made()[range],
    });
    Ok(bytes.collect::<Vec<_>>().concat())
}

/// `PROPTEST_CASES` makes it a long fuzzing run.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(cases.unwrap_or(4000))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn mutated_modules_are_linked_or_refused_with_a_byte(
        which in 0..GOLDEN.len(),
        mutations in prop::collection::vec(mutation(), 1..4),
        offset in 0..0x4000u64,
        one_table: bool,
        data_apart: bool,
        additional_stack in 0..0x1_0000u64,
    ) {
        let mut file = GOLDEN[which].to_vec();
        mutations.iter().for_each(|mutation| mutate(&mut file, mutation));
        let one_allocator = additional_stack % 2 == 0;
        let host_allocator = additional_stack % 3 == 0;
        let options = Options {
            one_table, one_allocator, host_allocator, data_apart, additional_stack, ..Options::default()
        };
        let pair = [GOLDEN[0], &file];
        if let Some(combined) = checked(combine(&pair, &options), &pair) {
            // What was linked is a module that the linker itself can read again.
            for (placed, file) in combined.modules.iter().zip(pair) {
                prop_assert!(inspect(&placed.file.bytes(file)).is_ok());
            }
            let areas: Vec<_> = combined.modules.iter().map(|placed| placed.area).collect();
            prop_assert!(areas[0].1 <= areas[1].0 && areas[1].1 <= combined.heap_base);
        }
        checked(relocate(&file, offset * 16, 0x100_0000, &options), &[&file]);
        checked(heap_base(&file), &[&file]);
        let mode = if one_table { Mode::Exact } else { Mode::Coarse };
        let limits = data_apart.then_some(100);
        let paid = Meter { mode, host_call: 3, memory_pages: limits, table_elements: limits, refill: limits.is_some() };
        if let Some(metered) = checked(meter(&file, &paid), &[&file]) {
            prop_assert!(inspect(&metered.bytes).is_ok());
        }
        if let Some(bounded) = checked(bound_stack(&file, 4096), &[&file]) {
            prop_assert!(inspect(&bounded.bytes).is_ok());
        }
        checked(inspect(&file), &[&file]);
    }

    #[test]
    fn what_is_left_out_of_a_file_is_never_looked_at(
        which in 0..GOLDEN.len(),
        mutations in prop::collection::vec(mutation(), 0..3),
        padding in 0..4usize,
        filler: u8,
        data_apart: bool,
        debugging: bool,
    ) {
        let mut file = padded(GOLDEN[which], padding * 5000);
        mutations.iter().for_each(|mutation| mutate(&mut file, mutation));
        let options = Options { data_apart, debugging, ..Options::default() };
        prop_assert_eq!(placed(&file, &options, Some(filler)), placed(&file, &options, None));
        let taken = partly(&file, Intake::Addresses, filler);
        prop_assert_eq!(heap_base(&taken), heap_base(&file));
    }

    #[test]
    fn bytes_behind_a_header_never_make_it_panic(tail: Vec<u8>) {
        let mut file = b"\0asm\x01\0\0\0".to_vec();
        file.extend(tail);
        checked(combine(&[&file], &Options::default()), &[&file]);
        checked(inspect(&file), &[&file]);
    }
}

#[test]
fn of_a_file_that_is_only_a_header_the_header_is_taken_in() {
    let component = [0, 97, 115, 109, 13, 0, 1, 0];
    assert_eq!(partly(&component, Intake::Addresses, 0xaa), component);
}

#[test]
fn golden_modules_are_linked_unharmed() {
    let combined = combine(&GOLDEN[..4], &Options::default()).expect("all are linkable");
    let routes: Vec<_> = combined.modules.iter().map(|placed| placed.route).collect();
    assert_eq!(routes, ["exact", "exact", "exact", "pic"]);
}
