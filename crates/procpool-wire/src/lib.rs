//! The protocol between a procpool parent and its workers.
//!
//! This crate handles bytes only: it knows no process, no runtime and no descriptor. [`frame`] cuts the stream into
//! frames, [`Command`] is a message of the parent, [`Event`] is a message of a worker, and [`value`] is the
//! encoding of arguments and results. Decoding is total: any bytes give a value or an error, and decoding takes no more
//! memory than the bytes that have arrived.
//!
//! This crate is a part of `procpool`; its interface may change with any version.
#![forbid(unsafe_code)]

mod command;
mod dispatch_id;
mod encoded;
mod event;
mod fields;
pub mod frame;
mod head;
pub mod items;
mod kind;
mod message_error;
mod scalar_type;
mod segments;
pub mod value;

pub use command::{Command, Limits, PROTOCOL_VERSION, Preparation, Run, Setup, Start};
pub use dispatch_id::DispatchId;
pub use encoded::{EncodedValue, Encoding, Payload};
pub use event::{Event, Finished, Outcome, PanicReport, Refusal};
pub use frame::{Bulk, Frame, FrameBuffer, FrameError, Reserve};
pub use head::Head;
pub use items::{ItemFrames, ItemResult, RunItems};
pub use message_error::{MessageError, StreamError};
pub use scalar_type::ScalarType;
pub use segments::{Segment, Segments};
