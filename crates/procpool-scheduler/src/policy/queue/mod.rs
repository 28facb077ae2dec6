//! Tasks that wait for a worker, and which is next.

mod flow;
mod flows;
mod starvation_credit;
mod task_queue;

pub(crate) use task_queue::{Next, Queue, Seat};
