//! The claim protocol of one slot, over any atomic word.
//!
//! The proof is in [`control`](crate::control).

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::control::item_claims::Claims;
use crate::control::run_state::RunState;
use crate::word::Word;

/// The state of one dispatch on the page, and since when its task runs.
///
/// It has a cache line of its own, so that a claim in one slot does not slow down an offer in the next one.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slot<W> {
    state: W,
    started: W,
    /// The claims of a run of several items.
    pub(crate) items: Claims<W>,
}

/// The two low bits of a slot's word; the dispatch id is above them. A slot that was never used reads as
/// one that has finished dispatch 0, which does not exist.
#[derive(Copy, Clone)]
#[repr(u64)]
enum State {
    Finished = 0,
    Offered = 1,
    Claimed = 2,
    Revoked = 3,
}

/// Dispatch ids are below this.
pub(crate) const DISPATCH_LIMIT: u64 = 1 << 62;

/// The slot's word for a dispatch; `None` for a number too large to be an id.
fn word(dispatch: u64, state: State) -> Option<u64> {
    (dispatch < DISPATCH_LIMIT).then_some(dispatch << 2 | state as u64)
}

impl<W: Word> Slot<W> {
    /// The parent: from now on the dispatch may be claimed or revoked.
    pub(crate) fn offer(&self, dispatch: u64) {
        if let Some(offered) = word(dispatch, State::Offered) {
            self.state.store(offered, Ordering::Release);
        }
    }

    /// The worker: claims a dispatch, unless it was revoked. `now` is when its run starts.
    pub(crate) fn claim(&self, dispatch: u64, now: u64) -> bool {
        let (Some(offered), Some(claimed)) = (
            word(dispatch, State::Offered),
            word(dispatch, State::Claimed),
        ) else {
            return false;
        };
        if self.state.load(Ordering::Acquire) != offered {
            return false;
        }
        self.started.store(now, Ordering::Release);
        self.state.swap_if(offered, claimed, Ordering::AcqRel)
    }

    /// The parent: revokes a dispatch, unless it was claimed.
    pub(crate) fn revoke(&self, dispatch: u64) -> bool {
        let (Some(offered), Some(revoked)) = (
            word(dispatch, State::Offered),
            word(dispatch, State::Revoked),
        ) else {
            return false;
        };
        self.state.swap_if(offered, revoked, Ordering::AcqRel)
    }

    /// The worker: the clock of a dispatch that it has claimed counts from `now`.
    pub(crate) fn restart(&self, dispatch: u64, now: u64) {
        if self.is_running(dispatch) {
            self.started.store(now, Ordering::Release);
        }
    }

    /// The worker: the run of a dispatch that it has claimed is over.
    ///
    /// A store is enough, since only the worker changes a claimed slot.
    pub(crate) fn finish(&self, dispatch: u64) {
        if self.is_running(dispatch)
            && let Some(finished) = word(dispatch, State::Finished)
        {
            self.state.store(finished, Ordering::Release);
        }
    }

    fn is_running(&self, dispatch: u64) -> bool {
        let claimed = word(dispatch, State::Claimed);
        claimed.is_some_and(|claimed| self.state.load(Ordering::Acquire) == claimed)
    }

    /// How far the worker has come with a dispatch.
    pub(crate) fn run_state(&self, dispatch: u64) -> RunState {
        if self.is_running(dispatch) {
            // If this is already the start of a later run, the worker had seen a later offer before. Because of the
            // acquire the second load of the state sees that offer too.
            let started = self.started.load(Ordering::Acquire);
            if self.is_running(dispatch) {
                let since = Duration::from_nanos(started);
                return RunState::Running { since };
            }
        }
        let finished = word(dispatch, State::Finished);
        match finished.is_some_and(|finished| self.state.load(Ordering::Acquire) == finished) {
            true => RunState::Finished,
            false => RunState::Unclaimed,
        }
    }
}

#[cfg(test)]
mod tests {
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU64;
    use loom::thread;

    use super::*;

    fn slot() -> Arc<Slot<AtomicU64>> {
        Arc::new(Slot {
            state: AtomicU64::new(0),
            started: AtomicU64::new(0),
            items: Claims::new(AtomicU64::new(0)),
        })
    }

    #[test]
    fn exactly_one_of_claim_and_revoke_wins() {
        loom::model(|| {
            let slot = slot();
            slot.offer(5);
            let worker = thread::spawn({
                let slot = Arc::clone(&slot);
                move || slot.claim(5, 1)
            });
            let revoked = slot.revoke(5);
            let claimed = worker.join().unwrap();
            assert!(claimed ^ revoked, "claimed {claimed}, revoked {revoked}");
            assert_eq!(slot.run_state(5) != RunState::Unclaimed, claimed);
            assert!(
                !slot.claim(5, 2) && !slot.revoke(5),
                "neither succeeds a second time"
            );
        });
    }

    /// The frame of a revoked task may reach the worker after the slot was reused.
    #[test]
    fn a_late_claim_does_not_claim_a_later_offer() {
        loom::model(|| {
            let slot = slot();
            slot.offer(5);
            let worker = thread::spawn({
                let slot = Arc::clone(&slot);
                move || slot.claim(5, 1)
            });
            let revoked = slot.revoke(5);
            if revoked {
                slot.offer(6);
            }
            let claimed = worker.join().unwrap();
            assert!(claimed ^ revoked);
            if revoked {
                assert!(!slot.is_running(6) && slot.claim(6, 2) && slot.is_running(6));
            }
        });
    }

    fn running(since: u64) -> RunState {
        let since = Duration::from_nanos(since);
        RunState::Running { since }
    }

    #[test]
    fn a_start_time_is_read_with_its_own_claim_or_not_at_all() {
        // Two preemptions are enough to make the wrong variants fail; without a bound the test takes long.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let slot = slot();
            slot.offer(5);
            // Stands for the socket between the processes: 1 is a result, 2 the next task.
            let socket = Arc::new(AtomicU64::new(0));
            let wait_for = |socket: &AtomicU64, message| {
                while socket.load(Ordering::Acquire) != message {
                    thread::yield_now();
                }
            };
            let worker = thread::spawn({
                let (slot, socket) = (Arc::clone(&slot), Arc::clone(&socket));
                move || {
                    assert!(slot.claim(5, 50));
                    slot.restart(5, 55);
                    slot.finish(5);
                    socket.store(1, Ordering::Release);
                    wait_for(&socket, 2);
                    assert!(slot.claim(6, 60));
                }
            });
            let watcher = thread::spawn({
                let slot = Arc::clone(&slot);
                move || {
                    let seen = slot.run_state(5);
                    let running = [running(50), running(55)].contains(&seen);
                    assert!(
                        running || matches!(seen, RunState::Unclaimed | RunState::Finished),
                        "{seen:?}"
                    );
                }
            });
            wait_for(&socket, 1);
            assert_eq!(slot.run_state(5), RunState::Finished);
            slot.offer(6);
            socket.store(2, Ordering::Release);
            let seen = slot.run_state(6);
            assert!(
                seen == RunState::Unclaimed || seen == running(60),
                "{seen:?}"
            );
            worker.join().unwrap();
            watcher.join().unwrap();
        });
    }

    #[test]
    fn run_states_are_read_in_their_order() {
        loom::model(|| {
            let slot = slot();
            slot.offer(5);
            assert!(slot.claim(5, 50));
            let worker = thread::spawn({
                let slot = Arc::clone(&slot);
                move || {
                    slot.restart(5, 55);
                    slot.finish(5);
                }
            });
            let order = [running(50), running(55), RunState::Finished];
            let looks = [slot.run_state(5), slot.run_state(5)];
            let [first, second] = looks.map(|look| order.iter().position(|&one| one == look));
            assert!(first.is_some() && first <= second, "{looks:?}");
            worker.join().unwrap();
            assert_eq!(slot.run_state(5), RunState::Finished);
        });
    }

    #[test]
    fn a_dispatch_that_is_not_claimed_is_neither_restarted_nor_finished() {
        loom::model(|| {
            let slot = slot();
            slot.finish(5);
            slot.offer(5);
            slot.restart(5, 1);
            slot.finish(5);
            assert_eq!(slot.run_state(5), RunState::Unclaimed);
            assert!(slot.claim(5, 50));
            slot.restart(4, 1);
            slot.finish(4);
            assert_eq!(slot.run_state(5), running(50));
            slot.finish(5);
            slot.restart(5, 1);
            assert_eq!(slot.run_state(5), RunState::Finished);
            assert!(!slot.claim(5, 2) && !slot.revoke(5), "it is over");
        });
    }

    #[test]
    fn no_bits_of_a_slot_and_no_dispatch_id_cause_a_panic() {
        loom::model(|| {
            let slot = slot();
            for bits in [0, 1, 3, u64::MAX, u64::MAX - 1] {
                slot.state.store(bits, Ordering::Relaxed);
                for dispatch in [DISPATCH_LIMIT, u64::MAX] {
                    slot.offer(dispatch);
                    assert!(!slot.claim(dispatch, 1) && !slot.revoke(dispatch));
                    slot.restart(dispatch, 1);
                    slot.finish(dispatch);
                    assert_eq!(slot.run_state(dispatch), RunState::Unclaimed);
                }
                assert_eq!(slot.state.load(Ordering::Relaxed), bits);
            }
        });
    }
}
