//! Waiting for several things at once: clocks, input to read, room to write.

use super::abi::{Abi, Clock, rights};
use super::{Call, Halt, Step};
use crate::runtime::descriptor::{Sink, Source, What};
use crate::runtime::errno::Errno;
use std::time::Duration;

/// Bytes of an event.
const EVENT: u32 = 32;

/// The event says that the other side is gone.
const HANGUP: u16 = 1;

/// The clock of a subscription says a moment, not how long to wait.
const ABSOLUTE: u16 = 1;

/// What a subscription has to say now.
enum Now {
    /// Its event: what can be moved, in bytes, and flags.
    Due(u64, u16),
    /// Nothing before so many nanoseconds.
    In(u64),
    /// Nothing until something else happens.
    Quiet,
}

/// One subscription as the guest wrote it.
struct Subscription {
    bytes: [u8; 56],
    kind: u8,
}

impl Subscription {
    fn user_data(&self) -> &[u8] {
        &self.bytes[..8]
    }

    fn u32(&self, at: usize) -> u32 {
        let mut four = [0; 4];
        four.copy_from_slice(&self.bytes[at..at + 4]);
        u32::from_le_bytes(four)
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }
}

impl Call<'_> {
    /// `poll_oneoff`: writes an event for each of the subscriptions that has something to say,
    /// and how many; halts with `Sleep` while none has. `since` is when the call began, in
    /// nanoseconds on the monotonic clock.
    ///
    /// # Errors
    /// `EINVAL` for no subscription, an unknown kind or clock; `EBADF` if any descriptor is not
    /// open for what is asked; `EFAULT`.
    pub fn poll_oneoff(
        &mut self,
        list: u32,
        events: u32,
        count: u32,
        to: u32,
        since: u64,
        abi: Abi,
    ) -> Step<()> {
        if count == 0 {
            return Err(Errno::INVAL.into());
        }
        let bytes = |each: u32| count.checked_mul(each).ok_or(Errno::FAULT);
        self.guest.check(list, bytes(abi.subscription_len())?)?;
        self.guest.check(events, bytes(EVENT)?)?;
        self.guest.check(to, 4)?;
        let mut soonest = u64::MAX;
        let mut due = 0;
        for at in 0..count {
            let subscription = self.subscription(list, at, abi)?;
            match self.look(&subscription, since, abi)? {
                Now::Due(..) => due += 1,
                Now::In(nanos) => soonest = soonest.min(nanos),
                Now::Quiet => {}
            }
        }
        if due == 0 {
            self.listen(list, count, abi)?;
            let timeout = (soonest < u64::MAX).then(|| Duration::from_nanos(soonest));
            return Err(Halt::Sleep(timeout));
        }
        let mut told = 0;
        for at in 0..count {
            let subscription = self.subscription(list, at, abi)?;
            if let Now::Due(bytes, flags) = self.look(&subscription, since, abi)? {
                let mut event = [0; EVENT as usize];
                event[..8].copy_from_slice(subscription.user_data());
                event[10] = subscription.kind;
                event[16..24].copy_from_slice(&bytes.to_le_bytes());
                event[24..26].copy_from_slice(&flags.to_le_bytes());
                self.guest.write(&event, events + told * EVENT)?;
                told += 1;
            }
        }
        self.guest.write_u32(told, to)
    }

    fn subscription(&self, list: u32, at: u32, abi: Abi) -> Step<Subscription> {
        let mut bytes = [0; 56];
        let len = abi.subscription_len();
        self.guest.read(list + at * len, &mut bytes[..len as usize])?;
        Ok(Subscription { kind: bytes[8], bytes })
    }

    fn look(&self, subscription: &Subscription, since: u64, abi: Abi) -> Step<Now> {
        match subscription.kind {
            0 => {
                let at = abi.clock_at();
                let clock = Clock::from_number(subscription.u32(at)).ok_or(Errno::INVAL)?;
                let (time, flags) = (subscription.u64(at + 8), subscription.u32(at + 24) as u16);
                let (now, due) = match flags & ABSOLUTE {
                    0 => (self.guest.time(Clock::Monotonic), since.saturating_add(time)),
                    _ => (self.guest.time(clock), time),
                };
                Ok(if now >= due { Now::Due(0, 0) } else { Now::In(due - now) })
            }
            1 => self.readable(subscription.u32(16)),
            2 => self.writable(subscription.u32(16)),
            _ => Err(Errno::INVAL.into()),
        }
    }

    fn readable(&self, fd: u32) -> Step<Now> {
        let entry = self.process.table.get(fd)?;
        if entry.rights & rights::FD_READ == 0 {
            return Err(Errno::BADF.into());
        }
        Ok(match &entry.what {
            What::File(handle) => {
                let here = self.fs.tell(*handle)?;
                Now::Due(self.fs.fstat(*handle)?.size.saturating_sub(here), 0)
            }
            What::Input(Source::Bytes(bytes, at)) if bytes.len() > *at => {
                Now::Due((bytes.len() - at) as u64, 0)
            }
            What::Input(Source::Pipe(pipe)) => match self.pipes.peek(*pipe) {
                Some(pipe) if pipe.available() > 0 => Now::Due(pipe.available() as u64, 0),
                Some(pipe) if pipe.is_written() => Now::Quiet,
                _ => Now::Due(0, HANGUP),
            },
            _ => Now::Due(0, HANGUP),
        })
    }

    fn writable(&self, fd: u32) -> Step<Now> {
        let entry = self.process.table.get(fd)?;
        if entry.rights & rights::FD_WRITE == 0 {
            return Err(Errno::BADF.into());
        }
        Ok(match entry.what {
            What::Output(Sink::Pipe(pipe)) => match self.pipes.peek(pipe) {
                Some(pipe) if !pipe.is_read() => Now::Due(0, HANGUP),
                Some(pipe) if pipe.room() == 0 => Now::Quiet,
                Some(pipe) => Now::Due(pipe.room() as u64, 0),
                None => Now::Due(0, HANGUP),
            },
            _ => Now::Due(u64::from(u32::MAX), 0),
        })
    }

    /// Has the process rung for when one of the pipes changes.
    fn listen(&mut self, list: u32, count: u32, abi: Abi) -> Step<()> {
        for at in 0..count {
            let subscription = self.subscription(list, at, abi)?;
            if subscription.kind == 0 {
                continue;
            }
            let pipe = match self.process.table.get(subscription.u32(16))?.what {
                What::Input(Source::Pipe(pipe)) | What::Output(Sink::Pipe(pipe)) => pipe,
                _ => continue,
            };
            if let Some(pipe) = self.pipes.get(pipe) {
                pipe.wait(self.process.pid);
            }
        }
        Ok(())
    }
}
