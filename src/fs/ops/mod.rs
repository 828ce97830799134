//! The operations, one file per family. Each either happens as a whole or changes nothing.

mod attr;
mod dirs;
mod draft;
mod io;
mod map;
mod names;
mod open;
mod remove;
mod rename;
mod size;
mod whole;
mod xattr;

pub use attr::{Access, SetTime, SpaceStat};
pub use dirs::DirEntry;
pub use draft::Publish;
pub use io::Whence;
pub use map::Mapping;
pub use xattr::SetAttr;
