//! Changing a file's size: cutting drops bytes for good, growing adds zeros that take no space.

use crate::error::Kind;
use crate::fs::core::Backing;
use crate::fs::handle::{Flags, HandleId};
use crate::fs::id::{Node, StoreId};
use crate::fs::inode::File;
use crate::fs::path::Place;
use crate::fs::redo::PENDING;
use crate::fs::resolve::Follow;
use crate::fs::step::{At, Step, fail};
use crate::fs::{Fs, MAX_SIZE};

impl Fs {
    /// Makes the open file `size` bytes long.
    ///
    /// # Errors
    /// `EINVAL` if it is not open for writing or is no file, `EFBIG`, `EROFS`.
    pub fn ftruncate(&mut self, handle: HandleId, size: u64) -> Step<()> {
        let open = *self.handles.get(handle)?;
        if !open.flags.has(Flags::WRITE) {
            return fail(Kind::InvalidArgument);
        }
        self.resize(open.node, size)?;
        self.changed_by(handle)
    }

    /// Makes the file at `place` `size` bytes long.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, `EFBIG`, `EROFS`, and those of any path.
    pub fn truncate(&mut self, place: Place<'_>, size: u64) -> Step<Node> {
        let mut run = || {
            let node = self.walk(&place, Follow::Yes)?;
            self.resize(node, size)?;
            Ok(node)
        };
        run().at(place.path)
    }

    pub(crate) fn resize(&mut self, node: Node, size: u64) -> Step<()> {
        let file = *self.tree.file(node)?;
        self.writable(node)?;
        if size > MAX_SIZE {
            return fail(Kind::FileTooLarge);
        }
        self.before_change(node)?;
        if size == 0 && file.size > 0 && self.cache.mapped(file.data) == 0 {
            return self.renew(node);
        } else if size < file.size {
            self.cut(node, size)?;
        }
        self.tree.file_mut(node)?.size = size;
        let file = *self.tree.file(node)?;
        self.bytes_changed(node, &file);
        Ok(())
    }

    /// Gives the file fresh, empty data.
    fn renew(&mut self, node: Node) -> Step<()> {
        let fresh = self.new_file(node.store());
        self.replace_bytes(node, fresh)
    }

    /// Gives the file the bytes of `fresh`, which no other has. One record switches from the old
    /// version to the new.
    pub(crate) fn replace_bytes(&mut self, node: Node, fresh: File) -> Step<()> {
        self.before_change(node)?;
        let old = std::mem::replace(self.tree.file_mut(node)?, fresh);
        self.drop_data(&old);
        if let Some(volume) = self.volume_mut(node.store())
            && volume.is_journaled()
        {
            volume.journal.owners.insert(fresh.data, node);
        }
        self.bytes_changed(node, &fresh);
        Ok(())
    }

    /// Empty data, kept in memory where that is all there is.
    pub(crate) fn new_file(&mut self, store: StoreId) -> File {
        let file = self.fresh_file(store);
        if self.volume(store).is_some_and(|volume| volume.backing == Backing::Memory) {
            self.cache.keep(file.data);
        }
        file
    }

    fn cut(&mut self, node: Node, size: u64) -> Step<()> {
        let file = self.tree.file_mut(node)?;
        file.based = file.based.min(size);
        file.stamp = file.stamp.wrapping_add(1);
        let (data, is_stored) = (file.data, file.stored);
        self.cache.cut(data, size);
        if let Some(volume) = self.volume_mut(node.store())
            && volume.is_journaled()
            && is_stored
        {
            // The stored extent at the edge still has the old bytes: zeros over them, now for
            // readers, and with the next batch for good.
            volume.journal.redo.cut(data, size, PENDING);
            volume.journal.changes.cut(data, size);
        }
        Ok(())
    }
}
