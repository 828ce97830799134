//! Mappings: a file's cached bytes as one block of memory that every thread can use.

use crate::error::Kind;
use crate::fs::block::touched;
use crate::fs::handle::{Flags, HandleId};
use crate::fs::id::{Data, Node};
use crate::fs::step::{Step, Stop, fail};
use crate::fs::{EXTENT, Fs};

/// Extents asked for at a time while a mapping is loaded.
const BURST: usize = 32;

/// A file's bytes in one piece. The memory stays where it is until [`Fs::unmap`].
///
/// Whoever has the address reads and writes without the filesystem's lock: what a concurrent
/// write looks like is then the hardware's matter, as with `mmap`. Truncating zeroes the memory
/// beyond the new end; growing the file shows up to [`capacity`](Self::capacity).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// Where the bytes are.
    pub address: usize,
    /// How many belong to the file.
    pub len: usize,
    /// How many are mapped: whole extents, zeros after the end of the file.
    pub capacity: usize,
    node: Node,
    data: Data,
    writable: bool,
}

impl Fs {
    /// Moves an open file's bytes into one piece of memory and pins them there. They are there
    /// once [`load_mapped`](Self::load_mapped) says so. The file lives on while mapped.
    ///
    /// # Errors
    /// `EBADF` without [`Flags::READ`], `EISDIR`, `ENOMEM`.
    pub fn map(&mut self, handle: HandleId) -> Step<Mapping> {
        let open = *self.handles.get(handle)?;
        if !open.flags.has(Flags::READ) {
            return fail(Kind::BadHandle);
        }
        let file = *self.tree.file(open.node)?;
        let extents = file.size.div_ceil(EXTENT as u64).max(1);
        let bytes = usize::try_from(extents * EXTENT as u64);
        if !bytes.is_ok_and(|bytes| bytes <= isize::MAX as usize) {
            return fail(Kind::OutOfMemory);
        }
        let address = self.cache.map(file.data, extents as u32)?.addr();
        self.tree.inode_mut(open.node)?.opens += 1;
        let capacity = self.cache.mapped(file.data) as usize * EXTENT;
        Ok(Mapping {
            address,
            len: capacity.min(usize::try_from(file.size).unwrap_or(usize::MAX)),
            capacity,
            node: open.node,
            data: file.data,
            writable: open.flags.has(Flags::WRITE),
        })
    }

    /// Completes once all bytes of the mapping are in memory; asks for some of them otherwise.
    ///
    /// # Errors
    /// `ENOMEM`, `ESTALE` if the file's contents have been replaced meanwhile.
    pub fn load_mapped(&mut self, mapping: &Mapping) -> Step<()> {
        let file = self.mapped_file(mapping)?;
        let mut needs = Vec::new();
        for extent in 0..(mapping.capacity / EXTENT) as u32 {
            needs.extend(self.want(mapping.node, &file, extent, u64::MAX)?);
            if needs.len() == BURST {
                break;
            }
        }
        if needs.is_empty() { Ok(()) } else { Err(Stop::Load(needs)) }
    }

    /// Notes that mapped bytes have been written, so that they are committed. Bytes beyond the
    /// end of the file stay out of it.
    ///
    /// # Errors
    /// `EBADF` if the file was not open for writing, `EROFS`, `ESTALE`.
    pub fn sync_mapped(&mut self, mapping: &Mapping, offset: usize, len: usize) -> Step<()> {
        let file = self.mapped_file(mapping)?;
        if !mapping.writable {
            return fail(Kind::BadHandle);
        }
        self.writable(mapping.node)?;
        let end = offset.saturating_add(len).min(mapping.capacity);
        self.before_change(mapping.node)?;
        for extent in offset / EXTENT..end.div_ceil(EXTENT) {
            let base = extent * EXTENT;
            let span = touched(offset.max(base) - base, end.min(base + EXTENT) - base);
            self.cache.soil(mapping.data, extent as u32, span);
        }
        self.bytes_changed(mapping.node, &file);
        Ok(())
    }

    fn mapped_file(&self, mapping: &Mapping) -> Step<crate::fs::inode::File> {
        let file = *self.tree.file(mapping.node)?;
        if file.data == mapping.data { Ok(file) } else { fail(Kind::Stale) }
    }

    /// Ends a mapping; its memory is not to be used any more.
    pub fn unmap(&mut self, mapping: Mapping) {
        self.cache.unmap(mapping.data);
        self.let_go(mapping.node);
    }
}
