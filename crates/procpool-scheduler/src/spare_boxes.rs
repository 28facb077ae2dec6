//! Memory for what is known of tasks in flight.

use crate::config::Config;
use crate::task::Sent;

/// Boxes that are used again. Else each task would have memory of its own, which one thread allocates and another may
/// have to give back.
#[derive(Default, Debug)]
#[allow(
    clippy::vec_box,
    reason = "the boxes themselves are what is used again"
)]
pub(crate) struct SpareBoxes(Vec<Box<Sent>>);

impl SpareBoxes {
    /// So many are kept at most, as may be in flight on two workers.
    const MOST: usize = 2 * Config::MAX_WINDOW;

    #[inline]
    pub(crate) fn fill(&mut self, sent: Sent) -> Box<Sent> {
        match self.0.pop() {
            Some(mut spare) => {
                *spare = sent;
                spare
            }
            None => Box::new(sent),
        }
    }

    #[inline]
    pub(crate) fn keep(&mut self, spare: Box<Sent>) {
        if self.0.len() < Self::MOST {
            self.0.push(spare);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_box_is_used_again_as_new_and_no_more_are_kept_than_some() {
        let mut spare = SpareBoxes::default();
        let sent = |dispatch_id| Sent {
            worker: 1,
            slot: 2,
            dispatch_id,
            at: Instant::now(),
            expected: None,
            charged: false,
            several: false,
            claimed: false,
            revoking: None,
            condemned: None,
        };
        let mut first = spare.fill(sent(1));
        first.claimed = true;
        let place: *const Sent = &*first;
        spare.keep(first);
        let second = spare.fill(sent(2));
        assert!(std::ptr::eq(place, &*second));
        assert_eq!((second.dispatch_id, second.claimed), (2, false));

        let many: Vec<_> = (0..SpareBoxes::MOST as u64 + 9)
            .map(|dispatch_id| spare.fill(sent(dispatch_id)))
            .collect();
        many.into_iter().for_each(|sent| spare.keep(sent));
        assert_eq!(spare.0.len(), SpareBoxes::MOST);
    }
}
