//! The claim protocol of one slot, over any atomic word.
//!
//! The proof is told in [`control`](crate::control).

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::claims::Claims;
use crate::standing::Standing;
use crate::word::Word;

/// One place on the page: who has the task, and since when it runs.
///
/// A cache line each, so that a claim of one and an offer of its neighbour don't disturb each other.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slot<W> {
    state: W,
    started: W,
    /// Of a run of several items.
    pub(crate) items: Claims<W>,
}

/// The two low bits of a slot's word; the ticket is above them. A slot that was never used reads as
/// one that has finished ticket 0, which is nobody's.
#[derive(Copy, Clone)]
#[repr(u64)]
enum State {
    Finished = 0,
    Offered = 1,
    Claimed = 2,
    Revoked = 3,
}

/// Tickets are below this.
pub(crate) const TICKET_LIMIT: u64 = 1 << 62;

/// The slot's word for a ticket; `None` for a number too large to be one.
fn word(ticket: u64, state: State) -> Option<u64> {
    (ticket < TICKET_LIMIT).then_some(ticket << 2 | state as u64)
}

impl<W: Word> Slot<W> {
    /// The parent: from now on `ticket` may be claimed or revoked.
    pub(crate) fn offer(&self, ticket: u64) {
        if let Some(offered) = word(ticket, State::Offered) {
            self.state.store(offered, Ordering::Release);
        }
    }

    /// The worker: takes `ticket`, unless it was revoked. `now` is when its run starts.
    pub(crate) fn claim(&self, ticket: u64, now: u64) -> bool {
        let (Some(offered), Some(claimed)) =
            (word(ticket, State::Offered), word(ticket, State::Claimed))
        else {
            return false;
        };
        if self.state.load(Ordering::Acquire) != offered {
            return false;
        }
        self.started.store(now, Ordering::Release);
        self.state.swap_if(offered, claimed, Ordering::AcqRel)
    }

    /// The parent: takes `ticket` back, unless it was claimed.
    pub(crate) fn revoke(&self, ticket: u64) -> bool {
        let (Some(offered), Some(revoked)) =
            (word(ticket, State::Offered), word(ticket, State::Revoked))
        else {
            return false;
        };
        self.state.swap_if(offered, revoked, Ordering::AcqRel)
    }

    /// The worker: the run of `ticket`, which it has claimed, counts from `now` on.
    pub(crate) fn restart(&self, ticket: u64, now: u64) {
        if self.is_running(ticket) {
            self.started.store(now, Ordering::Release);
        }
    }

    /// The worker: the run of `ticket`, which it has claimed, is over.
    ///
    /// A store is enough, since nobody else moves on a slot that is claimed.
    pub(crate) fn finish(&self, ticket: u64) {
        if self.is_running(ticket)
            && let Some(finished) = word(ticket, State::Finished)
        {
            self.state.store(finished, Ordering::Release);
        }
    }

    fn is_running(&self, ticket: u64) -> bool {
        let claimed = word(ticket, State::Claimed);
        claimed.is_some_and(|claimed| self.state.load(Ordering::Acquire) == claimed)
    }

    /// How far the worker has come with `ticket`.
    pub(crate) fn standing(&self, ticket: u64) -> Standing {
        if self.is_running(ticket) {
            // If this is already the start of a later run, its claimer had seen a later offer before;
            // the acquire makes the second look at the state see that offer too.
            let started = self.started.load(Ordering::Acquire);
            if self.is_running(ticket) {
                let since = Duration::from_nanos(started);
                return Standing::Running { since };
            }
        }
        let finished = word(ticket, State::Finished);
        match finished.is_some_and(|finished| self.state.load(Ordering::Acquire) == finished) {
            true => Standing::Finished,
            false => Standing::Unclaimed,
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
            assert_eq!(slot.standing(5) != Standing::Unclaimed, claimed);
            assert!(
                !slot.claim(5, 2) && !slot.revoke(5),
                "there is no second time"
            );
        });
    }

    /// The frame of a revoked task may reach the worker when the slot has long been reused.
    #[test]
    fn a_late_claim_never_touches_a_later_offer() {
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

    fn running(since: u64) -> Standing {
        let since = Duration::from_nanos(since);
        Standing::Running { since }
    }

    #[test]
    fn a_start_is_seen_with_its_own_claim_or_not_at_all() {
        // Two preemptions are what the wrong variants need, and unbounded it takes long.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let slot = slot();
            slot.offer(5);
            // What the socket does between the processes: 1 is a result, 2 the next task.
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
                    let seen = slot.standing(5);
                    let running = [running(50), running(55)].contains(&seen);
                    assert!(
                        running || matches!(seen, Standing::Unclaimed | Standing::Finished),
                        "{seen:?}"
                    );
                }
            });
            wait_for(&socket, 1);
            assert_eq!(slot.standing(5), Standing::Finished);
            slot.offer(6);
            socket.store(2, Ordering::Release);
            let seen = slot.standing(6);
            assert!(
                seen == Standing::Unclaimed || seen == running(60),
                "{seen:?}"
            );
            worker.join().unwrap();
            watcher.join().unwrap();
        });
    }

    #[test]
    fn who_looks_at_a_run_sees_it_go_forward() {
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
            let order = [running(50), running(55), Standing::Finished];
            let looks = [slot.standing(5), slot.standing(5)];
            let [first, second] = looks.map(|look| order.iter().position(|&one| one == look));
            assert!(first.is_some() && first <= second, "{looks:?}");
            worker.join().unwrap();
            assert_eq!(slot.standing(5), Standing::Finished);
        });
    }

    #[test]
    fn what_is_not_claimed_is_neither_restarted_nor_finished() {
        loom::model(|| {
            let slot = slot();
            slot.finish(5);
            slot.offer(5);
            slot.restart(5, 1);
            slot.finish(5);
            assert_eq!(slot.standing(5), Standing::Unclaimed);
            assert!(slot.claim(5, 50));
            slot.restart(4, 1);
            slot.finish(4);
            assert_eq!(slot.standing(5), running(50));
            slot.finish(5);
            slot.restart(5, 1);
            assert_eq!(slot.standing(5), Standing::Finished);
            assert!(!slot.claim(5, 2) && !slot.revoke(5), "it is over");
        });
    }

    #[test]
    fn no_bits_of_a_slot_and_no_ticket_make_a_panic() {
        loom::model(|| {
            let slot = slot();
            for bits in [0, 1, 3, u64::MAX, u64::MAX - 1] {
                slot.state.store(bits, Ordering::Relaxed);
                for ticket in [TICKET_LIMIT, u64::MAX] {
                    slot.offer(ticket);
                    assert!(!slot.claim(ticket, 1) && !slot.revoke(ticket));
                    slot.restart(ticket, 1);
                    slot.finish(ticket);
                    assert_eq!(slot.standing(ticket), Standing::Unclaimed);
                }
                assert_eq!(slot.state.load(Ordering::Relaxed), bits);
            }
        });
    }
}
