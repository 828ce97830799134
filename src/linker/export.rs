//! The linker as JavaScript calls it: requests are numbers, answers pieces of the old files and new bytes.
//!
//! A request is a row of little-endian `u64`: eight numbers of options, the count of files and the
//! length of each. The last file may be a list of [`Known`] symbols instead of a module. What is needed of the files is asked for by `isolith_link_read`, which the host
//! provides. An answer is a list of outputs: a JSON report, or on failure a JSON error, and then
//! the files made; each is a list of pieces to put in a row.

use super::answer::{Answer, Output};
use super::combine::{
    Combined, DEFAULT_GUARD, Known, Options, Placed, combine_beside, heap_base, relocate,
};
use super::depth::{Bounded, bound_stack};
use super::fault::{Fault, Result};
use super::inspect::inspect;
use super::intake::{Wish, take_in};
use super::json::Json;
use super::meter::{Meter, Metered, Mode, meter};
use crate::error::Kind;
use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::ops::Range;

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "isolith")]
unsafe extern "C" {
    /// Copies bytes `from` on of a file of the request to `to`.
    fn isolith_link_read(file: usize, from: usize, to: *mut u8, length: usize);
}

/// Outside of WebAssembly there is no host who could call what needs this.
#[cfg(not(target_arch = "wasm32"))]
unsafe fn isolith_link_read(_file: usize, _from: usize, _to: *mut u8, _length: usize) {
    unreachable!("the linker's exports are for JavaScript")
}

thread_local! {
    static ANSWER: RefCell<Answer> = const { RefCell::new(Answer::new()) };
}

/// Stands for an option that was not given.
const UNSET: u64 = u64::MAX;

/// The numbers in front of the lengths of the files.
const OPTIONS: usize = 8;

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), 8).ok()
}

/// Bytes for a request; null if there is no memory. Given back by the call that takes it.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_alloc(size: usize) -> *mut u8 {
    match layout(size) {
        // SAFETY: the layout's size is not 0.
        Some(layout) => unsafe { alloc(layout) },
        None => std::ptr::null_mut(),
    }
}

/// The count of outputs of the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_outputs() -> usize {
    ANSWER.with_borrow(|answer| answer.spans().len())
}

/// Where the spans of an output start; valid until the next call. Each is the file, or -1 for the
/// linker's memory, the first byte there, and the length.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_output(index: usize) -> *const [usize; 3] {
    ANSWER.with_borrow(|answer| {
        answer.spans().get(index).map_or(std::ptr::null(), |spans| spans.as_ptr())
    })
}

/// How many spans an output has.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_output_length(index: usize) -> usize {
    ANSWER.with_borrow(|answer| answer.spans().get(index).map_or(0, Vec::len))
}

/// Forgets the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_clear() {
    ANSWER.with_borrow_mut(Answer::clear);
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident, $wish:expr, $operation:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// Returns 0, or the number of the error.
            ///
            /// # Safety
            /// - `request` came from [`isolith_link_alloc`] with this `size` and is not used again.
            /// - All of its bytes are written.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(request: *mut u8, size: usize) -> u32 {
                // SAFETY: the caller promises a block of ours with `size` bytes written.
                let bytes = unsafe { std::slice::from_raw_parts(request, size) };
                let status = answer($wish, $operation, bytes);
                if let Some(layout) = layout(size) {
                    // SAFETY: allocated by `isolith_link_alloc` with the same layout.
                    unsafe { dealloc(request, layout) };
                }
                status
            }
        )*
    };
}

operations! {
    /// Places modules side by side: see [`combine_beside()`]. Number 6 is the first slot of the table, number 7 is
    /// 1 if the last file lists what is known.
    isolith_link_combine, |request, file| {
        if request.lists(file) { Wish::Everything } else { relocation(request, file) }
    }, |request| {
        let (modules, known) = request.parted();
        let options = Options { first_slot: u32::try_from(request.numbers[6]).unwrap_or(u32::MAX), ..request.options() };
        Ok(combined(combine_beside(modules, &known, &options)?))
    };
    /// Moves one module: see [`relocate()`]. Offset and heap base are numbers 6 and 7.
    isolith_link_relocate, relocation, |request| {
        let [.., offset, heap_base] = request.numbers;
        Ok(moved(relocate(request.file(0)?, offset, heap_base, &request.options())?))
    };
    /// Reads the end of a module's memory: see [`heap_base()`].
    isolith_link_heap_base, |_, _| Wish::Addresses, |request| {
        let found = heap_base(request.file(0)?)?;
        Ok(vec![text(Json::object(|json| json.number("heapBase", found)))])
    };
    /// Makes a module pay for what it runs: see [`meter()`]. The numbers are 1 for the exact mode, 2 for none,
    /// the price of a host call, the limits of memory and table, and 1 for one that is refilled.
    isolith_link_meter, |_, _| Wish::Everything, |request| {
        let [exact, host_call, memory_pages, table_elements, refill, ..] = request.numbers;
        let given = |number: u64| (number != UNSET).then_some(number);
        let options = Meter {
            mode: match exact {
                1 => Mode::Exact,
                2 => Mode::Off,
                _ => Mode::Coarse,
            },
            host_call: u32::try_from(host_call).unwrap_or(u32::MAX),
            memory_pages: given(memory_pages),
            table_elements: given(table_elements),
            refill: refill == 1,
        };
        let Metered { bytes, fuel, start, refill, points } = meter(request.file(0)?, &options)?;
        let report = Json::object(|json| {
            json.string("fuel", &fuel);
            json.list("start", |json| start.iter().for_each(|name| json.string_item(name)));
            json.list("refill", |json| refill.iter().for_each(|name| json.string_item(name)));
            json.number("points", points as u64);
        });
        Ok(vec![text(report), Output::Bytes(bytes)])
    };
    /// Gives a module a budget of stack: see [`bound_stack()`]. The number is the budget in bytes.
    isolith_link_stack, |_, _| Wish::Everything, |request| {
        let [budget, ..] = request.numbers;
        let budget = u32::try_from(budget).unwrap_or(u32::MAX);
        let Bounded { bytes, stack } = bound_stack(request.file(0)?, budget)?;
        let report = Json::object(|json| json.string("stack", &stack));
        Ok(vec![text(report), Output::Bytes(bytes)])
    };
    /// Reports on a module: see [`inspect()`].
    isolith_link_inspect, relocation, |request| Ok(vec![text(inspect(request.file(0)?)?)]);
}

fn relocation(request: &Request<'_>, _file: usize) -> Wish {
    Wish::Relocation { debugging: request.options().debugging }
}

fn text(report: String) -> Output {
    Output::Bytes(report.into_bytes())
}

/// A request, taken apart.
#[derive(Debug)]
struct Request<'a> {
    numbers: [u64; OPTIONS],
    /// How many files there are, also before they are taken in.
    count: usize,
    files: Vec<&'a [u8]>,
}

/// Options and lengths of files, as a request has them.
fn numbers(bytes: &[u8]) -> Option<([u64; OPTIONS], Vec<usize>)> {
    let (words, []) = bytes.as_chunks::<8>() else { return None };
    let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
    let mut numbers = [0; OPTIONS];
    for number in &mut numbers {
        *number = words.next()?;
    }
    let count = words.next()?;
    let lengths: Vec<_> = words.map(usize::try_from).collect::<std::result::Result<_, _>>().ok()?;
    (lengths.len() as u64 == count).then_some((numbers, lengths))
}

impl<'a> Request<'a> {
    fn file(&self, index: usize) -> Result<&'a [u8]> {
        let missing = || Fault::new(Kind::InvalidArgument, 0, "a module is missing");
        self.files.get(index).copied().ok_or_else(missing)
    }

    /// Whether this file is the list of what modules elsewhere define.
    fn lists(&self, file: usize) -> bool {
        self.numbers[7] == 1 && file + 1 == self.count
    }

    /// The modules, and what modules elsewhere define: lines of an address, or `-` for a function,
    /// a space, and a name.
    fn parted(&self) -> (&[&'a [u8]], Vec<Known<'a>>) {
        let Some((list, modules)) = self.files.split_last().filter(|_| self.lists(self.count - 1))
        else {
            return (&self.files, Vec::new());
        };
        let lines = std::str::from_utf8(list).unwrap_or("").lines();
        let known = lines.filter_map(|line| {
            let (address, name) = line.split_once(' ')?;
            Some(Known { name, address: address.parse().ok() })
        });
        (modules, known.collect())
    }

    /// Additional stack, guard, base, shared, maximum, flags (1: one table, 2: data apart,
    /// 4: one allocator, 8: the host's, 16: debugging data moves along).
    fn options(&self) -> Options {
        let [additional_stack, guard, base, shared, maximum, flags, ..] = self.numbers;
        Options {
            additional_stack,
            guard: if guard == UNSET { DEFAULT_GUARD } else { guard },
            base,
            shared: (shared != UNSET).then_some(shared != 0),
            maximum: (maximum != UNSET).then_some(maximum),
            one_table: flags & 1 != 0,
            data_apart: flags & 2 != 0,
            one_allocator: flags & 4 != 0,
            host_allocator: flags & 8 != 0,
            debugging: flags & 16 != 0,
            first_slot: 0,
        }
    }
}

fn answer(
    wish: impl Fn(&Request<'_>, usize) -> Wish,
    operation: impl FnOnce(&Request<'_>) -> Result<Vec<Output>>,
    bytes: &[u8],
) -> u32 {
    ANSWER.with_borrow_mut(|last| {
        last.clear();
        let mut places = Vec::new();
        let result = outputs(wish, operation, bytes, last, &mut places);
        let (outputs, status) = match result {
            Ok(outputs) => (outputs, 0),
            Err(fault) => (vec![failure(&fault)], u32::from(fault.error().number())),
        };
        last.put(outputs, &places);
        status
    })
}

/// Takes in what the operation needs of the files, whose `places` in the store it tells, and runs it.
fn outputs(
    wish: impl Fn(&Request<'_>, usize) -> Wish,
    operation: impl FnOnce(&Request<'_>) -> Result<Vec<Output>>,
    bytes: &[u8],
    last: &mut Answer,
    places: &mut Vec<Range<usize>>,
) -> Result<Vec<Output>> {
    let Some((numbers, lengths)) = numbers(bytes) else {
        let message = "the request is not one of the linker's";
        return Err(Fault::new(Kind::InvalidArgument, 0, message));
    };
    let mut end = Some(0usize);
    for length in &lengths {
        let start = end.unwrap_or(0);
        end = start.checked_add(*length);
        places.push(start..end.unwrap_or(start));
    }
    if !end.is_some_and(|end| last.reserve(end)) {
        places.clear();
        let message = "the linker has no memory for files of this size";
        return Err(Fault::new(Kind::OutOfMemory, 0, message));
    }
    let mut request = Request { numbers, count: lengths.len(), files: Vec::new() };
    for (file, place) in places.iter().enumerate() {
        take_in(&mut last.store[place.clone()], wish(&request, file), |from, to| {
            // SAFETY: the host writes `to.len()` bytes at `to`, which is exclusively ours.
            unsafe { isolith_link_read(file, from, to.as_mut_ptr(), to.len()) }
        });
    }
    request.files = places.iter().map(|place| &last.store[place.clone()]).collect();
    operation(&request)
}

fn failure(fault: &Fault) -> Output {
    let report = Json::object(|json| {
        json.string("code", fault.error().code());
        json.string("message", fault.error().message());
        json.number("offset", fault.offset() as u64);
        json.number("module", fault.module() as u64);
    });
    text(report)
}

fn combined(combined: Combined) -> Vec<Output> {
    let report = Json::object(|json| {
        json.number("neededPages", combined.needed_pages);
        json.number_or_null("maximumPages", combined.maximum_pages);
        json.flag("shared", combined.shared);
        json.number("heapBase", combined.heap_base);
        json.number_or_null("tableSlots", combined.table_slots);
        json.list("hosted", |json| {
            combined.hosted.iter().for_each(|(name, slot)| in_slot(json, name, *slot));
        });
        json.list("borrowed", |json| {
            combined.borrowed.iter().for_each(|(name, slot)| in_slot(json, name, *slot));
        });
        json.list("modules", |json| {
            combined.modules.iter().for_each(|placed| json.item(|json| place(json, placed)));
        });
        json.list("warnings", |json| {
            combined.warnings.iter().for_each(|warning| json.string_item(warning));
        });
    });
    let mut answer = vec![text(report)];
    let mut apart = Vec::new();
    for (file, placed) in combined.modules.into_iter().enumerate() {
        answer.push(Output::File(file, placed.file));
        let parts = placed.image.into_iter().chain(placed.tls);
        apart.extend(parts.map(|(_, range)| Output::Part(file, range)));
    }
    answer.extend(apart);
    answer
}

fn in_slot(json: &mut Json, name: &str, slot: u64) {
    json.item(|json| {
        json.string("name", name);
        json.number("slot", slot);
    });
}

fn moved(placed: Placed) -> Vec<Output> {
    let report = Json::object(|json| place(json, &placed));
    let mut answer = vec![text(report), Output::File(0, placed.file)];
    let parts = placed.image.into_iter().chain(placed.tls);
    answer.extend(parts.map(|(_, range)| Output::Part(0, range)));
    answer
}

fn place(json: &mut Json, placed: &Placed) {
    json.string("route", placed.route);
    json.number("offset", placed.offset);
    json.range("area", placed.area);
    json.range("stack", placed.stack);
    json.range("data", placed.data);
    json.range("slots", placed.slots);
    json.list("bindings", |json| {
        for (name, from) in &placed.bindings {
            json.item(|json| {
                json.string("name", name);
                json.number("from", *from as u64);
            });
        }
    });
    json.flag("threads", placed.threads);
    json.flag("ownHeap", placed.own_heap);
    json.list("weak", |json| placed.weak.iter().for_each(|name| json.string_item(name)));
    json.list("tls", |json| {
        if let Some((align, bytes)) = &placed.tls {
            json.item(|json| {
                json.number("align", *align);
                json.number("size", bytes.len() as u64);
            });
        }
    });
    json.list("image", |json| {
        for (address, bytes) in &placed.image {
            json.item(|json| {
                json.number("address", *address);
                json.number("size", bytes.len() as u64);
            });
        }
    });
}
