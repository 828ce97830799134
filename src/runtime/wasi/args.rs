//! Arguments and variables: how many, how long, and the strings themselves.

use super::{Call, Step};
use crate::runtime::guest::Guest;
use crate::runtime::process::Strings;

impl Call<'_> {
    /// `args_sizes_get`: how many arguments, and their bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn args_sizes_get(&mut self, count: u32, bytes: u32) -> Step<()> {
        sizes(&self.process.args, self.guest, count, bytes)
    }

    /// `args_get`: addresses of the arguments, and their bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn args_get(&mut self, list: u32, bytes: u32) -> Step<()> {
        strings(&self.process.args, self.guest, list, bytes)
    }

    /// `environ_sizes_get`: how many variables, and their bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn environ_sizes_get(&mut self, count: u32, bytes: u32) -> Step<()> {
        sizes(&self.process.env, self.guest, count, bytes)
    }

    /// `environ_get`: addresses of the variables, and their bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn environ_get(&mut self, list: u32, bytes: u32) -> Step<()> {
        strings(&self.process.env, self.guest, list, bytes)
    }
}

fn sizes(of: &Strings, guest: &mut dyn Guest, count: u32, bytes: u32) -> Step<()> {
    guest.check(bytes, 4)?;
    guest.write_u32(of.count, count)?;
    guest.write_u32(of.bytes.len() as u32, bytes)
}

fn strings(of: &Strings, guest: &mut dyn Guest, list: u32, bytes: u32) -> Step<()> {
    let mut addresses = Vec::with_capacity(of.count as usize * 4);
    guest.check(bytes, of.bytes.len() as u32)?;
    let mut at = bytes;
    for one in of.bytes.split_inclusive(|byte| *byte == 0) {
        addresses.extend_from_slice(&at.to_le_bytes());
        at += one.len() as u32;
    }
    guest.write(&addresses, list)?;
    guest.write(&of.bytes, bytes)
}
