//! What can be left at the lock for who has it.

use std::sync::Arc;

use parking_lot::Mutex;
use procpool_scheduler::WorkerId;

use crate::driver::submit::submission::Submission;
use crate::driver::transport::incoming::Said;

/// What needs no answer.
#[derive(Debug)]
pub(crate) enum Message {
    /// A task.
    Submitted(Submission),
    /// A worker has said what is in here, in order.
    Said(WorkerId, Arc<Mailbox>),
    /// The alarm has rung.
    Rang,
}

/// What a worker has said that nobody has handled.
///
/// Its memory is used again: else one thread would allocate it and another give it back, and both fight for the
/// allocator's lock.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<Vec<Said>>);

/// For how many there is room after a worker has said very much at once.
const KEPT: usize = 1024;

impl Mailbox {
    /// Adds what `fill` adds.
    pub(crate) fn add<T>(&self, fill: impl FnOnce(&mut Vec<Said>) -> T) -> T {
        fill(&mut self.0.lock())
    }

    /// Moves what is there into `into`, which is empty and whose memory stays here.
    pub(crate) fn take(&self, into: &mut Vec<Said>) {
        into.shrink_to(KEPT);
        std::mem::swap(&mut *self.0.lock(), into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(mailbox: &Mailbox, what: &str) {
        mailbox.add(|all| all.push(Said::Nonsense(what.to_owned())));
    }

    fn taken(mailbox: &Mailbox, into: &mut Vec<Said>) -> Vec<String> {
        mailbox.take(into);
        let all = into.drain(..).map(|said| match said {
            Said::Nonsense(what) => what,
            Said::Event(event) => panic!("{event:?}"),
        });
        all.collect()
    }

    #[test]
    fn what_was_said_comes_once_and_in_order() {
        let (mailbox, mut memory) = (Mailbox::default(), Vec::new());
        assert!(taken(&mailbox, &mut memory).is_empty());
        said(&mailbox, "one");
        said(&mailbox, "two");
        assert_eq!(taken(&mailbox, &mut memory), ["one", "two"]);
        assert!(taken(&mailbox, &mut memory).is_empty());
        said(&mailbox, "three");
        assert_eq!(taken(&mailbox, &mut memory), ["three"]);
    }

    #[test]
    fn the_memory_is_used_again_unless_it_is_much() {
        let (mailbox, mut memory) = (Mailbox::default(), Vec::new());
        for many in [10, 2 * KEPT] {
            (0..many).for_each(|_| said(&mailbox, "something"));
            taken(&mailbox, &mut memory);
            assert!(memory.capacity() >= many);
            taken(&mailbox, &mut memory);
            let kept = mailbox.add(|all| all.capacity());
            assert!(
                (many.min(KEPT)..2 * KEPT).contains(&kept),
                "{kept} of {many}"
            );
        }
    }
}
