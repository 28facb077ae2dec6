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
mod bulk;
mod command;
mod dispatch_id;
mod encoded_value;
mod encoding;
mod event;
mod fields;
mod finished;
pub mod frame;
mod frame_buffer;
mod head;
pub mod items;
mod kind;
mod limits;
mod message_error;
mod outcome;
mod payload;
mod plain;
mod preparation;
mod run;
mod segments;
mod short;
mod start;
pub mod value;

pub use bulk::{Bulk, Reserve};
pub use command::Command;
pub use dispatch_id::DispatchId;
pub use encoded_value::EncodedValue;
pub use encoding::Encoding;
pub use event::Event;
pub use finished::Finished;
pub use frame::{Frame, FrameError};
pub use frame_buffer::FrameBuffer;
pub use head::Head;
pub use items::{ItemFrames, ItemResult, RunItems};
pub use limits::Limits;
pub use message_error::{MessageError, StreamError};
pub use outcome::Outcome;
pub use payload::Payload;
pub use plain::Plain;
pub use preparation::Preparation;
pub use run::Run;
pub use segments::{Segment, Segments};
pub use start::{PROTOCOL_VERSION, PanicReport, Refusal, Setup, Start};
