//! The control page: memory that the parent and one worker share, for messages that must cost no system call.
//!
//! The worker *claims* each task on it before it starts the task, and the parent *revokes* tasks that it has
//! sent and that were not claimed. Cancel requests, progress counters and the end of the worker's event stream are there
//! too.
//!
//! # The claim protocol
//!
//! A slot is one atomic word: a dispatch id, which is never used twice, and a state. The parent writes `OFFERED`
//! and then sends the task's frame. After that there are two moves, both by compare-and-swap from exactly
//! `(dispatch, OFFERED)`:
//!
//! ```text
//!   FREE ──offer──▶ OFFERED ──claim (worker)──▶ CLAIMED ──finish (worker)──▶ FINISHED
//!                      └─────revoke (parent)──▶ REVOKED       then the next offer reuses the slot
//! ```
//!
//! The run's clock counts from the claim until the worker stores `FINISHED`, before it writes the result. The
//! worker may restart the clock.
//!
//! - *At most one wins.* Read-modify-write operations on one word have a single order. The first of
//!   the two swaps changes the state, and nothing leads back to `(dispatch, OFFERED)`: only an
//!   offer writes that state, and no other offer has this id. So the second swap fails.
//! - *A revoked task never runs, and a dead worker's unclaimed task never ran.* The worker runs a
//!   task only after its own swap succeeded. After [`revoke`](ControlPage::revoke) has returned `true` that
//!   swap can't succeed, so the parent may run the task elsewhere.
//! - *At least one wins* if both try, since only these two swaps change an offered slot. The parent offers
//!   a slot again only after its task was finished or revoked.
//! - *Orderings.* The offer is a release store and the swaps acquire, so the claiming thread sees everything that the
//!   parent wrote before the offer. The start time is written before the claiming swap, which
//!   releases it. So a reader that sees `CLAIMED` sees the start, or a later one after a
//!   restart. It reads the start between two loads of the state.
//!   A start of a *later* dispatch is written with release, by a worker that has seen the later offer. A
//!   reader that gets that value sees the later offer in its second load of the state, and discards the value.
//!   Relaxed is enough where a swap fails: nothing is read after it.
//!
//! The unit tests run the same code under loom, a model checker that tries every interleaving and
//! every value that the orderings allow.
//!
//! # Trust
//!
//! The worker runs the user's code, which may write anything to the page. So the parent trusts no word on it:
//! every bit pattern has a meaning, nothing on the page is a size, an index or a
//! pointer, and a worker that writes wrong values harms its own tasks only. Seals keep the file
//! at its size and its pages are allocated when it is made, so no access hits a missing page (`SIGBUS`).

mod clock;
mod item_claims;
mod page;
mod page_items;
mod page_runs;
mod progress;
mod run_state;
mod slot;

#[cfg(test)]
mod page_tests;

pub use clock::monotonic_now;
pub use item_claims::ItemCounts;
pub use page::ControlPage;
pub use page_items::ItemClaims;
pub use run_state::RunState;
