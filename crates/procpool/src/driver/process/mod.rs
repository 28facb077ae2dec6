//! The process of one worker: how it ends, and what it may use.

pub(crate) mod cgroup;
pub(crate) mod child_process;
pub(crate) mod kill_switch;
pub(crate) mod memory_watch;
pub(crate) mod process_env;
pub(crate) mod worker_limits;
