//! The progress of a run: three numbers that are read together.
//!
//! A sequence lock. The writer makes the sequence odd, stores, and makes it even again. A reader that
//! saw the same even sequence before and after has numbers of one write. There are no fences: each
//! number is stored with release and loaded with acquire. So a reader that got a number of a newer write
//! sees in its second load of the sequence that this write had started.

use std::sync::atomic::Ordering;

use crate::word::Word;

/// The progress of the run that reported it last.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Progress<W> {
    sequence: W,
    dispatch: W,
    done: W,
    total: W,
}

impl<W: Word> Progress<W> {
    /// How often a reader tries. Writing takes nanoseconds. A writer that has not finished after so many tries was
    /// killed, was stopped or is malicious.
    const TRIES: usize = 64;

    /// Never waits: of two calls at the same time, one has no effect.
    pub(crate) fn set(&self, dispatch: u64, done: u64, total: u64) {
        let before = self.sequence.load(Ordering::Relaxed);
        let writing = before.wrapping_add(1);
        let is_free =
            before.is_multiple_of(2) && self.sequence.swap_if(before, writing, Ordering::Acquire);
        if !is_free {
            return;
        }
        self.dispatch.store(dispatch, Ordering::Release);
        self.done.store(done, Ordering::Release);
        self.total.store(total, Ordering::Release);
        let after = writing.wrapping_add(1);
        self.sequence.store(after, Ordering::Release);
    }

    /// `(done, total)`, if the last report is of this dispatch.
    pub(crate) fn of(&self, dispatch: u64) -> Option<(u64, u64)> {
        if self.sequence.load(Ordering::Relaxed) == 0 {
            return None;
        }
        for _ in 0..Self::TRIES {
            if let Some((reported, done, total)) = self.read() {
                return (reported == dispatch).then_some((done, total));
            }
            std::hint::spin_loop();
        }
        None
    }

    /// The three numbers, if they are of one write.
    fn read(&self) -> Option<(u64, u64, u64)> {
        let before = self.sequence.load(Ordering::Acquire);
        let reported = self.dispatch.load(Ordering::Acquire);
        let done = self.done.load(Ordering::Acquire);
        let total = self.total.load(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some((reported, done, total))
    }
}

#[cfg(test)]
mod tests {
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU64;
    use loom::thread;

    use super::*;

    fn progress() -> Arc<Progress<AtomicU64>> {
        let zero = || AtomicU64::new(0);
        Arc::new(Progress {
            sequence: zero(),
            dispatch: zero(),
            done: zero(),
            total: zero(),
        })
    }

    #[test]
    fn the_three_numbers_are_of_one_write() {
        // Two preemptions are enough to make the wrong variants fail; without a bound the test takes long.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let progress = progress();
            let worker = thread::spawn({
                let progress = Arc::clone(&progress);
                move || {
                    progress.set(1, 10, 100);
                    progress.set(2, 20, 200);
                }
            });
            let seen = progress.read();
            let whole = [(0, 0, 0), (1, 10, 100), (2, 20, 200)];
            assert!(seen.is_none_or(|seen| whole.contains(&seen)), "{seen:?}");
            worker.join().unwrap();
            assert_eq!((progress.of(1), progress.of(2)), (None, Some((20, 200))));
        });
    }

    #[test]
    fn two_writers_do_not_mix() {
        loom::model(|| {
            let progress = progress();
            let other = thread::spawn({
                let progress = Arc::clone(&progress);
                move || progress.set(1, 10, 100)
            });
            progress.set(2, 20, 200);
            other.join().unwrap();
            let last = progress.read();
            assert!(
                matches!(last, Some((1, 10, 100) | (2, 20, 200))),
                "{last:?}"
            );
        });
    }

    #[test]
    fn a_writer_that_was_killed_while_writing_blocks_no_reader() {
        let zero = || std::sync::atomic::AtomicU64::new(0);
        let progress = Progress {
            sequence: std::sync::atomic::AtomicU64::new(7),
            dispatch: zero(),
            done: zero(),
            total: zero(),
        };
        assert_eq!(progress.of(0), None);
        progress.set(1, 10, 100);
        assert_eq!(progress.of(1), None);
    }

    #[test]
    fn the_sequence_wraps_around() {
        let zero = || std::sync::atomic::AtomicU64::new(0);
        let progress = Progress {
            sequence: std::sync::atomic::AtomicU64::new(u64::MAX - 1),
            dispatch: zero(),
            done: zero(),
            total: zero(),
        };
        progress.set(1, 10, 100);
        progress.set(1, 20, 100);
        assert_eq!(progress.of(1), Some((20, 100)));
    }
}
