//! One call: its encoded form, the future of its result, and the handle that aborts it.

pub(crate) mod abort_handle;
pub(crate) mod call;
pub(crate) mod catch;
pub(crate) mod cell;
pub(crate) mod foreign_waker;
pub(crate) mod future;
pub(crate) mod task_id;
pub(crate) mod task_state;

pub use abort_handle::AbortHandle;
pub use future::Task;
pub use task_id::TaskId;
pub use task_state::TaskState;
