//! Other ways to call a pool: without tokio, through `tower`, and from code that is generic over its executor.

pub mod blocking;
pub(crate) mod executor;
pub(crate) mod in_process;
pub(crate) mod in_process_task;
#[cfg(feature = "tower")]
pub(crate) mod tower_service;

pub use executor::Executor;
pub use in_process::InProcess;
pub use in_process_task::InProcessTask;
#[cfg(feature = "tower")]
pub use tower_service::ProcessService;
