//! Observing processes from outside.

use std::fs;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A process whose end can be waited for. It is not confused with a later process of the same number.
#[derive(Debug)]
pub struct Watched {
    pid: u32,
    pidfd: Option<OwnedFd>,
}

impl Watched {
    /// Starts to watch a process; one that is already gone counts as ended.
    #[must_use]
    pub fn new(pid: u32) -> Self {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pidfd = raw.and_then(|raw| pidfd_open(raw, PidfdFlags::empty()).ok());
        Watched { pid, pidfd }
    }

    /// Returns whether the process is running or ready to run.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.ends_within(0)
    }

    /// Waits until the process has ended, reaped or not.
    ///
    /// # Panics
    /// If it has not ended after a minute.
    pub fn ended(&self) {
        assert!(self.ends_within(60), "process {} lives on", self.pid);
    }

    pub(crate) fn ends_within(&self, seconds: i64) -> bool {
        let Some(pidfd) = &self.pidfd else {
            return true;
        };
        let limit = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        let mut polled = [PollFd::new(pidfd, PollFlags::IN)];
        loop {
            match poll(&mut polled, Some(&limit)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll: {error}"),
            }
        }
    }
}

/// Returns the children of this process, including zombies.
///
/// # Panics
/// Without `/proc`.
#[must_use]
pub fn children() -> Vec<u32> {
    let own = std::process::id();
    fs::read_dir("/proc")
        .expect("/proc is mounted")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| parent(*pid) == Some(own))
        .collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; after it come the state and the parent.
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}
