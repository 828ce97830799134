//! Whole files in one step, for those that fit one: no handle, one lookup, one change.

use super::draft::Publish;
use crate::error::Kind;
use crate::fs::handle::{Flags, HandleId};
use crate::fs::id::Node;
use crate::fs::path::Place;
use crate::fs::resolve::Follow;
use crate::fs::step::{At, Step, fail};
use crate::fs::{EXTENT, Fs};

impl Fs {
    /// Replaces the contents of the file at `place`, which is created if it is missing, by `len`
    /// bytes that `source` provides piece by piece: as one change, the old version or the new.
    ///
    /// # Errors
    /// `EFBIG` for more than [`whole_limit`](Self::whole_limit) bytes: use a draft. `EISDIR`,
    /// `EEXIST` if exclusive, `EROFS`, `ENOMEM`, and those of any path.
    pub fn write_whole(
        &mut self,
        place: Place<'_>,
        how: Publish,
        len: usize,
        source: &mut dyn FnMut(&mut [u8]),
    ) -> Step<Node> {
        let mut run = || {
            if len > self.whole_limit() {
                return fail(Kind::FileTooLarge);
            }
            let follow = if how.exclusive { Follow::CreateNew } else { Follow::Create };
            let found = self.resolve(&place, follow)?;
            let store = found.node.unwrap_or(found.dir).store();
            self.make_room(store, len)?;
            // The bytes first, where nobody sees them: from then on nothing can fail but the path.
            let mut fresh = self.new_file(store);
            let mut reserve = || {
                for start in (0..len).step_by(EXTENT) {
                    let extent = (start / EXTENT) as u32;
                    self.cache.reserve(fresh.data, extent, (len - start).min(EXTENT))?;
                }
                Ok(())
            };
            let target = reserve().and_then(|()| self.target(&place, how, None));
            if target.is_err() {
                self.cache.forget(fresh.data);
            }
            let target = target?;
            for start in (0..len).step_by(EXTENT) {
                let span = (0, (len - start).min(EXTENT));
                self.cache.write(fresh.data, (start / EXTENT) as u32, span, source)?;
            }
            fresh.size = len as u64;
            self.replace_bytes(target, fresh)?;
            Ok(target)
        };
        run().at(place.path)
    }

    /// Reads the whole file at `place`: `size` hears its length, then `sink` the bytes piece by
    /// piece, once everything is in memory.
    ///
    /// # Errors
    /// `EFBIG` for more than [`whole_limit`](Self::whole_limit) bytes: open it. `EISDIR`, and
    /// those of any path.
    pub fn read_whole(
        &mut self,
        place: Place<'_>,
        size: &mut dyn FnMut(usize),
        sink: &mut dyn FnMut(&[u8]),
    ) -> Step<Node> {
        let mut run = || {
            let node = self.walk(&place, Follow::Yes)?;
            let len = self.tree.file(node)?.size;
            let fits = usize::try_from(len).ok().filter(|len| *len <= self.whole_limit());
            let Some(len) = fits else { return fail(Kind::FileTooLarge) };
            let mut first = true;
            let mut announced = |bytes: &[u8]| {
                if std::mem::take(&mut first) {
                    size(len);
                }
                sink(bytes);
            };
            self.read_node(node, 0, len, &mut announced)?;
            if len == 0 {
                size(0);
            }
            Ok(node)
        };
        run().at(place.path)
    }

    /// The most bytes that [`read_whole`](Self::read_whole), [`write_whole`](Self::write_whole)
    /// and a single read or write take: 8 MiB, less with a small cache.
    pub fn whole_limit(&self) -> usize {
        self.most()
    }

    /// Copies up to `len` bytes between open files without leaving the cache. Returns how many:
    /// 0 at the end of the source.
    ///
    /// # Errors
    /// As reading and writing have them.
    pub fn copy_range(
        &mut self,
        (from, from_offset): (HandleId, u64),
        (to, to_offset): (HandleId, u64),
        len: usize,
    ) -> Step<usize> {
        if !self.handles.get(to)?.flags.has(Flags::WRITE) {
            return fail(Kind::BadHandle);
        }
        let mut bytes = Vec::new();
        let len = len.min(4 * EXTENT);
        self.read_at(from, from_offset, len, &mut |part| bytes.extend_from_slice(part))?;
        let mut rest = &bytes[..];
        let mut source = |part: &mut [u8]| {
            let (head, tail) = rest.split_at(part.len());
            part.copy_from_slice(head);
            rest = tail;
        };
        self.write_at(to, to_offset, bytes.len(), &mut source)
    }
}
