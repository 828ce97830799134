//! Numbers that look like addresses where no relocation entry says what they are.

use super::code::{Code, Instruction, op};
use super::fault::Result;
use super::module::Module;
use super::plan::Extent;
use super::startup::Startup;
use std::fmt::Write as _;

/// How many places a warning lists.
const LISTED: usize = 8;

/// What a look through the code has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspects {
    /// For each global, the first byte where it is added to a constant within the data.
    pub(crate) bases: Vec<Option<usize>>,
    /// Constants and offsets within the data to which nothing is added.
    pub(crate) absolute: Vec<usize>,
}

impl Suspects {
    /// One line about the absolute addresses, if there are any.
    pub(crate) fn warning(&self, extent: &Extent, advice: &str) -> Option<String> {
        let what = "numbers in code look like addresses of data but nothing is added to them";
        listed(what, &self.absolute, extent, advice)
    }
}

/// Looks through all code for numbers within the module's data.
///
/// # Errors
/// `ERR_MALFORMED_MODULE` if the code cannot be decoded.
pub(crate) fn code(module: &Module<'_>, extent: &Extent, startup: &Startup) -> Result<Suspects> {
    let globals = module.imported_globals as usize + module.globals.len();
    let mut found = Suspects { bases: vec![None; globals], absolute: Vec::new() };
    for (function, body) in module.bodies.iter().enumerate() {
        if startup.functions[function] {
            continue;
        }
        // The last global read, and the locals that hold one; the last suspicious constant.
        let mut base = None;
        let mut held: Vec<(i64, u32)> = Vec::new();
        let mut constant = None;
        let mut instructions = Code::of_body(&module.bytes[body.range.clone()], body.range.start)?;
        while let Some(Instruction { opcode, at, first, second, .. }) = instructions.next()? {
            match opcode {
                op::GLOBAL_GET => base = Some(first as u32),
                op::LOCAL_GET => {
                    let known = held.binary_search_by_key(&first, |(local, _)| *local);
                    base = known.map_or(base, |at| Some(held[at].1));
                }
                op::LOCAL_TEE | op::LOCAL_SET => {
                    match (held.binary_search_by_key(&first, |(local, _)| *local), base) {
                        (Ok(at), Some(global)) => held[at].1 = global,
                        (Ok(at), None) => _ = held.remove(at),
                        (Err(at), Some(global)) => held.insert(at, (first, global)),
                        (Err(_), None) => {}
                    }
                }
                op::I32_CONST | op::I64_CONST => {
                    found.absolute.extend(constant.take());
                    let value =
                        if opcode == op::I32_CONST { first as u32 as u64 } else { first as u64 };
                    let address = (opcode == op::I64_CONST) == (module.pointer_width() == 8);
                    constant = (address && within(extent, value)).then_some(at);
                }
                op::I32_ADD | op::I64_ADD => {
                    let global = base.and_then(|global| found.bases.get_mut(global as usize));
                    if let (Some(_), Some(first)) = (constant, global) {
                        *first = first.or(constant.take());
                        constant = None;
                    }
                    found.absolute.extend(constant.take());
                    base = None;
                }
                op::FIRST_LOAD..=op::LAST_STORE if within(extent, second) => {
                    found.absolute.push(at);
                }
                _ => {
                    found.absolute.extend(constant.take());
                    base = None;
                }
            }
        }
    }
    Ok(found)
}

fn within(extent: &Extent, value: u64) -> bool {
    (extent.data_start..extent.data_end).contains(&value)
}

/// One line about the words of data that look like addresses, if there are any.
pub(crate) fn data(
    module: &Module<'_>,
    extent: &Extent,
    addresses: &[Option<u64>],
    advice: &str,
) -> Option<String> {
    let width = module.pointer_width();
    let mut found = Vec::new();
    for (data, address) in module.data.iter().zip(addresses) {
        let Some(address) = address else { continue };
        // Pointers are aligned in memory, wherever their segment starts.
        let skip = address.next_multiple_of(width as u64) - address;
        let bytes = module.bytes[data.bytes.clone()].get(skip as usize..).unwrap_or(&[]);
        for (index, word) in bytes.chunks_exact(width).enumerate() {
            let value = match *word {
                [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
                _ => word.try_into().map_or(0, u64::from_le_bytes),
            };
            if value != 0 && within(extent, value) {
                found.push(data.bytes.start + skip as usize + index * width);
            }
        }
    }
    let what = "words in data look like addresses and stay as they are";
    listed(what, &found, extent, advice)
}

fn listed(what: &str, places: &[usize], extent: &Extent, advice: &str) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let mut line = format!(
        "{} {what} (data is {:#x}..{:#x}): ",
        places.len(),
        extent.data_start,
        extent.data_end
    );
    for (index, at) in places.iter().take(LISTED).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        _ = write!(line, "{comma}byte {at:#x}");
    }
    if places.len() > LISTED {
        line.push_str(", …");
    }
    _ = write!(line, "; {advice} to have them checked and moved");
    Some(line)
}
