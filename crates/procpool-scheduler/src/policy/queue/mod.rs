//! Tasks that wait for a worker, and which of them is next: by level, then by share, then in order.

mod flow;
mod flows;
mod starvation_credit;
mod task_queue;

pub(crate) use task_queue::{NextTask, QueueKey, TaskQueue};
