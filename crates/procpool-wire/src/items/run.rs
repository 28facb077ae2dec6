//! Many items of one function in one message.

use crate::fields::Fields;
use crate::frame::{self, FrameError};
use crate::head::{HEADER, Head};
use crate::kind::RUN_ITEMS;
use crate::{DispatchId, EncodedValue, Limits, MessageError, Payload, ScalarType};

/// Some items of one function, sent to one worker, which runs them one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunItems<P = Payload> {
    /// Where on the control page the worker claims them, and by what number.
    pub dispatch_id: DispatchId,
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
    /// Their type, if they are scalars.
    pub column: Option<ScalarType>,
    /// The scalars, or else the [list](super::push_item) of the encoded arguments.
    pub items: P,
}

/// Most bytes that the length of an item takes: one that says so, and four.
const MAX_LEN_LEN: usize = 1 + size_of::<u32>();

/// Words of the message before the items.
const WORDS: usize = 8;

impl RunItems {
    /// Bytes of the message before the items.
    pub const HEAD_LEN: usize = WORDS * size_of::<u64>();

    /// Most bytes that the items may take, with their lengths.
    pub const MAX_ITEMS_LEN: usize = frame::HEADER_LEN + frame::MAX_BODY_LEN - Self::HEAD_LEN;

    /// Most bytes that the arguments of one item may take.
    pub const MAX_ARGS_LEN: usize = Self::MAX_ITEMS_LEN - MAX_LEN_LEN;

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let [number, slot, entry, function, cpu_time, memory, items] = fields.words()?;
        let dispatch_id = DispatchId::of_words([number, slot])?;
        let [count @ .., clocked, column, 0, 0] = items.to_le_bytes() else {
            return Err(MessageError::Reserved);
        };
        if clocked > 1 {
            return Err(MessageError::unknown_value("flags", clocked));
        }
        let column = match column {
            0 => None,
            number => {
                let column = ScalarType::numbered(number);
                Some(column.ok_or_else(|| MessageError::unknown_value("column", number))?)
            }
        };
        Ok(RunItems {
            dispatch_id,
            entry,
            function,
            limits: Limits::of_words([cpu_time, memory]),
            clocked: clocked == 1,
            count: u32::from_le_bytes(count),
            column,
            items: fields.payload(),
        })
    }
}

impl<P: EncodedValue> RunItems<P> {
    /// The message up to the items, which follow it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the items are beyond [`RunItems::MAX_ITEMS_LEN`].
    pub fn head(&self) -> Result<Head<WORDS>, FrameError> {
        let [number, slot] = self.dispatch_id.words();
        let [cpu_time, memory] = self.limits.words();
        let column = self.column.map_or(0, ScalarType::number);
        let words = [
            HEADER,
            number,
            slot,
            self.entry,
            self.function,
            cpu_time,
            memory,
            u64::from(self.count) | u64::from(self.clocked) << 32 | u64::from(column) << 40,
        ];
        Head::new(RUN_ITEMS, words, &self.items)
    }
}
