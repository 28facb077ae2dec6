//! Whether to leave the processor that the parent uses.
//!
//! A kernel that wakes one process for another likes to put both on one processor, above all if it takes the others for
//! occupied, as it does with those of a virtual machine that sleep. There they take turns, and to stay awake for the
//! other would only keep it from its turn. So before a worker listens for its next task, it moves out of the way.

use procpool_os::processor;

/// At most so many waits are let pass after a move that did not last.
const MOST_SKIPPED: u32 = 64;

/// What a worker has learned of its moves.
#[derive(Debug, Default)]
pub(crate) struct Mover {
    /// For how many waits it is to stay where it is.
    skip: u32,
    /// For how many it will be after the next move.
    penalty: u32,
}

impl Mover {
    /// Whether it is time to move, for who is about to listen where its parent `is_beside` it or is not.
    pub(crate) fn should_move(&mut self, is_beside: bool) -> bool {
        if !is_beside {
            *self = Mover::default();
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.penalty = (2 * self.penalty + 1).min(MOST_SKIPPED);
        self.skip = self.penalty;
        true
    }
}

/// Moves this thread to another processor than that one.
pub(crate) fn leave(caller: usize) {
    // Where that is not possible, it stays.
    let _ = processor::leave(caller);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(mover: &mut Mover) -> usize {
        (0..).take_while(|_| !mover.should_move(true)).count()
    }

    #[test]
    fn moves_that_do_not_last_become_rare() {
        let mut mover = Mover::default();
        for rarely in [0, 1, 3, 7, 15, 31, 63, 64, 64] {
            assert_eq!(skipped(&mut mover), rarely);
        }
        assert!(!mover.should_move(false), "it is elsewhere");
        assert_eq!(skipped(&mut mover), 0);
    }
}
