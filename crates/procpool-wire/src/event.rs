//! What a worker says to its parent.

use std::cmp::Ordering;
use std::time::Duration;

use bytes::BufMut;

use crate::fields::{Body, Fields};
use crate::frame::{self, Frame, FrameError};
use crate::items::{ITEM, ItemFrames};
use crate::segments::{self, Segments};
use crate::value;
use crate::{FrameBuffer, MessageError, PanicReport, Payload, Refusal, StreamError, Ticket};

const READY: u8 = 129;
const REFUSED: u8 = 130;
pub(crate) const FINISHED: u8 = 131;
const BROADCAST_ENDED: u8 = 132;
const ITEMS_BEGAN: u8 = 133;
const ITEM_FAILED: u8 = 135;

/// A message from a worker to its parent.
#[derive(Debug, Clone)]
pub enum Event {
    /// The worker is set up and takes tasks.
    Ready,
    /// The worker can't serve this parent, and exits.
    Refused(Refusal),
    /// A task has ended, one way or another; the worker lives on.
    Finished(Finished),
    /// A broadcast that came after the worker was ready has run, or why it failed; the worker lives on.
    BroadcastEnded(Option<Refusal>),
    /// Of shared memory, for the next result.
    Segments(Segments),
    /// Until the [`Finished`] of this ticket, what comes of an item is of this dispatch.
    ItemsBegan(Ticket),
    /// The next items have returned: their encoded results.
    Items(ItemFrames),
    /// The next item has failed; those after it run.
    ItemFailed(Outcome),
}

/// The end of one task.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Which dispatch.
    pub ticket: Ticket,
    /// How long decoding, running and encoding took together.
    pub ran: Duration,
    /// The worker has grown beyond what it may, and is to be replaced.
    pub worn: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a task whose worker lives on.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The function returned: its encoded result.
    Returned(Payload),
    /// The function panicked.
    Panicked(PanicReport),
    /// The arguments can't be decoded; the function was not called.
    ArgsRefused(String),
    /// The function returned a value that can't be encoded.
    ResultRefused(String),
    /// The offsets name no function of this executable.
    NoSuchFunction(String),
}

const RETURNED: u8 = 0;
const PANICKED: u8 = 1;
const ARGS_REFUSED: u8 = 2;
const RESULT_REFUSED: u8 = 3;
const NO_SUCH_FUNCTION: u8 = 4;

impl Event {
    /// Reads the message in a frame.
    ///
    /// # Errors
    /// [`MessageError`] if the body isn't what the kind announces.
    pub fn decode(frame: Frame) -> Result<Self, MessageError> {
        let kind = frame.kind;
        if kind == segments::UP {
            return Segments::decode(frame).map(Event::Segments);
        }
        let fields = Fields::of(frame);
        match kind {
            READY => fields.end().map(|()| Event::Ready),
            REFUSED => Ok(Event::Refused(fields.payload().decode()?)),
            FINISHED => Finished::decode(fields).map(Event::Finished),
            BROADCAST_ENDED => Ok(Event::BroadcastEnded(fields.payload().decode()?)),
            ITEMS_BEGAN => {
                let mut fields = fields;
                let ticket = Ticket::decode(&mut fields)?;
                fields.end().map(|()| Event::ItemsBegan(ticket))
            }
            // It came in a frame of its own.
            ITEM => Ok(Event::Items(ItemFrames::of_one(
                fields.payload().into_whole(),
            ))),
            ITEM_FAILED => decode_failed(fields).map(Event::ItemFailed),
            kind => {
                let plain = frame::plain(kind).ok_or(MessageError::UnknownKind(kind))?;
                let number = fields.payload().into_whole();
                match number.len().cmp(&plain.width()) {
                    Ordering::Less => Err(MessageError::Truncated),
                    Ordering::Equal => Ok(Event::Items(ItemFrames::of_plain(plain, &number))),
                    Ordering::Greater => Err(MessageError::TrailingBytes),
                }
            }
        }
    }

    /// Takes the next message, or `None` while it is not whole. Results of items that follow each other are
    /// one message.
    ///
    /// # Errors
    /// What is wrong with the bytes. The stream is of no further use then.
    #[inline]
    pub fn take(buffer: &mut FrameBuffer) -> Result<Option<Self>, StreamError> {
        if let Some(finished) = buffer.take_short(FINISHED, Finished::decode_short) {
            return Ok(Some(Event::Finished(finished?)));
        }
        if let Some(frames) = buffer.take_items() {
            return Ok(Some(Event::Items(frames)));
        }
        match buffer.next_frame()? {
            Some(frame) => Ok(Some(Event::decode(frame)?)),
            None => Ok(None),
        }
    }

    /// Appends an [`Event::ItemsBegan`].
    pub fn encode_items_began(ticket: Ticket, out: &mut Vec<u8>) {
        const LEN: u8 = Ticket::LEN as u8;
        out.put_slice(&[ITEMS_BEGAN, 0, 0, 0, LEN, 0, 0, 0]);
        ticket.encode(out);
    }

    /// Appends an [`Event::ItemFailed`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the reason is beyond what a frame may hold.
    pub fn encode_item_failed(outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let (kind, payload) = outcome.encode();
        out.put_slice(&frame::leading_header(ITEM_FAILED, 8, &payload)?);
        out.put_u8(kind);
        out.put_bytes(0, 7);
        out.put_slice(&payload.prefix());
        out.put_slice(payload.bytes());
        Ok(())
    }

    /// Appends an [`Event::Ready`].
    pub fn encode_ready(out: &mut Vec<u8>) {
        out.put_slice(&[READY, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Appends an [`Event::Refused`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the reason is beyond what a frame may hold.
    pub fn encode_refused(refusal: &Refusal, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let body = encode_own(refusal);
        out.put_slice(&frame::header(REFUSED, body.len())?);
        out.put_slice(&body);
        Ok(())
    }

    /// Appends an [`Event::BroadcastEnded`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the reason is beyond what a frame may hold.
    pub fn encode_broadcast_ended(
        refusal: &Option<Refusal>,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        let body = encode_own(refusal);
        out.put_slice(&frame::header(BROADCAST_ENDED, body.len())?);
        out.put_slice(&body);
        Ok(())
    }
}

impl Finished {
    /// Bytes of this event's frame before the payload.
    pub const HEAD_LEN: usize = frame::HEADER_LEN + Self::FIELDS_LEN;

    /// Most bytes that the result of a task may take.
    pub const MAX_RESULT_LEN: usize = frame::MAX_BODY_LEN - Self::FIELDS_LEN;

    /// Bytes of what comes before the payload in the body.
    const FIELDS_LEN: usize = Ticket::LEN + 16;

    /// The frame up to the encoded result, which follows it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the result is beyond [`Finished::MAX_RESULT_LEN`].
    pub fn returned_head(
        ticket: Ticket,
        ran: Duration,
        worn: bool,
        result: &Payload,
    ) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        Self::head(ticket, ran, worn, RETURNED, result)
    }

    /// Appends the event as a whole.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the payload is beyond [`Finished::MAX_RESULT_LEN`].
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let (kind, payload) = self.outcome.encode();
        out.put_slice(&Self::head(
            self.ticket,
            self.ran,
            self.worn,
            kind,
            &payload,
        )?);
        out.put_slice(&payload.prefix());
        out.put_slice(payload.bytes());
        Ok(())
    }

    fn head(
        ticket: Ticket,
        ran: Duration,
        worn: bool,
        outcome: u8,
        payload: &Payload,
    ) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        let mut head = [0; Self::HEAD_LEN];
        let mut out = &mut head[..];
        let fixed = Self::HEAD_LEN - frame::HEADER_LEN;
        out.put_slice(&frame::leading_header(FINISHED, fixed, payload)?);
        ticket.encode(&mut out);
        out.put_u64_le(u64::try_from(ran.as_nanos()).unwrap_or(u64::MAX));
        out.put_u8(outcome);
        out.put_u8(worn.into());
        Ok(head)
    }

    #[inline]
    fn decode_short(body: &[u8]) -> Option<Result<Self, MessageError>> {
        Some(Self::decode(Fields::of_slice(body)))
    }

    #[inline]
    fn decode<B: Body>(mut fields: Fields<B>) -> Result<Self, MessageError> {
        let head = fields.take::<{ Self::FIELDS_LEN }>()?;
        let mut head = Fields::of_slice(&head);
        let ticket = Ticket::decode(&mut head)?;
        let ran = Duration::from_nanos(head.u64()?);
        let outcome = head.u8()?;
        let worn = match head.u8()? {
            0 => false,
            1 => true,
            found => {
                let found = found.into();
                return Err(MessageError::UnknownValue {
                    field: "worn",
                    found,
                });
            }
        };
        head.zeroes::<6>()?;
        let payload = fields.payload();
        let outcome = match outcome {
            RETURNED => Outcome::Returned(payload),
            failed => Outcome::decode(failed, payload)?,
        };
        Ok(Finished {
            ticket,
            ran,
            worn,
            outcome,
        })
    }
}

impl Outcome {
    fn encode(&self) -> (u8, Payload) {
        match self {
            Outcome::Returned(result) => (RETURNED, result.clone()),
            Outcome::Panicked(report) => (PANICKED, encode_own(report).into()),
            Outcome::ArgsRefused(why) => (ARGS_REFUSED, encode_own(why).into()),
            Outcome::ResultRefused(why) => (RESULT_REFUSED, encode_own(why).into()),
            Outcome::NoSuchFunction(why) => (NO_SUCH_FUNCTION, encode_own(why).into()),
        }
    }

    fn decode(kind: u8, payload: Payload) -> Result<Self, MessageError> {
        Ok(match kind {
            RETURNED => Outcome::Returned(payload),
            PANICKED => Outcome::Panicked(payload.decode()?),
            ARGS_REFUSED => Outcome::ArgsRefused(payload.decode()?),
            RESULT_REFUSED => Outcome::ResultRefused(payload.decode()?),
            NO_SUCH_FUNCTION => Outcome::NoSuchFunction(payload.decode()?),
            found => {
                return Err(MessageError::UnknownValue {
                    field: "outcome",
                    found: found.into(),
                });
            }
        })
    }
}

/// What came of an item that has no result.
fn decode_failed(mut fields: Fields) -> Result<Outcome, MessageError> {
    let kind = fields.u8()?;
    fields.zeroes::<7>()?;
    match Outcome::decode(kind, fields.payload())? {
        // A result has a frame of its own kind.
        Outcome::Returned(_) => Err(MessageError::UnknownValue {
            field: "outcome",
            found: RETURNED.into(),
        }),
        outcome => Ok(outcome),
    }
}

/// Encodes a type of this crate; these are plain structs of strings and numbers, which always can.
fn encode_own(part: &impl serde::Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let encoded = value::encode(part, &mut out);
    debug_assert!(encoded.is_ok(), "a protocol type can't be encoded");
    out
}
