//! The turn that a thread has on its processor.

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use libc::sched_attr;

/// No system call should copy more than this, of a thread whose turns may end: 256 KiB, which take 50 to 100 µs.
///
/// Many servers' kernels don't interrupt who copies in them for another thread (`CONFIG_PREEMPT_NONE`): that waits until the
/// call is over, which is when there is nothing more to be received, or no more room to send.
pub const MOST_AT_ONCE: usize = 256 << 10;

/// How long a turn is of who is in no hurry. The kernel's own are 0.7 to 3 ms, and it allows 100.
const LONG: Duration = Duration::from_millis(12);

/// How long the turns of the calling thread are, if the kernel tells: since Linux 6.12 it does, of a thread of the usual
/// policies.
///
/// ```
/// use procpool_os::turn;
///
/// println!("{:?}", turn::length());
/// ```
#[must_use]
pub fn length() -> Option<Duration> {
    length_in(&scheduling(THIS_THREAD).ok()?)
}

/// The same of another thread, or of a process's first.
#[must_use]
pub fn length_of(thread: u32) -> Option<Duration> {
    let thread = libc::pid_t::try_from(thread).ok()?;
    length_in(&scheduling(thread).ok()?)
}

/// The calling thread is in no hurry while this is there: who wakes up on its processor, and is, goes first.
///
/// It is for a thread that copies much and that nobody waits for within a millisecond. The kernel's scheduler lets who wakes up
/// interrupt a thread with longer turns, if it has had less of the processor than is its due; else
/// it waits until the turn is over, and that is looked at every 4 ms. Of the processor both get as much as before: longer
/// turns come less often. See `Documentation/scheduler/sched-eevdf.rst` in the kernel's sources, and
/// [sched_setattr(2)](https://man7.org/linux/man-pages/man2/sched_setattr.2.html).
///
/// Four system calls, of less than a microsecond each. What the thread starts meanwhile has such turns, too.
#[derive(Debug)]
#[must_use = "the turns are as before when this is dropped"]
pub struct LongTurns {
    before: Duration,
    /// It is this thread's.
    thread: PhantomData<*const ()>,
}

impl LongTurns {
    /// Gives the calling thread longer turns than it has.
    ///
    /// `None` if it has such already, or is under one of the kernel's other regimes (`SCHED_FIFO` for one), or where turns can't be
    /// asked for: before Linux 6.12, or where a sandbox forbids it. Then all is as it was.
    ///
    /// ```
    /// use procpool_os::turn::LongTurns;
    ///
    /// let in_no_hurry = LongTurns::take();
    /// // Much is copied here.
    /// drop(in_no_hurry);
    /// ```
    #[must_use = "the turns are as before when this is dropped"]
    pub fn take() -> Option<Self> {
        let now = scheduling(THIS_THREAD).ok()?;
        let before = length_in(&now)?;
        if before >= LONG {
            return None;
        }
        change_length(now, LONG).ok()?;
        Some(LongTurns {
            before,
            thread: PhantomData,
        })
    }
}

impl Drop for LongTurns {
    fn drop(&mut self) {
        // What else was changed meanwhile, as a niceness, stays. What could be asked for can be given back.
        if let Ok(now) = scheduling(THIS_THREAD)
            && length_in(&now) == Some(LONG)
        {
            let _given_back = change_length(now, self.before);
        }
    }
}

fn length_in(attributes: &sched_attr) -> Option<Duration> {
    let policy = attributes.sched_policy as libc::c_int;
    let is_usual = policy == libc::SCHED_OTHER || policy == libc::SCHED_BATCH;
    // A kernel that doesn't know of turns says that they take no time.
    (is_usual && attributes.sched_runtime > 0)
        .then_some(Duration::from_nanos(attributes.sched_runtime))
}

/// How a thread is scheduled.
fn scheduling(thread: libc::pid_t) -> io::Result<sched_attr> {
    let mut attributes = sched_attr {
        size: SIZE,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel writes at most as many bytes there as it is told, which is what the structure has, all of
    // whose fields may have any value.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_sched_getattr,
            thread,
            &raw mut attributes,
            SIZE,
            NO_FLAGS,
        )
    };
    succeeded(answer)?;
    Ok(attributes)
}

/// Changes nothing but the length of the turns of a thread that is scheduled like that.
fn change_length(mut attributes: sched_attr, length: Duration) -> io::Result<()> {
    attributes.sched_runtime = length.as_nanos() as u64;
    // SAFETY: the kernel reads as many bytes there as `size` in it says, which is what the structure has, and changes
    // nothing of this process but when the calling thread runs.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_sched_setattr,
            THIS_THREAD,
            &raw const attributes,
            NO_FLAGS,
        )
    };
    succeeded(answer)
}

const SIZE: u32 = size_of::<sched_attr>() as u32;
const THIS_THREAD: libc::pid_t = 0;
const NO_FLAGS: libc::c_uint = 0;

fn succeeded(answer: libc::c_long) -> io::Result<()> {
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_longer_for_a_while_and_nothing_else_changes() {
        let before = scheduling(THIS_THREAD).unwrap();
        let Some(longer) = LongTurns::take() else {
            assert_eq!(length(), None, "longer ones could be asked for");
            return;
        };
        assert_eq!(length(), Some(LONG));
        let this = rustix::thread::gettid().as_raw_nonzero().get() as u32;
        assert_eq!(length_of(this), Some(LONG));
        let now = scheduling(THIS_THREAD).unwrap();
        assert_eq!(now.sched_policy, before.sched_policy);
        assert_eq!(now.sched_nice, before.sched_nice);
        assert_eq!(now.sched_flags, before.sched_flags);
        drop(longer);
        assert_eq!(length(), length_in(&before));
    }

    #[test]
    fn a_niceness_that_was_given_meanwhile_stays() {
        let nicer = (scheduling(THIS_THREAD).unwrap().sched_nice + 1).min(19);
        let usual = length();
        let longer = LongTurns::take();
        rustix::process::setpriority_process(None, nicer).unwrap();
        drop(longer);
        assert_eq!(scheduling(THIS_THREAD).unwrap().sched_nice, nicer);
        assert_eq!(length(), usual);
    }

    #[test]
    fn who_has_long_turns_already_keeps_them() {
        let first = LongTurns::take();
        let between = length();
        assert!(LongTurns::take().is_none());
        assert_eq!(length(), between);
        drop(first);
    }
}
