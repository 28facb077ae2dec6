//! Tests of the page, mapped twice, as in two processes.

use std::io::ErrorKind;
use std::sync::Barrier;
use std::time::Duration;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};

use super::{ControlPage, RunState, monotonic_now};

/// The same page, mapped twice, as in two processes.
fn two_sides() -> (ControlPage, ControlPage) {
    let (parent, descriptor) = ControlPage::create().unwrap();
    (parent, ControlPage::attach(descriptor).unwrap())
}

#[test]
fn exactly_one_of_a_claim_and_a_revoke_at_the_same_time_wins() {
    const ROUNDS: u64 = 20_000;
    let (parent, worker) = two_sides();
    let barrier = Barrier::new(2);
    let slot = |dispatch: u64| dispatch as usize % ControlPage::SLOTS;
    let (claimed, revoked) = std::thread::scope(|scope| {
        let claims = scope.spawn(|| {
            let claim = |dispatch| {
                barrier.wait();
                worker.claim(slot(dispatch), dispatch)
            };
            (0..ROUNDS).map(claim).collect::<Vec<_>>()
        });
        let revoke = |dispatch| {
            parent.offer(slot(dispatch), dispatch);
            barrier.wait();
            parent.revoke(slot(dispatch), dispatch)
        };
        let revoked = (0..ROUNDS).map(revoke).collect::<Vec<_>>();
        (claims.join().unwrap(), revoked)
    });
    assert!(
        claimed
            .iter()
            .zip(&revoked)
            .all(|(claimed, revoked)| claimed ^ revoked)
    );
}

#[test]
fn a_start_time_is_known_from_the_claim_to_the_end() {
    let (parent, worker) = two_sides();
    let started = |dispatch| match parent.run_state(3, dispatch) {
        RunState::Running { since } => since,
        other => panic!("{other:?}"),
    };
    let before = monotonic_now();
    parent.offer(3, 9);
    assert_eq!(parent.run_state(3, 9), RunState::Unclaimed);
    assert!(worker.claim(3, 9));
    let (first, between) = (started(9), monotonic_now());
    assert!(before <= first && first <= between);
    assert_eq!(parent.run_state(3, 8), RunState::Unclaimed);
    worker.restart(3, 9);
    assert!(between <= started(9) && started(9) <= monotonic_now());
    worker.finish(3, 9);
    assert_eq!(parent.run_state(3, 9), RunState::Finished);
    parent.offer(3, 10);
    assert_eq!(parent.run_state(3, 9), RunState::Unclaimed);
}

#[test]
fn a_slot_or_a_dispatch_id_out_of_range_causes_no_panic() {
    let (parent, worker) = two_sides();
    let beyond = ControlPage::SLOTS;
    for (slot, dispatch) in [(beyond, 1), (usize::MAX, 1), (0, 1 << 62), (0, u64::MAX)] {
        parent.offer(slot, dispatch);
        assert!(!worker.claim(slot, dispatch) && !parent.revoke(slot, dispatch));
        worker.restart(slot, dispatch);
        worker.finish(slot, dispatch);
        assert_eq!(parent.run_state(slot, dispatch), RunState::Unclaimed);
    }
    assert!(!worker.claim(0, 0), "nothing was offered");
    let last = (ControlPage::SLOTS - 1, (1 << 62) - 1);
    parent.offer(last.0, last.1);
    assert!(worker.claim(last.0, last.1));
}

#[test]
fn cancel_requests_and_progress_are_of_one_dispatch() {
    let (parent, worker) = two_sides();
    assert!(!worker.is_cancel_requested(0));
    parent.request_cancel(0);
    assert!(worker.is_cancel_requested(0) && !worker.is_cancel_requested(1));
    parent.request_cancel(1);
    assert!(!worker.is_cancel_requested(0) && worker.is_cancel_requested(1));

    assert_eq!(parent.progress(0), None);
    worker.set_progress(0, 1, 3);
    assert_eq!(parent.progress(0), Some((1, 3)));
    assert_eq!(parent.progress(1), None);
}

#[test]
fn rings_are_counted_and_the_spin_limit_is_zero_at_first() {
    let (parent, worker) = two_sides();
    assert_eq!((worker.rings(), worker.spin_limit()), (0, Duration::ZERO));
    parent.ring();
    parent.ring();
    parent.set_spin_limit(Duration::from_micros(50));
    assert_eq!(worker.rings(), 2);
    assert_eq!(worker.spin_limit(), Duration::from_micros(50));
}

#[test]
fn the_descriptor_is_close_on_exec() {
    let (_page, descriptor) = ControlPage::create().unwrap();
    let flags = rustix::io::fcntl_getfd(&descriptor).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn a_page_has_all_of_its_memory_from_the_start() {
    let (_page, descriptor) = ControlPage::create().unwrap();
    let blocks = rustix::fs::fstat(&descriptor).unwrap().st_blocks;
    assert!(blocks * 512 >= ControlPage::BYTES as i64, "{blocks} blocks");
}

#[test]
fn a_page_that_may_change_its_size_or_has_another_is_refused() {
    let memory = |bytes, seals| {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = rustix::fs::memfd_create(c"test", flags).unwrap();
        if bytes > 0 {
            rustix::fs::fallocate(&memory, FallocateFlags::empty(), 0, bytes).unwrap();
        }
        rustix::fs::fcntl_add_seals(&memory, seals).unwrap();
        memory
    };
    let sparse = rustix::fs::memfd_create(c"test", MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&sparse, ControlPage::BYTES as u64).unwrap();
    rustix::fs::fcntl_add_seals(&sparse, ControlPage::SEALS).unwrap();
    let size = ControlPage::BYTES as u64;
    let (grow, shrink) = (SealFlags::GROW, SealFlags::SHRINK);
    let file = std::fs::File::open("/proc/self/exe").unwrap().into();
    for wrong in [
        memory(size, grow),
        memory(size, shrink),
        memory(0, grow | shrink),
        sparse,
        file,
    ] {
        let refused = ControlPage::attach(wrong).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
    }
    ControlPage::attach(memory(size, grow | shrink)).unwrap();

    let (_page, descriptor) = ControlPage::create().unwrap();
    rustix::fs::ftruncate(&descriptor, 0).unwrap_err();
    rustix::fs::ftruncate(&descriptor, size + 1).unwrap_err();
}

#[test]
fn the_worker_sees_what_the_parent_has_received_and_whether_it_polls() {
    let (parent, worker) = two_sides();
    assert!(!worker.is_awaited());
    assert_eq!(worker.taken(), 0);
    for is_awaited in [true, true, false, true] {
        parent.set_awaited(is_awaited);
        assert_eq!(worker.is_awaited(), is_awaited);
    }
    parent.set_taken(41);
    assert_eq!(worker.taken(), 41);
}

#[test]
fn the_parent_sees_whether_the_worker_spins() {
    let (parent, worker) = two_sides();
    assert!(!parent.is_spinning());
    for is_spinning in [true, false] {
        worker.set_spinning(is_spinning);
        assert_eq!(parent.is_spinning(), is_spinning);
    }
}
