//! Processes, as `/proc` shows them.

use std::fs;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// The state of a process at one moment; it may have ended since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    name: String,
    state: char,
    parent: u32,
    group: u32,
    session: u32,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may contain anything.
        let (name, rest) = stat.rsplit_once(')')?;
        let mut rest = rest.split_whitespace();
        let state = rest.next()?.chars().next()?;
        let mut number = || rest.next()?.parse().ok();
        Some(Process {
            pid,
            name: name.split_once('(')?.1.to_owned(),
            state,
            parent: number()?,
            group: number()?,
            session: number()?,
        })
    }

    /// Returns all but this one, including orphans.
    pub(crate) fn of_session(session: u32) -> Vec<Self> {
        fs::read_dir("/proc")
            .expect("/proc is mounted")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Process::of)
            .filter(|process| process.session == session && process.pid != std::process::id())
            .collect()
    }

    /// Returns whether it is a worker of this process that has not ended.
    fn is_worker(&self) -> bool {
        self.parent == std::process::id() && self.group == self.pid && self.state != 'Z'
    }

    pub(crate) fn workers() -> Vec<Self> {
        let mut workers = Process::of_session(std::process::id());
        workers.retain(Process::is_worker);
        workers
    }

    /// Returns a descriptor of the worker, which is never confused with a later process.
    pub(crate) fn hold(&self) -> Option<OwnedFd> {
        let raw = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let held = pidfd_open(raw, PidfdFlags::empty()).ok()?;
        Process::of(self.pid)?.is_worker().then_some(held)
    }
}

/// Waits until no other process of the session is left, including zombies. Returns those that still exist
/// after a minute.
pub(crate) fn ended(session: u32, mut pause: impl FnMut(Duration)) -> Vec<Process> {
    for _ in 0..6000 {
        if Process::of_session(session).is_empty() {
            return Vec::new();
        }
        pause(Duration::from_millis(10));
    }
    Process::of_session(session)
}
