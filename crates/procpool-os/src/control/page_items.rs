//! The control page's part in runs of several items.

use std::sync::atomic::AtomicU64;

use crate::control::item_claims::{Claims, ItemCounts};
use crate::control::page::ControlPage;

/// The claims of single items, within a run that has several.
impl ControlPage {
    /// The parent: offers a dispatch of this many items, before it sends the frame. See
    /// [`offer`](ControlPage::offer).
    ///
    /// ```
    /// use procpool_os::ControlPage;
    ///
    /// let (parent, descriptor) = ControlPage::create()?;
    /// let worker = ControlPage::attach(descriptor)?;
    /// parent.offer_items(0, 7, 10);
    /// let items = worker.items_of(0).unwrap();
    /// assert!(worker.claim(0, 7) && items.claim());
    /// let counts = parent.take_back_items(0, |left| left / 3); // takes back six of the other nine
    /// assert_eq!((counts.begun, counts.allowed), (1, 4));
    /// assert_eq!((0..9).filter(|_| items.claim()).count(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn offer_items(&self, slot: usize, dispatch: u64, count: u32) {
        if let Some(place) = self.slot(slot) {
            place.items.open(count);
            place.offer(dispatch);
        }
    }

    /// The worker: the item claims of the run that it has claimed in this slot.
    #[must_use]
    pub fn items_of(&self, slot: usize) -> Option<ItemClaims<'_>> {
        self.slot(slot).map(|slot| ItemClaims(&slot.items))
    }

    /// The parent: takes back items of the run in this slot. Of the items that have not started it
    /// allows only as many as `keep` returns, which gets their number. The others have not started and never will.
    ///
    /// How many have started is untrusted, as all of the worker's reports.
    #[must_use]
    pub fn take_back_items(&self, slot: usize, keep: impl Fn(u32) -> u32) -> ItemCounts {
        self.slot(slot)
            .map_or(NO_ITEMS, |slot| slot.items.take_back(keep))
    }

    /// The parent: allows this many more items of the run in this slot. True if the worker had started all that
    /// were allowed before, so that it may be waiting.
    pub fn allow_items(&self, slot: usize, more: u32) -> bool {
        self.slot(slot)
            .is_some_and(|slot| slot.items.allow(more).left() == more)
    }

    /// How far the run in this slot has come with its items, as the worker reports.
    #[must_use]
    pub fn items(&self, slot: usize) -> ItemCounts {
        self.slot(slot).map_or(NO_ITEMS, |slot| slot.items.counts())
    }
}

/// The worker's claims of the single items of its run.
#[derive(Debug, Clone, Copy)]
pub struct ItemClaims<'a>(&'a Claims<AtomicU64>);

impl ItemClaims<'_> {
    /// Claims the next item, right before it starts. False if no more may start.
    #[inline]
    #[must_use]
    pub fn claim(self) -> bool {
        self.0.claim()
    }
}

/// The counts of a slot that does not exist.
const NO_ITEMS: ItemCounts = ItemCounts {
    begun: 0,
    allowed: 0,
};
