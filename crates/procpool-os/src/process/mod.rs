//! Processes: a worker as a child of its parent, and the worker's own process.

pub mod early;
pub mod lifeline;
pub mod limits;
pub mod signals;

mod handle;
mod spawn_spec;
mod worker_process;
mod worker_status;

pub use spawn_spec::{OutputTo, SpawnSpec};
pub use worker_process::WorkerProcess;
pub use worker_status::WorkerStatus;
