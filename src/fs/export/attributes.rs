//! Extended attributes: small values by name that files carry beside their bytes.

use super::calls::{changed, follow, target};
use super::{input, serve, tell_bytes};
use crate::fs::SetAttr;

/// The value of the attribute whose name stands behind the path; without a name (0) the names of
/// all, each with two bytes of length before it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_attr(path: usize, name: usize, links: u32) -> u32 {
    serve(&mut |desk| {
        let node = target(desk, path, 0, follow(links))?;
        if name > 0 {
            tell_bytes(desk.fs.attr(node, &input(path, name))?.to_vec());
            return Ok(());
        }
        let mut bytes = Vec::new();
        for name in desk.fs.attrs(node)? {
            bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&name);
        }
        tell_bytes(bytes);
        Ok(())
    })
}

/// Sets the attribute: its name and value stand behind the path. `how`: 0 whether it is there or not,
/// 1 it must be missing, 2 it must be there, 3 removes it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_set_attr(
    path: usize,
    name: usize,
    value: usize,
    links: u32,
    how: u32,
) -> u32 {
    serve(&mut |desk| {
        let node = target(desk, path, 0, follow(links))?;
        let name_bytes = input(path, name);
        let set = match how {
            0 => SetAttr::Any,
            1 => SetAttr::Create,
            2 => SetAttr::Replace,
            _ => {
                desk.fs.remove_attr(node, &name_bytes)?;
                return changed(desk, node);
            }
        };
        desk.fs.set_attr(node, &name_bytes, &input(path + name, value), set)?;
        changed(desk, node)
    })
}
