//! The iterator behind a stream, without its type.

use std::fmt;

use procpool_wire::Outcome;
use serde::Serialize;

use super::item_result::{ItemResult, encode};

/// Makes the items of a stream, and encodes each.
pub(super) struct ItemMaker(Box<MakeNext>);

type MakeNext = dyn FnMut(&mut Vec<u8>) -> Result<Option<ItemResult>, Outcome>;

impl ItemMaker {
    pub(super) fn new<I>(items: I) -> Self
    where
        I: IntoIterator + 'static,
        I::Item: Serialize,
    {
        let mut items = items.into_iter();
        ItemMaker(Box::new(move |buffer| match items.next() {
            Some(item) => encode(&item, buffer).map(Some),
            None => Ok(None),
        }))
    }

    /// Makes the next item, and encodes it to the buffer; `None` if there are no more.
    pub(super) fn make_next(
        &mut self,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<ItemResult>, Outcome> {
        (self.0)(buffer)
    }
}

impl fmt::Debug for ItemMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemMaker").finish_non_exhaustive()
    }
}
