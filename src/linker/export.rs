//! The linker as JavaScript calls it: requests and answers are bytes in the module's own memory.
//!
//! A request is a row of little-endian `u64`: eight numbers of options, the count
//! of files, the length of each, and then the files. An answer is a list of byte strings: a JSON
//! report, or on failure a JSON error, and then the files made.

use super::combine::{Combined, DEFAULT_GUARD, Options, Placed, combine, heap_base, relocate};
use super::depth::{Bounded, bound_stack};
use super::fault::{Fault, Result};
use super::inspect::inspect;
use super::json::Json;
use super::meter::{Meter, Metered, Mode, meter};
use crate::error::Kind;
use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;

thread_local! {
    static ANSWER: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Stands for an option that was not given.
const UNSET: u64 = u64::MAX;

/// The numbers in front of the files.
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

/// The count of byte strings in the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_outputs() -> usize {
    ANSWER.with_borrow(Vec::len)
}

/// Where a byte string of the last answer starts; valid until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_output(index: usize) -> *const u8 {
    ANSWER.with_borrow(|answer| answer.get(index).map_or(std::ptr::null(), |bytes| bytes.as_ptr()))
}

/// The length of a byte string of the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_output_length(index: usize) -> usize {
    ANSWER.with_borrow(|answer| answer.get(index).map_or(0, Vec::len))
}

/// Forgets the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn isolith_link_clear() {
    ANSWER.with_borrow_mut(|answer| *answer = Vec::new());
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $operation:expr;)*) => {
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
                let status = answer($operation, bytes);
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
    /// Places modules side by side: see [`combine()`].
    isolith_link_combine = |request| Ok(combined(combine(&request.files, &request.options())?));
    /// Moves one module: see [`relocate()`]. Offset and heap base are numbers 6 and 7.
    isolith_link_relocate = |request| {
        let [.., offset, heap_base] = request.numbers;
        let placed = relocate(request.file(0)?, offset, heap_base, &request.options())?;
        Ok(moved(placed))
    };
    /// Reads the end of a module's memory: see [`heap_base()`].
    isolith_link_heap_base = |request| {
        let found = heap_base(request.file(0)?)?;
        Ok(vec![Json::object(|json| json.number("heapBase", found)).into_bytes()])
    };
    /// Makes a module pay for what it runs: see [`meter()`]. The numbers are 1 for the exact mode, 2 for none,
    /// the price of a host call, the limits of memory and table, and 1 for one that is refilled.
    isolith_link_meter = |request| {
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
        Ok(vec![report.into_bytes(), bytes])
    };
    /// Gives a module a budget of stack: see [`bound_stack()`]. The number is the budget in bytes.
    isolith_link_stack = |request| {
        let [budget, ..] = request.numbers;
        let budget = u32::try_from(budget).unwrap_or(u32::MAX);
        let Bounded { bytes, stack } = bound_stack(request.file(0)?, budget)?;
        Ok(vec![Json::object(|json| json.string("stack", &stack)).into_bytes(), bytes])
    };
    /// Reports on a module: see [`inspect()`].
    isolith_link_inspect = |request| Ok(vec![inspect(request.file(0)?)?.into_bytes()]);
}

/// A request, taken apart.
#[derive(Debug)]
struct Request<'a> {
    numbers: [u64; OPTIONS],
    files: Vec<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked((OPTIONS + 1) * 8)?;
        let word = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        let mut numbers = [0; OPTIONS];
        for (number, bytes) in numbers.iter_mut().zip(head.chunks_exact(8)) {
            *number = word(bytes)?;
        }
        let count = usize::try_from(word(&head[OPTIONS * 8..])?).ok()?;
        let (lengths, after) = rest.split_at_checked(count.checked_mul(8)?)?;
        rest = after;
        let mut files = Vec::with_capacity(count);
        for length in lengths.chunks_exact(8) {
            let (file, after) = rest.split_at_checked(usize::try_from(word(length)?).ok()?)?;
            files.push(file);
            rest = after;
        }
        Some(Self { numbers, files })
    }

    fn file(&self, index: usize) -> Result<&'a [u8]> {
        let missing = || Fault::new(Kind::InvalidArgument, 0, "a module is missing");
        self.files.get(index).copied().ok_or_else(missing)
    }

    /// Additional stack, guard, base, shared, maximum, flags (1: one table, 2: data apart,
    /// 4: one allocator, 8: the host's).
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
        }
    }
}

fn answer(operation: impl FnOnce(&Request<'_>) -> Result<Vec<Vec<u8>>>, bytes: &[u8]) -> u32 {
    let request = Request::parse(bytes);
    let missing = || Fault::new(Kind::InvalidArgument, 0, "the request is not one of the linker's");
    let result = request.ok_or_else(missing).and_then(|request| operation(&request));
    let (answer, status) = match result {
        Ok(answer) => (answer, 0),
        Err(fault) => (vec![failure(&fault)], u32::from(fault.error().number())),
    };
    ANSWER.with_borrow_mut(|last| *last = answer);
    status
}

fn failure(fault: &Fault) -> Vec<u8> {
    let report = Json::object(|json| {
        json.string("code", fault.error().code());
        json.string("message", fault.error().message());
        json.number("offset", fault.offset() as u64);
        json.number("module", fault.module() as u64);
    });
    report.into_bytes()
}

fn combined(combined: Combined) -> Vec<Vec<u8>> {
    let report = Json::object(|json| {
        json.number("neededPages", combined.needed_pages);
        json.number_or_null("maximumPages", combined.maximum_pages);
        json.flag("shared", combined.shared);
        json.number("heapBase", combined.heap_base);
        json.number_or_null("tableSlots", combined.table_slots);
        json.list("hosted", |json| {
            for (name, slot) in &combined.hosted {
                json.item(|json| {
                    json.string("name", name);
                    json.number("slot", *slot);
                });
            }
        });
        json.list("modules", |json| {
            combined.modules.iter().for_each(|placed| json.item(|json| place(json, placed)));
        });
        json.list("warnings", |json| {
            combined.warnings.iter().for_each(|warning| json.string_item(warning));
        });
    });
    let mut answer = vec![report.into_bytes()];
    let mut apart = Vec::new();
    for placed in combined.modules {
        answer.push(placed.bytes);
        apart.extend(placed.image.into_iter().chain(placed.tls).map(|(_, bytes)| bytes));
    }
    answer.extend(apart);
    answer
}

fn moved(placed: Placed) -> Vec<Vec<u8>> {
    let mut answer = vec![Json::object(|json| place(json, &placed)).into_bytes(), placed.bytes];
    answer.extend(placed.image.into_iter().chain(placed.tls).map(|(_, bytes)| bytes));
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
