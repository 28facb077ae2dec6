//! The worker's end of its channel to the parent: the socket, and the shared memory in which results gather.

mod flush_timer;
mod inbox;
mod outbox;

pub(crate) use flush_timer::FlushTimer;
pub(crate) use inbox::Inbox;
pub(crate) use outbox::Outbox;
