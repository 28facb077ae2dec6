//! The encoded items that were pulled and are in no chunk yet.

use std::panic::{self, AssertUnwindSafe};

use bytes::Bytes;
use procpool_wire::items::push_item;
use procpool_wire::{ScalarType, value};
use serde::Serialize;

use crate::error::EncodeError;
use crate::task::call::discard;
use crate::task::catch::forget;

/// A chunk ends with the item that brings it to this size: 512 KiB.
pub(super) const CHUNK_BYTES: usize = 512 * 1024;

/// Encoded items, one after another. Items that are numbers by [`ScalarType::of`] are stored as a column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) items: Vec<u8>,
    pub(super) count: u32,
}

/// The step that is running, to tell whose panic it is.
enum Step {
    Pulling,
    Encoding,
    Dropping,
}

impl Batch {
    /// Adds the items that `pull` returns until it returns none. `pull` gets the number of items so far
    /// and their bytes.
    ///
    /// # Errors
    /// The last item could not be encoded and was not added.
    ///
    /// # Panics
    /// If `pull` panics.
    pub(super) fn fill<T: Serialize + 'static>(
        &mut self,
        mut pull: impl FnMut(u32, usize) -> Option<T>,
    ) -> Result<(), EncodeError> {
        if let Some(kind) = ScalarType::of::<T>() {
            // Of these steps only `pull` can panic, and it leaves the items before it whole.
            while let Some(number) = pull(self.count, self.items.len()) {
                kind.write(ScalarType::bits(&number), &mut self.items);
                self.count += 1;
            }
            return Ok(());
        }
        let mut step = Step::Pulling;
        let mut item = None;
        let mut whole = self.items.len();
        // One `catch_unwind` serves all items. The item is declared outside, so that it is not dropped
        // while its `Serialize` unwinds.
        let fill = || -> Result<(), Option<value::EncodeError>> {
            loop {
                step = Step::Pulling;
                whole = self.items.len();
                let Some(pulled) = pull(self.count, whole) else {
                    return Ok(());
                };
                step = Step::Encoding;
                let item = &mut item;
                let pulled = &*Option::insert(item, pulled);
                push_item(&mut self.items, |out| value::encode(pulled, out))?;
                step = Step::Dropping;
                drop(item.take());
                self.count += 1;
            }
        };
        let filled = panic::catch_unwind(AssertUnwindSafe(fill));
        let why = match (filled, step) {
            (Ok(Ok(())), _) => return Ok(()),
            (Ok(Err(Some(error))), _) => EncodeError::args(error),
            (Ok(Err(None)), _) => EncodeError::args("an item takes more than a message may hold"),
            (Err(panic), Step::Pulling) => panic::resume_unwind(panic),
            (Err(panic), Step::Encoding) => {
                forget(panic);
                EncodeError::args("the `Serialize` of an item panicked")
            }
            (Err(panic), Step::Dropping) => {
                forget(panic);
                EncodeError::args("the `Drop` of an item panicked")
            }
        };
        self.items.truncate(whole);
        discard(item).and(Err(why))
    }
}

impl Batch {
    /// Takes all items and their number, and reserves as much memory for the next ones.
    pub(super) fn take(&mut self) -> (Bytes, u32) {
        let next = Vec::with_capacity(self.items.len().min(CHUNK_BYTES));
        let items = std::mem::replace(&mut self.items, next);
        (items.into(), std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use procpool_wire::items::take_item;
    use serde::{Serialize, Serializer};

    use super::*;

    /// The faults of a test item.
    #[derive(Clone, Copy, PartialEq)]
    enum Wrong {
        Nothing,
        Encoding,
        Dropping,
        Both,
    }

    struct Item(u8, Wrong);

    impl Serialize for Item {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            assert!(!matches!(self.1, Wrong::Encoding | Wrong::Both), "encoding");
            serializer.serialize_u8(self.0)
        }
    }

    impl Drop for Item {
        fn drop(&mut self) {
            assert!(!matches!(self.1, Wrong::Dropping | Wrong::Both), "dropping");
        }
    }

    fn items(batch: &Batch) -> Vec<u8> {
        let mut rest = &batch.items[..];
        std::iter::from_fn(|| take_item(&mut rest).map(|item| item[0])).collect()
    }

    /// A second panic during an unwinding would abort the process.
    #[test]
    fn an_item_whose_serialize_panics_is_left_out_and_earlier_items_stay() {
        for wrong in [Wrong::Encoding, Wrong::Dropping, Wrong::Both] {
            let mut batch = Batch::default();
            let mut source = [(1, Wrong::Nothing), (2, wrong), (3, Wrong::Nothing)]
                .map(|(number, wrong)| Item(number, wrong))
                .into_iter();
            let error = batch.fill(|_, _| source.next()).unwrap_err();
            let step = match wrong {
                Wrong::Encoding => "`Serialize`",
                _ => "`Drop`",
            };
            assert!(error.to_string().contains(step), "{error}");
            assert_eq!((batch.count, items(&batch)), (1, vec![1]));
            batch.fill(|_, _| source.next()).unwrap();
            assert_eq!((batch.count, items(&batch)), (2, vec![1, 3]));
        }
    }

    #[test]
    fn numbers_are_stored_as_a_column() {
        let mut batch = Batch::default();
        let mut source = [-2_i16, 300].into_iter();
        batch.fill(|_, _| source.next()).unwrap();
        let (items, count) = batch.take();
        assert_eq!((&items[..], count), (&[0xfe, 0xff, 44, 1][..], 2));
        batch.fill(|count, _| (count < 3).then_some(())).unwrap();
        assert_eq!(batch.take(), (Bytes::new(), 3));
    }

    #[test]
    fn a_panic_of_the_source_propagates_and_earlier_items_stay() {
        let mut batch = Batch::default();
        let pull = |count, _| {
            assert!(count < 2, "the source's own");
            Some(count)
        };
        let panic = catch_unwind(AssertUnwindSafe(|| batch.fill(pull))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the source's own"));
        assert_eq!(
            batch.take(),
            (Bytes::from_static(&[0, 0, 0, 0, 1, 0, 0, 0]), 2)
        );

        let pull = |count, _| {
            assert!(count < 2, "the source's own");
            Some(Item(count as u8, Wrong::Nothing))
        };
        let panic = catch_unwind(AssertUnwindSafe(|| batch.fill(pull))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the source's own"));
        assert_eq!((batch.count, items(&batch)), (2, vec![0, 1]));
    }
}
