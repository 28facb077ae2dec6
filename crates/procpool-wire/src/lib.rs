//! The protocol between a procpool parent and its workers.
//!
//! Bytes only: no process, no runtime, no descriptor. [`frame`] cuts the stream into messages,
//! [`Command`] is what a parent says, [`Event`] what a worker says, and [`value`] is the encoding of
//! arguments and results. Decoding is total: whatever the bytes are, the answer is a value or an
//! error, and never more memory than has arrived.
//!
//! This crate is a part of `procpool`; its interface may change with any version.
#![forbid(unsafe_code)]

mod attached;
mod broadcast;
mod bulk;
mod command;
mod encoding;
mod event;
mod fields;
pub mod frame;
mod frame_buffer;
pub mod items;
mod limits;
mod message_error;
mod payload;
mod plain;
mod returned;
mod segments;
mod short;
mod small_run;
mod start;
mod ticket;
pub mod value;

pub use broadcast::Broadcast;
pub use bulk::{Bulk, Reserve};
pub use command::{Command, Initialize, Run};
pub use encoding::Encoding;
pub use event::{Event, Finished, Outcome};
pub use frame::{Frame, FrameError};
pub use frame_buffer::FrameBuffer;
pub use items::{ItemFrames, ItemResult, RunItems};
pub use limits::Limits;
pub use message_error::{MessageError, StreamError};
pub use payload::Payload;
pub use plain::Plain;
pub use returned::Returned;
pub use segments::{Segment, Segments};
pub use small_run::SmallRun;
pub use start::{PROTOCOL_VERSION, PanicReport, Refusal, Setup, Start};
pub use ticket::Ticket;
