//! The error types, one for each call that can fail and one for each cause with details.

mod build_error;
mod decode_error;
mod encode_error;
mod limit_exceeded;
mod panicked;
mod pool_closed;
mod rejected;
mod resize_error;
mod task_error;
mod worker_exit;
mod worker_start_error;

pub use build_error::BuildError;
pub use decode_error::DecodeError;
pub use encode_error::EncodeError;
pub use limit_exceeded::LimitExceeded;
pub use panicked::Panic;
pub use pool_closed::PoolClosed;
pub use rejected::Rejected;
pub use resize_error::ResizeError;
pub use task_error::{TaskError, TimeoutPhase};
pub use worker_exit::WorkerExit;
pub use worker_start_error::WorkerStartError;

pub(crate) use worker_exit::ExitCause;
