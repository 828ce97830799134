//! Reading and writing: files by one copy between cache and guest, streams by theirs.

use super::abi::rights;
use super::{Call, Halt, Step};
use crate::fs::{Flags, HandleId};
use crate::runtime::descriptor::{Sink, Source, What};
use crate::runtime::errno::Errno;
use crate::runtime::guest::{Cursor, Spans};
use crate::runtime::pipe::Flow;

/// Output that is captured and that nobody takes is at most this long, in bytes.
const MOST_CAPTURED: usize = 128 << 20;

/// Where in a file.
#[derive(Clone, Copy)]
enum Place {
    Here,
    At(u64),
}

impl Call<'_> {
    /// `fd_read`: fills the buffers listed at `list`, in order.
    ///
    /// # Errors
    /// `EBADF`, `EFAULT`, `EAGAIN` for a stream that does not block.
    pub fn fd_read(&mut self, fd: u32, list: u32, count: u32, to: u32) -> Step<()> {
        let entry = self.process.table.get(fd)?;
        if entry.rights & rights::FD_READ == 0 {
            return Err(Errno::BADF.into());
        }
        let what = if let What::File(handle) = entry.what { Some(handle) } else { None };
        let spans = self.buffers(list, count, to)?;
        let moved = match what {
            Some(handle) => self.read_file(handle, &spans, Place::Here)?,
            None => self.read_stream(fd, &spans)?,
        };
        self.guest.write_u32(moved as u32, to)
    }

    /// `fd_pread`: the same from an offset, which leaves the descriptor's own where it is.
    ///
    /// # Errors
    /// As [`fd_read`](Self::fd_read); `ESPIPE` for a stream, `EINVAL`.
    pub fn fd_pread(&mut self, fd: u32, list: u32, count: u32, offset: u64, to: u32) -> Step<()> {
        let handle = self.positional(fd, rights::FD_READ, offset)?;
        let spans = self.buffers(list, count, to)?;
        let moved = self.read_file(handle, &spans, Place::At(offset))?;
        self.guest.write_u32(moved as u32, to)
    }

    /// `fd_write`: writes the buffers listed at `list`, in order.
    ///
    /// # Errors
    /// `EBADF`, `EFAULT`, `EPIPE` where nobody reads, `EAGAIN` for a stream that does not block.
    pub fn fd_write(&mut self, fd: u32, list: u32, count: u32, to: u32) -> Step<()> {
        let entry = self.process.table.get(fd)?;
        if entry.rights & rights::FD_WRITE == 0 {
            return Err(Errno::BADF.into());
        }
        let what = if let What::File(handle) = entry.what { Some(handle) } else { None };
        let spans = self.buffers(list, count, to)?;
        let moved = match what {
            Some(handle) => self.write_file(handle, &spans, Place::Here)?,
            None => self.write_stream(fd, &spans)?,
        };
        self.guest.write_u32(moved as u32, to)
    }

    /// `fd_pwrite`: the same at an offset, which leaves the descriptor's own where it is. A file
    /// that is open for appending is appended to, as on Linux.
    ///
    /// # Errors
    /// As [`fd_write`](Self::fd_write); `ESPIPE` for a stream, `EINVAL`.
    pub fn fd_pwrite(&mut self, fd: u32, list: u32, count: u32, offset: u64, to: u32) -> Step<()> {
        let handle = self.positional(fd, rights::FD_WRITE, offset)?;
        let spans = self.buffers(list, count, to)?;
        let moved = self.write_file(handle, &spans, Place::At(offset))?;
        self.guest.write_u32(moved as u32, to)
    }

    /// The buffers, once it is certain that the count of bytes can be told too.
    fn buffers(&self, list: u32, count: u32, to: u32) -> Step<Spans> {
        self.guest.spans(list, count, u64::from(to) + 4)
    }

    fn positional(&self, fd: u32, right: u64, offset: u64) -> Step<HandleId> {
        let handle = self.seekable(fd, 0)?;
        if self.process.table.get(fd)?.rights & right == 0 {
            return Err(Errno::BADF.into());
        }
        if i64::try_from(offset).is_err() { Err(Errno::INVAL.into()) } else { Ok(handle) }
    }

    fn read_file(&mut self, handle: HandleId, spans: &Spans, place: Place) -> Step<usize> {
        let mut cursor = Cursor::new(spans.all());
        let guest = &mut *self.guest;
        let sink = &mut |bytes: &[u8]| cursor.scatter(guest, bytes);
        Ok(match place {
            Place::Here => self.fs.read(handle, spans.total, sink)?,
            Place::At(offset) => self.fs.read_at(handle, offset, spans.total, sink)?,
        })
    }

    fn write_file(&mut self, handle: HandleId, spans: &Spans, place: Place) -> Step<usize> {
        let mut cursor = Cursor::new(spans.all());
        let guest = &*self.guest;
        let source = &mut |bytes: &mut [u8]| cursor.gather(guest, bytes);
        let moved = match place {
            Place::Here => self.fs.write(handle, spans.total, source)?,
            Place::At(offset) => self.fs.write_at(handle, offset, spans.total, source)?,
        };
        let flags = self.fs.flags(handle)?;
        if flags.has(Flags::SYNC) || flags.has(Flags::DSYNC) {
            let node = self.fs.node_of(handle)?;
            self.durable = Some(self.fs.harden(node));
        }
        Ok(moved)
    }

    fn read_stream(&mut self, fd: u32, spans: &Spans) -> Step<usize> {
        let entry = self.process.table.get_mut(fd)?;
        let mut cursor = Cursor::new(spans.all());
        match &mut entry.what {
            What::Input(Source::Empty) => Ok(0),
            What::Input(Source::Bytes(bytes, at)) => {
                let rest = &bytes[*at..];
                let now = &rest[..rest.len().min(spans.total)];
                cursor.scatter(self.guest, now);
                *at += now.len();
                Ok(now.len())
            }
            What::Input(Source::Pipe(number)) => {
                let Some(pipe) = self.pipes.get(*number) else { return Ok(0) };
                let guest = &mut *self.guest;
                match pipe.read(spans.total, &mut |bytes| cursor.scatter(guest, bytes)) {
                    Flow::Moved(0) | Flow::Closed => Ok(0),
                    Flow::Moved(moved) => {
                        self.rung.extend(pipe.changed());
                        Ok(moved)
                    }
                    Flow::Blocked if entry.nonblocking => Err(Errno::AGAIN.into()),
                    Flow::Blocked => {
                        pipe.wait(self.process.pid);
                        Err(Halt::Sleep(None))
                    }
                }
            }
            _ => Err(Errno::BADF.into()),
        }
    }

    fn write_stream(&mut self, fd: u32, spans: &Spans) -> Step<usize> {
        let entry = self.process.table.get(fd)?;
        let mut cursor = Cursor::new(spans.all());
        match entry.what {
            What::Output(Sink::Discard) => Ok(spans.total),
            What::Output(Sink::Capture(which)) => {
                let buffer = &mut self.process.captured[which];
                let (before, more) = (buffer.len(), spans.total);
                if before + more > MOST_CAPTURED || buffer.try_reserve(more).is_err() {
                    return Err(Errno::NOSPC.into());
                }
                buffer.resize(before + more, 0);
                cursor.gather(self.guest, &mut buffer[before..]);
                Ok(more)
            }
            What::Output(Sink::Pipe(number)) => {
                let Some(pipe) = self.pipes.get(number) else { return Err(Errno::PIPE.into()) };
                let guest = &*self.guest;
                match pipe.write(spans.total, &mut |bytes| cursor.gather(guest, bytes)) {
                    Flow::Moved(0) => Ok(0),
                    Flow::Moved(moved) => {
                        self.rung.extend(pipe.changed());
                        Ok(moved)
                    }
                    Flow::Closed => Err(Errno::PIPE.into()),
                    Flow::Blocked if entry.nonblocking => Err(Errno::AGAIN.into()),
                    Flow::Blocked => {
                        pipe.wait(self.process.pid);
                        Err(Halt::Sleep(None))
                    }
                }
            }
            _ => Err(Errno::BADF.into()),
        }
    }
}
