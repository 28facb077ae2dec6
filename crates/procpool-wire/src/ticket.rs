//! The name of one dispatch.

use bytes::BufMut;

use crate::MessageError;
use crate::fields::{Body, Fields};

/// Names one dispatch of one task to one worker: the worker claims it on the control page before it
/// starts, and names it in its answer.
///
/// A task that is sent twice (its first worker died before it began) has two tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Which slot of the control page.
    pub slot: u16,
    /// A number that is never given twice to one worker.
    pub number: u64,
}

impl Ticket {
    /// Bytes of a ticket in a message.
    pub const LEN: usize = 16;

    #[inline]
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        out.put_u64_le(self.number);
        out.put_u16_le(self.slot);
        out.put_bytes(0, 6);
    }

    #[inline]
    pub(crate) fn decode<B: Body>(fields: &mut Fields<B>) -> Result<Self, MessageError> {
        let number = fields.u64()?;
        let slot = fields.u16()?;
        fields.zeroes::<6>()?;
        Ok(Ticket { slot, number })
    }
}
