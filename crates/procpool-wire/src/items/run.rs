//! Many items of one function in one message.

use bytes::BufMut;

use super::list::MAX_LEN_LEN;
use crate::fields::Fields;
use crate::frame::{self, FrameError, HEADER_LEN};
use crate::{Limits, MessageError, Payload, Plain, Ticket};

pub(crate) const RUN_ITEMS: u8 = 6;

/// Each item has a time limit of its own.
const CLOCKED: u8 = 1;

/// Some items of one function, sent to one worker, which runs them one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunItems {
    /// Where on the control page the worker claims them, and by what number.
    pub ticket: Ticket,
    /// Offset of the function that decodes, calls and encodes, an item after another.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// What each item may use.
    pub limits: Limits,
    /// Whether the worker is to note when each item begins, and not only the first.
    pub clocked: bool,
    /// How many there are.
    pub count: u32,
    /// Of what type they are, if they are bare numbers.
    pub column: Option<Plain>,
    /// These numbers; or else their encoded arguments, each behind its [length](super::push_item).
    pub items: Payload,
}

impl RunItems {
    /// Bytes of the frame before the items.
    pub const HEAD_LEN: usize = HEADER_LEN + Self::FIXED_LEN;

    /// Most bytes that the items may take, with their lengths.
    pub const MAX_ITEMS_LEN: usize = frame::MAX_BODY_LEN - Self::FIXED_LEN;

    /// Most bytes that the arguments of one item may take.
    pub const MAX_ARGS_LEN: usize = Self::MAX_ITEMS_LEN - MAX_LEN_LEN;

    const FIXED_LEN: usize = Ticket::LEN + 16 + Limits::LEN + 8;

    /// The frame up to the items, which follow it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the items are beyond [`RunItems::MAX_ITEMS_LEN`].
    pub fn head(&self) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        let mut head = [0; Self::HEAD_LEN];
        let mut out = &mut head[..];
        out.put_slice(&frame::leading_header(
            RUN_ITEMS,
            Self::FIXED_LEN,
            &self.items,
        )?);
        self.ticket.encode(&mut out);
        out.put_u64_le(self.entry);
        out.put_u64_le(self.function);
        self.limits.encode(&mut out);
        out.put_u32_le(self.count);
        out.put_u8(if self.clocked { CLOCKED } else { 0 });
        out.put_u8(self.column.map_or(0, Plain::number));
        Ok(head)
    }

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let ticket = Ticket::decode(&mut fields)?;
        let (entry, function) = (fields.u64()?, fields.u64()?);
        let limits = Limits::decode(&mut fields)?;
        let count = fields.u32()?;
        let clocked = match fields.u8()? {
            0 => false,
            CLOCKED => true,
            found => {
                return Err(MessageError::UnknownValue {
                    field: "flags",
                    found: found.into(),
                });
            }
        };
        let column = match fields.u8()? {
            0 => None,
            number => Some(Plain::numbered(number).ok_or(MessageError::UnknownValue {
                field: "column",
                found: number.into(),
            })?),
        };
        fields.zeroes::<2>()?;
        Ok(RunItems {
            ticket,
            entry,
            function,
            limits,
            clocked,
            count,
            column,
            items: fields.payload(),
        })
    }
}
