//! What only few tasks have.

use std::time::Instant;

use crate::spec::TaskSpec;
use crate::state::deadlines::{Deadlines, Timer};

/// What is known of a task that was asked for more than to be run, or has met with more. Very many tasks may wait, and
/// most of them have none of it.
#[derive(Default, Debug)]
pub(crate) struct Extras {
    pub(crate) terms: Option<Terms>,
    /// Until it runs: its queue limit. After a death: the end of the pause before it runs again.
    /// Once resolved: the end of its grace.
    pub(crate) timer: Option<Timer>,
    /// When it is cancelled.
    pub(crate) deadline: Option<Timer>,
    /// It waits for the end of that pause, and not in the queue.
    pub(crate) pausing: bool,
    /// How many workers died while they ran it.
    pub(crate) deaths: u32,
    /// How often its time limit passed, and more, before a worker had claimed it.
    pub(crate) unclaimed: u32,
    /// The driver was asked to take items of it back, and has not answered.
    pub(crate) asked: Option<Part>,
    /// None of its items can be given to another worker.
    pub(crate) whole: bool,
    /// No further item of it begins where it is.
    pub(crate) fixed: bool,
}

/// The specification, if there is more to it than the function and the number of items.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) spec: TaskSpec,
    pub(crate) accepted: Instant,
}

impl Extras {
    /// Nothing is due for the task any more.
    pub(crate) fn disarm(&mut self, deadlines: &mut Deadlines) {
        deadlines.disarm(&mut self.timer);
        deadlines.disarm(&mut self.deadline);
    }
}

/// How much of what has not begun of a task is wanted back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    /// Another worker has nothing to do.
    Half,
    /// What runs may have passed its time limit, and must be known.
    All,
}
