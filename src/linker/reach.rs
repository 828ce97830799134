//! Finds what code of a module can still run once some of its functions call the host instead.

use super::code::{Code, op};
use super::fault::Result;
use super::module::{ExternalKind, InitValue, Module};

/// The first byte of an instruction that grows memory, in code that runs although the functions
/// of `replaced` do not; `None` if no such code is left.
///
/// # Errors
/// `ERR_MALFORMED_MODULE` if code cannot be decoded.
pub(crate) fn growth(module: &Module<'_>, replaced: &[u32]) -> Result<Option<usize>> {
    let mut seen = vec![false; module.bodies.len()];
    let exports = module.exports.iter();
    let exports = exports.filter(|export| export.kind == ExternalKind::Func);
    let mut open: Vec<u32> = exports.map(|export| export.index).chain(module.start).collect();
    open.extend(module.elements.iter().flat_map(|element| &element.functions));
    open.extend(module.globals.iter().filter_map(|global| match global.init.value {
        InitValue::Function(function) => Some(function),
        _ => None,
    }));
    while let Some(function) = open.pop() {
        let own = function.checked_sub(module.imported_functions).map(|own| own as usize);
        let Some(own) = own.filter(|own| seen.get(*own) == Some(&false)) else { continue };
        seen[own] = true;
        if replaced.contains(&function) {
            continue;
        }
        let range = module.bodies[own].range.clone();
        let mut code = Code::of_body(&module.bytes[range.clone()], range.start)?;
        while let Some(instruction) = code.next()? {
            match instruction.opcode {
                op::CALL | op::RETURN_CALL | op::REF_FUNC => open.push(instruction.first as u32),
                op::MEMORY_GROW => return Ok(Some(instruction.at)),
                _ => {}
            }
        }
    }
    Ok(None)
}
