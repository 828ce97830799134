//! Clocks and random bytes.

use super::{Call, Clock, Step};
use crate::runtime::errno::Errno;

impl Call<'_> {
    /// `clock_res_get`: the step of a clock in nanoseconds, as browsers round it.
    ///
    /// # Errors
    /// `EINVAL` for a clock that is not there, `EFAULT`.
    pub fn clock_res_get(&mut self, clock: u32, to: u32) -> Step<()> {
        let Some(clock) = Clock::from_number(clock) else { return Err(Errno::INVAL.into()) };
        let step = self.guest.resolution(clock);
        self.guest.write_u64(step, to)
    }

    /// `clock_time_get`: nanoseconds on a clock.
    ///
    /// # Errors
    /// `EINVAL` for a clock that is not there, `EFAULT`.
    pub fn clock_time_get(&mut self, clock: u32, to: u32) -> Step<()> {
        let Some(clock) = Clock::from_number(clock) else { return Err(Errno::INVAL.into()) };
        let now = self.guest.time(clock);
        self.guest.write_u64(now, to)
    }

    /// `random_get`: fills bytes from a source fit for keys.
    ///
    /// # Errors
    /// `EFAULT`, then nothing has been filled.
    pub fn random_get(&mut self, to: u32, len: u32) -> Step<()> {
        self.guest.check(to, len)?;
        if self.guest.random(to, len) { Ok(()) } else { Err(Errno::FAULT.into()) }
    }
}
