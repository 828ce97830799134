//! The process itself, and sockets, of which there are none.

use super::{Call, Halt, Step};
use crate::runtime::errno::Errno;

impl Call<'_> {
    /// `proc_exit`: ends the process; always halts with `Ended`.
    ///
    /// # Errors
    /// `Ended`.
    pub fn proc_exit(&mut self, code: u32) -> Step<()> {
        Err(Halt::Ended(code))
    }

    /// `proc_raise`: does what the signal does to a process without handlers: ends it with 128
    /// and the signal's number, as shells count, or nothing.
    ///
    /// # Errors
    /// `Ended`; `ENOTSUP` for signals that stop a process, `EINVAL`.
    pub fn proc_raise(&mut self, signal: u32) -> Step<()> {
        match signal {
            // None, a child, go on, urgent data, the window.
            0 | 16 | 17 | 22 | 27 => Ok(()),
            18..=21 => Err(Errno::NOTSUP.into()),
            1..=30 => Err(Halt::Ended(128 + signal)),
            _ => Err(Errno::INVAL.into()),
        }
    }

    /// `sock_accept`, `sock_recv`, `sock_send`, `sock_shutdown`: no descriptor is a socket.
    ///
    /// # Errors
    /// `EBADF`, else `ENOTSOCK`.
    pub fn not_a_socket(&mut self, fd: u32) -> Step<()> {
        self.process.table.get(fd)?;
        Err(Errno::NOTSOCK.into())
    }
}
