//! Processor time, spent and to be spent.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What this process has spent so far on all of its threads, without the processes that it started.
#[must_use]
pub fn spent() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

/// Nanoseconds of the system's monotonic clock, which is the same in every process.
#[must_use]
pub fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Computes for so many steps, and never sleeps. What takes the processor away makes it longer, as
/// it would real work.
#[must_use]
pub fn burn(steps: u64) -> u64 {
    let mut state = steps | 1;
    for _ in 0..steps {
        // A xorshift generator: each step waits for the one before.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state = black_box(state);
    }
    state
}

/// How many steps of [`burn`] take so long on this machine when nothing disturbs them.
#[must_use]
pub fn steps(duration: Duration) -> u64 {
    static PER_MICRO: OnceLock<f64> = OnceLock::new();
    let per_micro = PER_MICRO.get_or_init(|| {
        const STEPS: u64 = 100_000;
        let times = (0..50).map(|_| {
            let began = Instant::now();
            let _ = black_box(burn(black_box(STEPS)));
            began.elapsed()
        });
        let least = times.min().unwrap_or_default();
        STEPS as f64 / (least.as_secs_f64() * 1e6)
    });
    (duration.as_secs_f64() * 1e6 * per_micro) as u64
}
