//! More locals for functions, and free names for exports: what rewritings of code need.

use super::fault::{Fault, Result};
use super::module::Module;
use super::splice::{Splicer, encoded};
use crate::error::Kind;
use std::ops::Range;

/// A name that the module does not export.
pub(super) fn free_name(module: &Module<'_>, name: &str) -> String {
    let mut name = name.to_string();
    while module.exports.iter().any(|export| export.name == name) {
        name.push('_');
    }
    name
}

/// The locals of a function as its body declares them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Locals {
    /// Parameters and locals: the index of the next one.
    pub(super) count: u32,
    groups: u32,
    /// Where the number of groups ends in the file, and where the declarations do.
    after_count: usize,
    end: usize,
}

/// Reads the locals of a function.
pub(super) fn locals(module: &Module<'_>, function: u32, body: &Range<usize>) -> Result<Locals> {
    let wrong = |what: &str| {
        let message = format!("function {function} has {what}");
        Err(Fault::new(Kind::MalformedModule, body.start, message))
    };
    let ty = module.functions.get(function as usize).copied().unwrap_or(u32::MAX);
    let Some(Some(ty)) = module.types.get(ty as usize) else { return wrong("no type") };
    let mut reader = wasmparser::BinaryReader::new(&module.bytes[body.clone()], body.start as u64);
    let groups = reader.read_var_u32()?;
    let after_count = reader.original_position() as usize;
    let mut count = ty.params().len() as u64;
    for _ in 0..groups {
        count += u64::from(reader.read_var_u32()?);
        reader.read::<wasmparser::ValType>()?;
    }
    let Ok(count) = u32::try_from(count) else { return wrong("too many locals") };
    Ok(Locals { count, groups, after_count, end: reader.original_position() as usize })
}

/// Gives a function integer locals of these widths in bytes; the index of the first.
pub(super) fn add_locals(
    module: &Module<'_>,
    function: u32,
    body: &Range<usize>,
    widths: &[usize],
    splicer: &mut Splicer<'_, '_>,
) -> Result<u32> {
    if widths.is_empty() {
        return Ok(0);
    }
    let Locals { count, groups, after_count, end } = locals(module, function, body)?;
    splicer.replace(body.start..after_count, encoded(groups.saturating_add(widths.len() as u32)));
    let types = widths.iter().flat_map(|width| [1, if *width == 8 { 0x7e } else { 0x7f }]);
    splicer.insert(end, types.collect());
    Ok(count)
}
