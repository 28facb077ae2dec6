//! The control page's part in runs of several items.

use std::sync::atomic::AtomicU64;

use crate::claims::{Claims, ItemCounts};
use crate::control::ControlPage;

/// The claims of single items, within a run that has several.
impl ControlPage {
    /// The parent: offers `ticket` in `slot`, a run of so many items. To be called before its frame is
    /// sent; see [`offer`](ControlPage::offer).
    ///
    /// ```
    /// use procpool_os::ControlPage;
    ///
    /// let (parent, descriptor) = ControlPage::create()?;
    /// let worker = ControlPage::attach(descriptor)?;
    /// parent.offer_items(0, 7, 10);
    /// let items = worker.items_of(0).unwrap();
    /// assert!(worker.claim(0, 7) && items.claim());
    /// let counts = parent.take_back_items(0, |left| left / 3); // six of the other nine
    /// assert_eq!((counts.begun, counts.allowed), (1, 4));
    /// assert_eq!((0..9).filter(|_| items.claim()).count(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn offer_items(&self, slot: usize, ticket: u64, count: u32) {
        if let Some(place) = self.slot(slot) {
            place.items.open(count);
            place.offer(ticket);
        }
    }

    /// The worker: by what it claims the items of the run that it has claimed in this slot.
    #[must_use]
    pub fn items_of(&self, slot: usize) -> Option<ItemClaims<'_>> {
        self.slot(slot).map(|slot| ItemClaims(&slot.items))
    }

    /// The parent: of the items of the run in this slot that have not begun, allows only as many as
    /// `keep` says, which is given how many there are. The others have not begun and never will.
    ///
    /// The worker may say what it likes of what has begun.
    #[must_use]
    pub fn take_back_items(&self, slot: usize, keep: impl Fn(u32) -> u32) -> ItemCounts {
        self.slot(slot)
            .map_or(NO_ITEMS, |slot| slot.items.take_back(keep))
    }

    /// The parent: allows so many more items of the run in this slot. True if the worker had begun all that
    /// were allowed before, so that it may be waiting.
    pub fn allow_items(&self, slot: usize, more: u32) -> bool {
        self.slot(slot)
            .is_some_and(|slot| slot.items.allow(more).left() == more)
    }

    /// How far the run in this slot says that it has come with its items.
    #[must_use]
    pub fn items(&self, slot: usize) -> ItemCounts {
        self.slot(slot).map_or(NO_ITEMS, |slot| slot.items.counts())
    }
}

/// The worker's claims of single items, of the run that it has.
#[derive(Debug, Clone, Copy)]
pub struct ItemClaims<'a>(&'a Claims<AtomicU64>);

impl ItemClaims<'_> {
    /// Claims the next item, right before it begins. False if no more may begin.
    #[inline]
    #[must_use]
    pub fn claim(self) -> bool {
        self.0.claim()
    }
}

/// Of a slot that is not there.
const NO_ITEMS: ItemCounts = ItemCounts {
    begun: 0,
    allowed: 0,
};
