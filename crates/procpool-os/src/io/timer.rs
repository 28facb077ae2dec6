//! A timer as a descriptor.
//!
//! The runtime's timer may be missing (a runtime built without it) or be paused (in
//! tests), and limits on real processes must hold there too. A timerfd needs nothing but the runtime's I/O driver.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// A one-shot timer on the monotonic clock. Its descriptor is readable when the timer has fired.
///
/// Nonblocking and close-on-exec. It stays readable until it is [consumed](Timer::consume) or set
/// again. Dropping it closes the descriptor.
#[derive(Debug)]
pub struct Timer {
    descriptor: OwnedFd,
}

impl Timer {
    /// Makes a timer that is not set.
    ///
    /// # Errors
    ///
    /// The kernel's error: out of descriptors or memory.
    ///
    /// ```
    /// use procpool_os::Timer;
    /// use std::time::Duration;
    ///
    /// let timer = Timer::new()?;
    /// timer.set(Some(Duration::from_secs(60)))?;
    /// assert!(!timer.consume()?); // not yet
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Timer { descriptor })
    }

    /// Sets the timer to fire after `wait`, counted from now; `None` stops it.
    ///
    /// It replaces the last setting, and an earlier firing that was not consumed. A wait of zero
    /// fires immediately. A wait is cut to 272 years.
    ///
    /// # Errors
    ///
    /// The kernel's error; none is known for a live timer.
    pub fn set(&self, wait: Option<Duration>) -> io::Result<()> {
        // Zero would stop the timer, and more than this overflows the kernel's clock.
        let bounds = (Duration::from_nanos(1), Duration::from_secs(1 << 33));
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let value = wait.map_or(Ok(never), |wait| {
            Timespec::try_from(wait.clamp(bounds.0, bounds.1))
        });
        let setting = Itimerspec {
            it_interval: never,
            it_value: value.map_err(|_| io::ErrorKind::InvalidInput)?,
        };
        timerfd_settime(&self.descriptor, TimerfdTimerFlags::empty(), &setting)?;
        Ok(())
    }

    /// Whether the timer has fired since the last call. It is not readable afterwards.
    ///
    /// # Errors
    ///
    /// The kernel's error; none is known for a live timer.
    pub fn consume(&self) -> io::Result<bool> {
        let mut count = [0; size_of::<u64>()];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.descriptor, &mut count)) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
impl std::os::fd::AsRawFd for Timer {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.descriptor.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn is_readable_within(timer: &Timer, patience: Duration) -> bool {
        let mut watched = [PollFd::new(timer, PollFlags::IN)];
        let patience = Timespec::try_from(patience).unwrap();
        poll(&mut watched, Some(&patience)).unwrap() == 1
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn it_fires_once_and_stays_readable_until_consumed() {
        let timer = Timer::new().unwrap();
        for wait in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_millis(2),
        ] {
            timer.set(Some(wait)).unwrap();
            assert!(is_readable_within(&timer, LONG) && is_readable_within(&timer, LONG));
            assert!(timer.consume().unwrap());
            assert!(!timer.consume().unwrap());
            assert!(!is_readable_within(&timer, Duration::ZERO));
        }
    }

    #[test]
    fn stopping_forgets_an_earlier_firing() {
        let timer = Timer::new().unwrap();
        timer.set(Some(Duration::ZERO)).unwrap();
        assert!(is_readable_within(&timer, LONG));
        timer.set(None).unwrap();
        assert!(!timer.consume().unwrap());
    }

    #[test]
    fn an_endless_wait_is_accepted_and_does_not_fire() {
        let timer = Timer::new().unwrap();
        timer.set(Some(Duration::MAX)).unwrap();
        assert!(!timer.consume().unwrap());
        timer.set(Some(Duration::ZERO)).unwrap();
        assert!(is_readable_within(&timer, LONG));
    }
}
