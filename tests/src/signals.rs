//! Killing a worker from outside.

use rustix::process::{Pid, Signal, kill_process};

/// Sends SIGKILL to a process that is known to be alive, as an administrator may do.
///
/// # Panics
/// If there is no such process.
pub fn kill(pid: u32) {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(raw.expect("a process id"), Signal::KILL).expect("a process");
}
