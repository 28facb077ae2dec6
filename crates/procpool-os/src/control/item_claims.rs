//! The claim protocol of the items of one run, over any atomic word.
//!
//! The worker claims a run of several items once, as any run, and then each of its items. One word holds
//! how many items have started, which only the worker changes, and how many may start, which only the
//! parent changes. Each changes it by compare-and-swap of the whole word. So a change is based on the other side's
//! last change, or fails and is tried again.
//!
//! - *An item that was taken back never starts.* An item starts only by a swap from a word that allowed it. The
//!   parent's swap changes that word, and returns how many had started. Later claims see the lower
//!   bound.
//! - *Between two runs* no claim is under way: the parent opens the word before it offers the run, and the
//!   worker claims items only between its claim of the run and its last answer. The slot
//!   is not offered again before that answer.
//!
//! Both numbers count modulo 2^32, so a run without end may have any number of items.

use std::sync::atomic::Ordering;

use crate::word::Word;

/// The counts of started and allowed items of the run in a slot, in one word.
#[derive(Debug)]
pub(crate) struct Claims<W>(W);

/// How far a run of several items has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ItemCounts {
    /// How many items have started.
    pub begun: u32,
    /// How many items may start, including those that have.
    pub allowed: u32,
}

impl ItemCounts {
    fn of(word: u64) -> Self {
        ItemCounts {
            begun: word as u32,
            allowed: (word >> 32) as u32,
        }
    }

    fn word(self) -> u64 {
        u64::from(self.allowed) << 32 | u64::from(self.begun)
    }

    /// How many items may start and have not.
    #[must_use]
    pub fn left(self) -> u32 {
        self.allowed.wrapping_sub(self.begun)
    }
}

impl<W: Word> Claims<W> {
    #[cfg(test)]
    pub(crate) fn new(word: W) -> Self {
        Claims(word)
    }

    /// The parent, before it offers the run: this many items may start, and none has.
    pub(crate) fn open(&self, allowed: u32) {
        let counts = ItemCounts { begun: 0, allowed };
        self.0.store(counts.word(), Ordering::Release);
    }

    /// The worker: claims the next item, if one may start.
    #[inline]
    pub(crate) fn claim(&self) -> bool {
        let claimed = self.change(|counts| {
            (counts.left() > 0).then_some(ItemCounts {
                begun: counts.begun.wrapping_add(1),
                ..counts
            })
        });
        claimed.is_some()
    }

    /// The parent: takes back the items that have not started, except for as many as `keep` returns. Returns the
    /// counts after that.
    pub(crate) fn take_back(&self, keep: impl Fn(u32) -> u32) -> ItemCounts {
        let taken = self.change(|counts| {
            let kept = keep(counts.left()).min(counts.left());
            Some(ItemCounts {
                allowed: counts.begun.wrapping_add(kept),
                ..counts
            })
        });
        taken.unwrap_or_else(|| self.counts())
    }

    /// The parent: allows this many more items to start.
    pub(crate) fn allow(&self, more: u32) -> ItemCounts {
        let allowed = self.change(|counts| {
            Some(ItemCounts {
                allowed: counts.allowed.wrapping_add(more),
                ..counts
            })
        });
        allowed.unwrap_or_else(|| self.counts())
    }

    pub(crate) fn counts(&self) -> ItemCounts {
        ItemCounts::of(self.0.load(Ordering::Acquire))
    }

    #[inline]
    fn change(&self, change: impl Fn(ItemCounts) -> Option<ItemCounts>) -> Option<ItemCounts> {
        loop {
            let before = self.counts();
            let after = change(before)?;
            if self
                .0
                .swap_if(before.word(), after.word(), Ordering::AcqRel)
            {
                return Some(after);
            }
            // The other side has changed the word. It does so a few times at most before it does other
            // work, and a worker that does nothing else harms its own run.
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU64;
    use loom::thread;

    use super::*;

    fn claims(allowed: u32) -> Arc<Claims<AtomicU64>> {
        let claims = Claims(AtomicU64::new(0));
        claims.open(allowed);
        Arc::new(claims)
    }

    #[test]
    fn an_item_that_was_taken_back_never_starts() {
        loom::model(|| {
            let claims = claims(3);
            let worker = thread::spawn({
                let claims = Arc::clone(&claims);
                move || (0..3).filter(|_| claims.claim()).count()
            });
            let taken = claims.take_back(|_| 0);
            assert_eq!(taken.left(), 0);
            let begun = worker.join().unwrap();
            assert_eq!(
                begun, taken.begun as usize,
                "more items started than were reported"
            );
            assert!(!claims.claim());
        });
    }

    #[test]
    fn half_of_the_items_are_taken_back_and_the_others_run() {
        loom::model(|| {
            let claims = claims(4);
            let worker = thread::spawn({
                let claims = Arc::clone(&claims);
                move || (0..4).filter(|_| claims.claim()).count()
            });
            let taken = claims.take_back(|left| left / 2);
            let begun = worker.join().unwrap();
            assert!(begun <= taken.allowed as usize);
            while claims.claim() {}
            assert_eq!(claims.counts().begun, taken.allowed);
        });
    }

    #[test]
    fn items_that_are_allowed_later_start_later() {
        loom::model(|| {
            let claims = claims(1);
            let worker = thread::spawn({
                let claims = Arc::clone(&claims);
                move || (0..2).filter(|_| claims.claim()).count()
            });
            claims.allow(1);
            let begun = worker.join().unwrap();
            while claims.claim() {}
            assert!(begun >= 1 && claims.counts().begun == 2);
        });
    }

    #[test]
    fn the_counts_wrap_around_and_no_bits_cause_a_panic() {
        for bits in [0, 1, u64::MAX, u64::MAX << 32, u64::from(u32::MAX)] {
            let claims = Claims(std::sync::atomic::AtomicU64::new(bits));
            let _ = claims.claim();
            let _ = claims.allow(5);
            let taken = claims.take_back(|left| left.wrapping_mul(3));
            assert_eq!(claims.counts(), taken);
        }
        let claims = Claims(std::sync::atomic::AtomicU64::new(u64::MAX));
        claims.allow(1);
        assert!(claims.claim() && !claims.claim());
        assert_eq!(
            claims.counts(),
            ItemCounts {
                begun: 0,
                allowed: 0
            }
        );
    }
}
