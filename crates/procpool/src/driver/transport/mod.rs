//! The socket and the control page of one worker.

pub(crate) mod bulk_reader;
pub(crate) mod channel;
pub(crate) mod incoming;
pub(crate) mod link;
pub(crate) mod outbox;
pub(crate) mod outgoing_frames;
