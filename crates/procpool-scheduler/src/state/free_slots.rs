//! The slots of a worker's control page.

use crate::config::Config;

/// The slots that no task in flight uses.
///
/// The lowest one is taken first, so that a worker with little to do touches little of its page.
#[derive(Debug)]
pub(crate) struct FreeSlots {
    /// A bit for each slot.
    words: [u64; WORDS],
    /// A bit for each word that is not 0.
    present: u64,
}

const BITS: usize = u64::BITS as usize;
const WORDS: usize = Config::MAX_WINDOW / BITS;
const _: () = assert!(WORDS <= BITS && WORDS * BITS == Config::MAX_WINDOW);

impl FreeSlots {
    /// So many slots, all of them free.
    pub(crate) fn new(window: usize) -> Self {
        let mut slots = FreeSlots {
            words: [0; WORDS],
            present: 0,
        };
        (0..window).for_each(|slot| slots.give(slot as u16));
        slots
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// The lowest free slot. `None` if all are used.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<u16> {
        let at = self.present.trailing_zeros() as usize;
        let word = self.words.get_mut(at)?;
        let bit = word.trailing_zeros() as usize;
        *word &= *word - 1;
        if *word == 0 {
            self.present &= self.present - 1;
        }
        // It is less than `MAX_WINDOW`.
        Some((at * BITS + bit) as u16)
    }

    #[inline]
    pub(crate) fn give(&mut self, slot: u16) {
        let slot = usize::from(slot);
        if let Some(word) = self.words.get_mut(slot / BITS) {
            *word |= 1 << (slot % BITS);
            self.present |= 1 << (slot / BITS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_is_taken_once_until_it_is_given_back() {
        for window in [1, 2, 63, 64, 65, 127, 128, Config::MAX_WINDOW] {
            let mut slots = FreeSlots::new(window);
            let taken: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
            assert!(slots.is_empty());
            assert!(taken.iter().map(|&slot| usize::from(slot)).eq(0..window));
            slots.give(taken[window / 2]);
            slots.give(taken[0]);
            assert_eq!(slots.take(), Some(0));
        }
    }
}
