//! Descriptors: what they are, their flags, rights and numbers, offsets, sizes, times, durability.

use super::abi::{self, Abi, filetype, rights};
use super::{Call, Step};
use crate::fs::{HandleId, MAX_SIZE, SetTime, Stat};
use crate::runtime::descriptor::{Entry, What};
use crate::runtime::errno::Errno;

/// What to set two times to, from the bits of `fstflags`.
///
/// # Errors
/// `EINVAL` for bits that contradict each other or mean nothing, and times beyond the year 2262.
pub(super) fn times(atime: u64, mtime: u64, flags: u32) -> Step<(SetTime, SetTime)> {
    let set = |nanos: u64, bits: u32| {
        Ok(match bits & 3 {
            0 => SetTime::Keep,
            1 => SetTime::To(i64::try_from(nanos).map_err(|_| Errno::INVAL)?),
            2 => SetTime::Now,
            _ => return Err(Errno::INVAL),
        })
    };
    if flags > 15 {
        return Err(Errno::INVAL.into());
    }
    Ok((set(atime, flags)?, set(mtime, flags >> 2)?))
}

fn stream_type(entry: &Entry) -> u8 {
    if entry.terminal { filetype::CHARACTER_DEVICE } else { filetype::UNKNOWN }
}

impl Call<'_> {
    /// `fd_advise`: refuses what makes no sense; the cache decides by itself.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL`.
    pub fn fd_advise(&mut self, fd: u32, advice: u32) -> Step<()> {
        self.file(fd, rights::FD_ADVISE)?;
        if advice > 5 { Err(Errno::INVAL.into()) } else { Ok(()) }
    }

    /// `fd_allocate`: makes the file at least `offset + len` bytes long.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` for no bytes, `EFBIG`, `EPERM`.
    pub fn fd_allocate(&mut self, fd: u32, offset: u64, len: u64) -> Step<()> {
        let handle = self.changeable(fd, rights::FD_ALLOCATE)?;
        if self.process.table.get(fd)?.rights & rights::FD_WRITE == 0 {
            return Err(Errno::BADF.into());
        }
        if len == 0 {
            return Err(Errno::INVAL.into());
        }
        let end = offset.checked_add(len).filter(|end| *end <= MAX_SIZE).ok_or(Errno::FBIG)?;
        if self.fs.fstat(handle)?.size < end {
            self.fs.ftruncate(handle, end)?;
        }
        Ok(())
    }

    /// `fd_close`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn fd_close(&mut self, fd: u32) -> Step<()> {
        let entry = self.process.table.remove(fd)?;
        self.let_go(&entry)
    }

    fn let_go(&mut self, entry: &Entry) -> Step<()> {
        match entry.what {
            What::File(handle) | What::Dir(handle, _) => self.fs.close(handle)?,
            _ => self.rung.extend(self.pipes.let_go(entry)),
        }
        Ok(())
    }

    /// `fd_sync` and `fd_datasync`: the call is over when the disk has all changes of the file.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn fd_sync(&mut self, fd: u32, right: u64) -> Step<()> {
        let (handle, _) = self.file(fd, right)?;
        let node = self.fs.node_of(handle)?;
        self.durable = Some(self.fs.harden(node));
        Ok(())
    }

    /// `fd_fdstat_get`: type, flags and rights.
    ///
    /// # Errors
    /// `EBADF`, `EFAULT`.
    pub fn fd_fdstat_get(&mut self, fd: u32, to: u32) -> Step<()> {
        let entry = self.process.table.get(fd)?;
        let (file_type, flags) = match entry.what {
            What::File(handle) => (filetype::REGULAR_FILE, abi::flags_to(self.fs.flags(handle)?)),
            What::Dir(..) => (filetype::DIRECTORY, 0),
            _ => (stream_type(entry), if entry.nonblocking { abi::NONBLOCK } else { 0 }),
        };
        let mut bytes = [0; 24];
        bytes[0] = file_type;
        bytes[2..4].copy_from_slice(&flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&entry.rights.to_le_bytes());
        bytes[16..].copy_from_slice(&entry.inheriting.to_le_bytes());
        self.guest.write(&bytes, to)
    }

    /// `fd_fdstat_set_flags`. Of a stream only whether it blocks counts.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` for bits that mean nothing.
    pub fn fd_fdstat_set_flags(&mut self, fd: u32, bits: u32) -> Step<()> {
        let entry = self.process.table.get_mut(fd)?;
        if matches!(entry.what, What::Dir(..)) {
            return Err(Errno::BADF.into());
        }
        entry.needs(rights::FD_FDSTAT_SET_FLAGS)?;
        let flags = abi::flags_from(bits).ok_or(Errno::INVAL)?;
        match entry.what {
            What::File(handle) => self.fs.set_flags(handle, flags)?,
            _ => entry.nonblocking = bits & u32::from(abi::NONBLOCK) != 0,
        }
        Ok(())
    }

    /// `fd_fdstat_set_rights`: takes rights away, for good.
    ///
    /// # Errors
    /// `EBADF`, `ENOTCAPABLE` for rights that the descriptor does not have.
    pub fn fd_fdstat_set_rights(&mut self, fd: u32, base: u64, inheriting: u64) -> Step<()> {
        let entry = self.process.table.get_mut(fd)?;
        if base & !entry.rights != 0 || inheriting & !entry.inheriting != 0 {
            return Err(Errno::NOTCAPABLE.into());
        }
        (entry.rights, entry.inheriting) = (base, inheriting);
        Ok(())
    }

    /// `fd_filestat_get`.
    ///
    /// # Errors
    /// `EBADF`, `EFAULT`.
    pub fn fd_filestat_get(&mut self, fd: u32, to: u32, abi: Abi) -> Step<()> {
        let entry = self.process.table.get(fd)?;
        entry.needs(rights::FD_FILESTAT_GET)?;
        match entry.what {
            What::File(handle) | What::Dir(handle, _) => {
                let stat = self.fs.fstat(handle)?;
                self.put_filestat(&stat, to, abi)
            }
            _ => {
                let bytes = abi.filestat(stream_type(entry), None);
                self.guest.write(&bytes[..abi.filestat_len()], to)
            }
        }
    }

    pub(super) fn put_filestat(&mut self, stat: &Stat, to: u32, abi: Abi) -> Step<()> {
        let bytes = abi.filestat(abi::file_type(stat.file_type), Some(stat));
        self.guest.write(&bytes[..abi.filestat_len()], to)
    }

    /// `fd_filestat_set_size`.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` if it is not open for writing, `EFBIG`, `EPERM`.
    pub fn fd_filestat_set_size(&mut self, fd: u32, size: u64) -> Step<()> {
        let handle = self.changeable(fd, rights::FD_FILESTAT_SET_SIZE)?;
        if self.process.table.get(fd)?.rights & rights::FD_WRITE == 0 {
            return Err(Errno::INVAL.into());
        }
        Ok(self.fs.ftruncate(handle, size)?)
    }

    /// `fd_filestat_set_times`.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` for flags that contradict each other, `EPERM`.
    pub fn fd_filestat_set_times(
        &mut self,
        fd: u32,
        atime: u64,
        mtime: u64,
        flags: u32,
    ) -> Step<()> {
        let (atime, mtime) = times(atime, mtime, flags)?;
        let right = rights::FD_FILESTAT_SET_TIMES;
        let handle = match self.process.table.get(fd)?.what {
            What::Dir(..) => self.dir(fd, right, true)?.0,
            _ => self.changeable(fd, right)?,
        };
        let node = self.fs.node_of(handle)?;
        Ok(self.fs.set_times(node, atime, mtime)?)
    }

    /// The file behind `fd`, if it may be changed otherwise than by writing.
    fn changeable(&self, fd: u32, right: u64) -> Step<HandleId> {
        let (handle, entry) = self.file(fd, right)?;
        if entry.read_only { Err(Errno::PERM.into()) } else { Ok(handle) }
    }

    /// `fd_renumber`: `to` becomes what `from` was; `from` is closed.
    ///
    /// `to` must be open, or a number beyond all that ever were: one that was closed may be
    /// another thread's next.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn fd_renumber(&mut self, from: u32, to: u32) -> Step<()> {
        self.process.table.get(from)?;
        if !self.process.table.is_fresh(to) {
            self.process.table.get(to)?;
        }
        if from == to {
            return Ok(());
        }
        let entry = self.process.table.remove(from)?;
        match self.process.table.put(to, entry) {
            Some(old) => self.let_go(&old),
            None => Ok(()),
        }
    }

    /// `fd_seek`.
    ///
    /// # Errors
    /// `EBADF`, `ESPIPE` for a stream, `EINVAL` for a place before the beginning, `EFAULT`.
    pub fn fd_seek(&mut self, fd: u32, offset: i64, whence: u32, to: u32, abi: Abi) -> Step<()> {
        let handle = self.seekable(fd, rights::FD_SEEK)?;
        let whence = abi.whence(whence).ok_or(Errno::INVAL)?;
        self.guest.check(to, 8)?;
        let at = self.fs.seek(handle, offset, whence)?;
        self.guest.write_u64(at, to)
    }

    /// `fd_tell`.
    ///
    /// # Errors
    /// `EBADF`, `ESPIPE` for a stream, `EFAULT`.
    pub fn fd_tell(&mut self, fd: u32, to: u32) -> Step<()> {
        let handle = self.seekable(fd, rights::FD_TELL)?;
        let at = self.fs.seek(handle, 0, crate::fs::Whence::Current)?;
        self.guest.write_u64(at, to)
    }

    /// The file behind `fd`; a stream has no offset.
    pub(super) fn seekable(&self, fd: u32, right: u64) -> Step<HandleId> {
        match self.process.table.get(fd)?.what {
            What::Input(_) | What::Output(_) => Err(Errno::SPIPE.into()),
            _ => Ok(self.file(fd, right)?.0),
        }
    }
}
