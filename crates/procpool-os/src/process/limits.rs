//! Limits that a worker sets on itself: memory and CPU time.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit on the memory that this process may have for its data.
///
/// It is `RLIMIT_DATA` (`setrlimit(2)`). Heap and private writable mappings count when they are allocated,
/// whether or not they are used yet. Shared memory, mapped files and reserved
/// address space don't count. Allocations beyond the limit fail.
#[derive(Debug)]
pub struct MemoryLimit {
    original: Rlimit,
}

impl MemoryLimit {
    /// The limit as it is now, to which [`set`](Self::set) can return.
    #[must_use]
    pub fn current() -> Self {
        MemoryLimit {
            original: getrlimit(Resource::Data),
        }
    }

    /// Sets the limit to this many bytes, or to its original value for `None`.
    ///
    /// # Errors
    ///
    /// The kernel's error; none is known.
    pub fn set(&self, bytes: Option<u64>) -> io::Result<()> {
        let Rlimit { current, maximum } = self.original;
        let current = match (bytes, current) {
            (Some(bytes), Some(current)) => Some(bytes.min(current)),
            (bytes, current) => bytes.or(current),
        };
        Ok(setrlimit(Resource::Data, Rlimit { current, maximum })?)
    }
}

/// Ends this process with `SIGXCPU` once it has used a given CPU time.
///
/// It is a timer on the process's CPU clock (`timer_create(2)`): the time of all threads counts, that of children
/// doesn't. Its resolution is the kernel's tick, some milliseconds.
#[derive(Debug)]
pub struct CpuAlarm(libc::timer_t);

// SAFETY: a timer's id is a number in the kernel's table of this process; any thread may use it.
unsafe impl Send for CpuAlarm {}

impl CpuAlarm {
    /// Makes an alarm that is not set.
    ///
    /// # Errors
    ///
    /// The kernel's error: out of timers, or a sandbox forbids them.
    pub fn new() -> io::Result<Self> {
        // SAFETY: all of its fields are numbers and pointers, for which zero is a value.
        let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = libc::SIGXCPU;
        let mut timer = MaybeUninit::uninit();
        let clock = libc::CLOCK_PROCESS_CPUTIME_ID;
        // SAFETY: both pointers are to locals of the right types, used only during the call.
        let answer = unsafe { libc::timer_create(clock, &mut event, timer.as_mut_ptr()) };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it has written the timer's id.
        Ok(CpuAlarm(unsafe { timer.assume_init() }))
    }

    /// Sets the alarm to this CPU time from now, or off for `None`.
    ///
    /// # Errors
    ///
    /// The kernel's error; none is known.
    pub fn set(&self, time: Option<Duration>) -> io::Result<()> {
        let time = time.map_or(Duration::ZERO, |time| time.max(Duration::from_nanos(1)));
        let zero = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let value = libc::itimerspec {
            it_interval: zero,
            it_value: libc::timespec {
                tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                tv_nsec: time.subsec_nanos().into(),
            },
        };
        // SAFETY: the timer exists until `self` is dropped; `value` is a local of the right type,
        // read only during the call, and a null pointer asks for no old value.
        let answer = unsafe { libc::timer_settime(self.0, 0, &value, ptr::null_mut()) };
        match answer {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for CpuAlarm {
    fn drop(&mut self) {
        // SAFETY: the timer exists, and no other value has its id.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// The memory that a process uses at this moment, in bytes: its resident set, shared pages
/// included.
///
/// # Errors
///
/// If the process has ended, or `/proc` is not mounted.
///
/// ```
/// assert!(procpool_os::limits::resident_memory(std::process::id())? > 100_000);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn resident_memory(pid: u32) -> io::Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    let page_size = rustix::param::page_size() as u64;
    pages
        .map(|pages| pages * page_size)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "statm has no resident size"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CpuAlarm, MemoryLimit, resident_memory};

    #[test]
    fn a_memory_limit_returns_to_its_original_value() {
        let limit = MemoryLimit::current();
        limit.set(Some(1 << 40)).unwrap();
        let lowered = MemoryLimit::current();
        assert_eq!(lowered.original.current, Some(1 << 40));
        limit.set(None).unwrap();
        assert_eq!(MemoryLimit::current().original, limit.original);
    }

    #[test]
    fn an_alarm_that_was_switched_off_does_nothing() {
        let alarm = CpuAlarm::new().unwrap();
        alarm.set(Some(Duration::from_secs(3600))).unwrap();
        alarm.set(None).unwrap();
    }

    #[test]
    fn used_memory_is_counted() {
        let before = resident_memory(std::process::id()).unwrap();
        let used = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = resident_memory(std::process::id()).unwrap();
        assert!(after >= before + (48 << 20), "{before} {after}");
        drop(used);
    }
}
