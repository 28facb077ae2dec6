//! The process of one worker: its end and its limits.

pub(crate) mod cgroup;
pub(crate) mod child_process;
pub(crate) mod kill_switch;
pub(crate) mod memory_watch;
pub(crate) mod process_env;
pub(crate) mod worker_limits;
