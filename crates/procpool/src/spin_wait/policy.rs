//! The policy that decides whether a worker and a caller may spin.

use std::time::Duration;

use procpool_os::ControlPage;

/// A caller spins only for functions that take no longer than this on average: 5 µs. For longer ones a spin would keep
/// the runtime's thread for longer than the wake-up that it saves.
const SHORT: Duration = Duration::from_micros(5);

/// A caller spins only for arguments of up to this size: 160 KiB. Copying larger ones takes longer than a wake-up.
const MAX_SPIN_ARGS: usize = 160 << 10;

/// A caller spins for at least this long: 10 µs, the time of a short function and its way there and back.
const MIN_SPIN: Duration = Duration::from_micros(10);

/// The spin takes a microsecond longer for each 4 KiB of arguments. Copying them, and a result of the same size, takes about that
/// long. So a spin takes at most 50 µs.
const ARGS_BYTES_PER_MICRO: usize = 4 << 10;

/// Decides at each dispatch whether the worker and the caller may spin.
#[derive(Debug)]
pub(crate) struct SpinPolicy {
    /// How long a worker may spin for a task before it sleeps, while a processor is idle.
    limit: Duration,
    /// The number of processors that this process may use.
    processors: usize,
}

impl SpinPolicy {
    pub(crate) fn new(limit: Duration, processors: usize) -> Self {
        SpinPolicy { limit, processors }
    }

    /// Returns how long a starting worker may spin for its first task before it sleeps. `active` workers are starting or busy.
    ///
    /// While a processor is idle, this is twice as long as for any other task: the first task may be sent only after
    /// this process has been woken by the message that the worker is ready.
    pub(crate) fn first_limit(&self, active: usize) -> Duration {
        match active < self.processors {
            true => self.limit.saturating_mul(2),
            false => Duration::ZERO,
        }
    }

    /// Writes on the control page of a worker that gets a task whether the worker may spin for the next task, and whether the caller
    /// spins for the result. Returns how long the caller may spin; `None` if it may not.
    ///
    /// `busy` is the number of busy workers with this one, `expected` how long the function is expected to take.
    #[inline]
    pub(crate) fn dispatch(
        &self,
        page: &ControlPage,
        busy: usize,
        args_len: usize,
        expected: impl FnOnce() -> Option<Duration>,
    ) -> Option<Duration> {
        if self.limit.is_zero() {
            return None;
        }
        let has_idle_processor = busy < self.processors;
        page.set_spin_limit(match has_idle_processor {
            true => self.limit,
            false => Duration::ZERO,
        });
        let may_spin = has_idle_processor
            && page.is_spinning()
            && args_len <= MAX_SPIN_ARGS
            && expected().is_some_and(|expected| expected <= SHORT);
        page.set_awaited(may_spin);
        may_spin.then(|| caller_limit(args_len))
    }
}

fn caller_limit(args_len: usize) -> Duration {
    MIN_SPIN + Duration::from_micros((args_len / ARGS_BYTES_PER_MICRO) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_micros(50);

    /// The parent's and the worker's view of a page.
    fn two_sides() -> (ControlPage, ControlPage) {
        let (parent, descriptor) = ControlPage::create().unwrap();
        (parent, ControlPage::attach(descriptor).unwrap())
    }

    #[test]
    fn a_limit_of_zero_lets_neither_the_worker_nor_the_caller_spin() {
        let (parent, worker) = two_sides();
        let policy = SpinPolicy::new(Duration::ZERO, 8);
        worker.set_spinning(true);
        assert_eq!(policy.dispatch(&parent, 1, 0, || Some(SHORT)), None);
        assert!(worker.spin_limit().is_zero() && !worker.is_awaited());
        assert!(policy.first_limit(0).is_zero());
    }

    #[test]
    fn the_caller_spins_for_a_short_function_of_a_worker_that_spins() {
        let (parent, worker) = two_sides();
        let policy = SpinPolicy::new(LIMIT, 8);
        let short = || Some(SHORT);
        assert_eq!(policy.dispatch(&parent, 1, 0, short), None);
        assert!(!worker.is_awaited(), "the worker sleeps");
        assert_eq!(worker.spin_limit(), LIMIT);

        worker.set_spinning(true);
        assert_eq!(policy.dispatch(&parent, 1, 0, short), Some(MIN_SPIN));
        assert!(worker.is_awaited());
        let long = || Some(SHORT + Duration::from_nanos(1));
        assert_eq!(policy.dispatch(&parent, 1, 0, long), None);
        assert!(!worker.is_awaited(), "it would take too long");
        assert_eq!(policy.dispatch(&parent, 1, 0, || None), None);
        assert_eq!(policy.dispatch(&parent, 1, MAX_SPIN_ARGS + 1, short), None);
    }

    #[test]
    fn without_an_idle_processor_nobody_spins() {
        let (parent, worker) = two_sides();
        let policy = SpinPolicy::new(LIMIT, 2);
        worker.set_spinning(true);
        assert_eq!(policy.dispatch(&parent, 2, 0, || Some(SHORT)), None);
        assert!(worker.spin_limit().is_zero() && !worker.is_awaited());
        assert!(policy.first_limit(2).is_zero());
        assert_eq!(policy.first_limit(1), 2 * LIMIT);
    }

    #[test]
    fn large_arguments_extend_the_spin_to_50_microseconds_at_most() {
        let limit = |args_len| caller_limit(args_len).as_micros();
        assert_eq!([0, 64 << 10, MAX_SPIN_ARGS].map(limit), [10, 26, 50]);
    }
}
