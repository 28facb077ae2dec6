//! The handle of a pool, and what it can be asked to do.

pub(crate) mod back_pressure;
pub(crate) mod broadcast;
pub(crate) mod default_pool;
pub(crate) mod permit;
pub(crate) mod pool_size;
pub(crate) mod process_pool;
mod shutdown;
pub(crate) mod shutdown_report;
pub(crate) mod sizing;

pub use default_pool::run_in_process;
pub use permit::Permit;
pub use pool_size::PoolSize;
pub use process_pool::ProcessPool;
pub use shutdown_report::ShutdownReport;
