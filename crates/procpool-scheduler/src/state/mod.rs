//! What the scheduler knows.

pub(crate) mod counts;
pub(crate) mod deadlines;
pub(crate) mod fleet;
pub(crate) mod flight;
pub(crate) mod free_slots;
pub(crate) mod life;
pub(crate) mod reservation_queue;
pub(crate) mod scheduler;
pub(crate) mod table;
pub(crate) mod task;
pub(crate) mod worker;
