//! The monotonic clock, which is the same in every process.

use std::mem::MaybeUninit;
use std::time::Duration;

/// The time since boot on `CLOCK_MONOTONIC`, the clock of [`RunState::Running`](crate::RunState::Running).
#[must_use]
pub fn monotonic_now() -> Duration {
    Duration::from_nanos(monotonic_nanoseconds())
}

pub(crate) fn monotonic_nanoseconds() -> u64 {
    let mut now = MaybeUninit::uninit();
    // With libc, not with rustix: on its first call rustix searches for the vDSO, which takes a good part of the time
    // of a worker's first task.
    // SAFETY: the pointer is to a local of the right type.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) };
    assert_eq!(answer, 0, "every Linux has this clock");
    // SAFETY: the call succeeded, so it has written the time.
    let now: libc::timespec = unsafe { now.assume_init() };
    // 64 bits of nanoseconds are 584 years.
    (now.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(now.tv_nsec as u64)
}
