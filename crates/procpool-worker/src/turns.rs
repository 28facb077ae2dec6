//! What a worker's turns on its processor are like.

use std::time::Duration;

use procpool_os::turn::LongTurns;

/// What runs as long as this takes more than one turn, and nobody notices when it ends a little later: 2 ms.
const LONG: Duration = Duration::from_millis(2);

/// Has long turns while it runs what is expected to take long, which is what follows a task that has.
///
/// So the parent's threads, which want a processor often and for a short time, and a worker that has just been given
/// something, do not wait for the end of this one's turn. It has them for as long as a task runs alone:
/// who wakes up has the place in the row that its turns give it then, and a worker is woken for a task.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    expects_long: bool,
    long: Option<LongTurns>,
}

impl Turns {
    /// A task begins.
    #[inline]
    pub(crate) fn begin(&mut self) {
        if self.expects_long != self.long.is_some() {
            self.long = match self.expects_long {
                true => LongTurns::take(),
                false => None,
            };
        }
    }

    /// It has run for so long.
    #[inline]
    pub(crate) fn end(&mut self, ran: Duration) {
        self.expects_long = ran >= LONG;
    }

    /// The next task is waited for.
    #[inline]
    pub(crate) fn rest(&mut self) {
        self.long = None;
    }
}

#[cfg(test)]
mod tests {
    use procpool_os::turn;

    use super::*;

    #[test]
    fn what_follows_a_long_task_has_long_turns_until_the_worker_waits() {
        let usual = turn::length();
        let mut turns = Turns::default();
        turns.begin();
        assert_eq!(turn::length(), usual);
        turns.end(LONG);
        turns.begin();
        let long = turn::length();
        // Where the kernel has such.
        assert!(usual.is_none() || long > usual, "{long:?} {usual:?}");
        turns.end(LONG);
        turns.begin();
        assert_eq!(turn::length(), long);
        turns.rest();
        assert_eq!(turn::length(), usual);
    }

    #[test]
    fn what_follows_a_short_task_has_the_usual_turns() {
        let usual = turn::length();
        let mut turns = Turns::default();
        turns.end(LONG);
        turns.begin();
        turns.end(LONG / 2);
        turns.begin();
        assert_eq!(turn::length(), usual);
    }
}
