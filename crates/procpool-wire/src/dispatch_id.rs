//! The id of one dispatch.

use crate::MessageError;

/// The id of one dispatch of one task to one worker. The worker claims it on the control page before it starts the
/// task, and names it in its answer.
///
/// A task that is sent twice (its first worker died before it began) has two dispatch ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DispatchId {
    /// The slot of the control page.
    pub slot: u16,
    /// A number that is never given twice to one worker.
    pub number: u64,
}

impl DispatchId {
    /// The dispatch id in a message: the number, then the slot and six reserved bytes.
    #[inline]
    pub(crate) fn words(self) -> [u64; 2] {
        [self.number, self.slot.into()]
    }

    #[inline]
    pub(crate) fn of_words([number, slot]: [u64; 2]) -> Result<Self, MessageError> {
        // Reserved bytes that are not zero make a number beyond all slots.
        let slot = slot.try_into().map_err(|_| MessageError::Reserved)?;
        Ok(DispatchId { slot, number })
    }
}
