//! The options of a pool and of the tasks of a handle.

pub(crate) mod builder;
pub(crate) mod key_hash;
pub(crate) mod priority;
pub(crate) mod priority_out_of_range;
pub(crate) mod processors;
pub(crate) mod task_options;
pub(crate) mod worker_output;

pub use builder::Builder;
pub use priority::Priority;
pub use priority_out_of_range::PriorityOutOfRange;
pub use task_options::TaskOptions;
pub use worker_output::WorkerOutput;
