//! The messages of a worker to its parent.

use std::cmp::Ordering;

use crate::fields::Fields;
use crate::frame::{self, Frame, FrameError};
use crate::head::{HEADER, Head};
use crate::items::ItemFrames;
use crate::kind::{
    BROADCAST_ENDED, FINISHED, ITEM, ITEM_FAILED, ITEMS_BEGAN, READY, REFUSED, SEGMENTS_UP,
};
use crate::segments::Segments;
use crate::value::encode_own;
use crate::{
    DispatchId, Finished, FrameBuffer, MessageError, Outcome, Refusal, ScalarType, StreamError,
};

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
    /// About shared memory: the attachments of the next result.
    Segments(Segments),
    /// The results of items up to the [`Finished`] of this dispatch belong to it.
    ItemsBegan(DispatchId),
    /// The next items have returned: their encoded results.
    Items(ItemFrames),
    /// The next item has failed; those after it run.
    ItemFailed(Outcome),
}

impl Event {
    /// Reads the message in a frame.
    ///
    /// # Errors
    /// [`MessageError`] if the body isn't what the kind announces.
    pub fn decode(frame: Frame) -> Result<Self, MessageError> {
        let kind = frame.kind;
        let mut fields = Fields::of(frame);
        match kind {
            READY => fields.end().map(|()| Event::Ready),
            REFUSED => Ok(Event::Refused(fields.payload().decode()?)),
            FINISHED => Finished::decode(fields).map(Event::Finished),
            BROADCAST_ENDED => Ok(Event::BroadcastEnded(fields.payload().decode()?)),
            ITEMS_BEGAN => {
                let dispatch_id = DispatchId::of_words(fields.words()?)?;
                fields.end().map(|()| Event::ItemsBegan(dispatch_id))
            }
            // A result that was too large to be taken with others.
            ITEM => {
                let result = fields.payload().into_whole();
                Ok(Event::Items(ItemFrames::of_one(result)))
            }
            ITEM_FAILED => {
                let [outcome] = fields.words()?;
                let outcome = u8::try_from(outcome).map_err(|_| MessageError::Reserved)?;
                Outcome::decode_failure(outcome, fields.payload()).map(Event::ItemFailed)
            }
            SEGMENTS_UP => Segments::decode(fields).map(Event::Segments),
            kind => match frame::scalar_type(kind) {
                Some(scalar) => decode_number(scalar, fields),
                None => Err(MessageError::UnknownKind(kind)),
            },
        }
    }

    /// Takes the next message, or `None` while it is not whole. Results of items that follow each other are
    /// one message.
    ///
    /// # Errors
    /// What is wrong with the bytes. The stream is of no further use then.
    #[inline]
    pub fn take(buffer: &mut FrameBuffer) -> Result<Option<Self>, StreamError> {
        let small = Finished::take_small(buffer, |finished| {
            finished.with_outcome(Outcome::Returned(finished.outcome.into()))
        });
        if let Some(finished) = small {
            return Ok(Some(Event::Finished(finished)));
        }
        if let Some(frames) = ItemFrames::take(buffer) {
            return Ok(Some(Event::Items(frames)));
        }
        match buffer.next_frame()? {
            Some(frame) => Ok(Some(Event::decode(frame)?)),
            None => Ok(None),
        }
    }

    /// Appends an [`Event::Ready`].
    pub fn encode_ready(out: &mut Vec<u8>) {
        Head::alone(READY, [HEADER]).put(out);
    }

    /// Appends an [`Event::Refused`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the reason is beyond what a frame may hold.
    pub fn encode_refused(refusal: &Refusal, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let refusal = &encode_own(refusal)[..];
        Head::new(REFUSED, [HEADER], refusal)?.put_with(refusal, out);
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
        let refusal = &encode_own(refusal)[..];
        Head::new(BROADCAST_ENDED, [HEADER], refusal)?.put_with(refusal, out);
        Ok(())
    }

    /// Appends an [`Event::ItemsBegan`].
    pub fn encode_items_began(dispatch_id: DispatchId, out: &mut Vec<u8>) {
        let [number, slot] = dispatch_id.words();
        Head::alone(ITEMS_BEGAN, [HEADER, number, slot]).put(out);
    }

    /// Appends an [`Event::ItemFailed`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the reason is beyond what a frame may hold.
    pub fn encode_item_failed(outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let (outcome, payload) = outcome.encode();
        Head::new(ITEM_FAILED, [HEADER, outcome.into()], &payload)?.put_with(&payload, out);
        Ok(())
    }
}

/// The result of an item that is a scalar.
fn decode_number(scalar: ScalarType, fields: Fields) -> Result<Event, MessageError> {
    let number = fields.payload().into_whole();
    match number.len().cmp(&scalar.width()) {
        Ordering::Less => Err(MessageError::Truncated),
        Ordering::Equal => Ok(Event::Items(ItemFrames::of_scalar(scalar, &number))),
        Ordering::Greater => Err(MessageError::TrailingBytes),
    }
}
