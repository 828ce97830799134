//! Listing directories, and the names of preopens.

use super::abi::{self, rights};
use super::{Call, Step};
use crate::runtime::descriptor::What;
use crate::runtime::errno::Errno;

/// Bytes of an entry before its name.
const HEAD: usize = 24;

impl Call<'_> {
    /// `fd_readdir`: entries after `cookie` (0: all) as far as they fit, the last one cut short:
    /// `.`, `..`, then the others, oldest first. Cookies stay good whatever is created or removed
    /// meanwhile. Fewer bytes than there is room for: the end.
    ///
    /// # Errors
    /// `EBADF`, also for a file, as wasmtime has it; `EFAULT`.
    pub fn fd_readdir(&mut self, fd: u32, at: u32, len: u32, cookie: u64, to: u32) -> Step<()> {
        if let What::File(_) = self.process.table.get(fd)?.what {
            return Err(Errno::BADF.into());
        }
        let (handle, _) = self.dir(fd, rights::FD_READDIR, false)?;
        self.guest.check(at, len)?;
        self.guest.check(to, 4)?;
        let own = self.fs.node_of(handle)?.id();
        let mut used = 0_usize;
        let room = len as usize;
        let guest = &mut *self.guest;
        self.fs.read_dir(handle, cookie, &mut |entry| {
            let mut bytes = [0; HEAD + crate::fs::NAME_MAX];
            let whole = HEAD + entry.name.len();
            // What lies above a directory is not the guest's business, not even its number.
            let ino = if entry.name == b".." { own } else { entry.node.id() };
            bytes[..8].copy_from_slice(&entry.cookie.to_le_bytes());
            bytes[8..16].copy_from_slice(&ino.to_le_bytes());
            bytes[16..20].copy_from_slice(&(entry.name.len() as u32).to_le_bytes());
            bytes[20] = abi::file_type(entry.file_type);
            bytes[HEAD..whole].copy_from_slice(entry.name);
            let part = whole.min(room - used);
            let fits = guest.put(&bytes[..part], at + used as u32);
            debug_assert!(fits, "the buffer is checked");
            used += part;
            used < room
        })?;
        self.guest.write_u32(used as u32, to)
    }

    /// `fd_prestat_get`: that it is a preopen, and how long its name is.
    ///
    /// # Errors
    /// `EBADF` for whatever is none: by that programs know where the preopens end. `EFAULT`.
    pub fn fd_prestat_get(&mut self, fd: u32, to: u32) -> Step<()> {
        let What::Dir(_, Some(name)) = &self.process.table.get(fd)?.what else {
            return Err(Errno::BADF.into());
        };
        let mut bytes = [0; 8];
        bytes[4..].copy_from_slice(&(name.len() as u32).to_le_bytes());
        self.guest.write(&bytes, to)
    }

    /// `fd_prestat_dir_name`.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR` for what is no preopen, `ENAMETOOLONG` for too short a buffer, `EFAULT`.
    pub fn fd_prestat_dir_name(&mut self, fd: u32, to: u32, len: u32) -> Step<()> {
        let What::Dir(_, Some(name)) = &self.process.table.get(fd)?.what else {
            return Err(Errno::NOTDIR.into());
        };
        if name.len() > len as usize {
            return Err(Errno::NAMETOOLONG.into());
        }
        self.guest.check(to, len)?;
        self.guest.write(name, to)
    }
}
