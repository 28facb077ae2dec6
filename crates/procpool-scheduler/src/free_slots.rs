//! The slots of a worker's control page.

use crate::config::Config;

/// Which slots no task in flight uses.
///
/// The lowest is taken first, so that a worker with little to do touches little of its page.
#[derive(Debug)]
pub(crate) struct FreeSlots {
    /// A bit for each.
    words: [u64; WORDS],
}

const WORDS: usize = Config::MAX_WINDOW / u64::BITS as usize;

impl FreeSlots {
    /// So many, all of them free.
    pub(crate) fn new(window: usize) -> Self {
        let mut slots = FreeSlots { words: [0; WORDS] };
        (0..window).for_each(|slot| slots.give(slot as u16));
        slots
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.words == [0; WORDS]
    }

    /// `None` if all are used.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<u16> {
        let (at, word) = (0_u16..)
            .zip(&mut self.words)
            .find(|(_, word)| **word != 0)?;
        let bit = word.trailing_zeros() as u16;
        *word &= *word - 1;
        Some(at * u64::BITS as u16 + bit)
    }

    #[inline]
    pub(crate) fn give(&mut self, slot: u16) {
        let slot = usize::from(slot);
        if let Some(word) = self.words.get_mut(slot / u64::BITS as usize) {
            *word |= 1 << (slot % u64::BITS as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_is_had_once_until_it_is_given_back() {
        for window in [1, 2, 63, 64, 65, 127, 128] {
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
