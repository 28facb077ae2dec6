//! What one run is to be like.

use std::num::NonZeroU64;
use std::time::Duration;

use procpool_scheduler::{Backoff, Config};

use crate::rng::Rng;

pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) config: Config,
    pub(crate) tasks: usize,
    pub(crate) storm: Duration,
    pub(crate) chances: Chances,
    pub(crate) ending: Ending,
}

/// Probabilities of what may go wrong.
#[derive(Clone, Copy)]
pub(crate) struct Chances {
    /// A start fails at the spawn itself.
    pub(crate) spawn_fails: f64,
    /// A start fails later.
    pub(crate) start_fails: f64,
    /// A start never ends.
    pub(crate) start_hangs: f64,
    /// A worker dies soon after it became ready.
    pub(crate) dies_idle: f64,
    /// A worker dies in the middle of a task.
    pub(crate) dies_in_task: f64,
    /// A worker dies right after a task, with its result sent or not.
    pub(crate) dies_after_task: f64,
    /// A worker stops dead for good before it claims a task.
    pub(crate) freezes: f64,
    /// A worker writes lies about its runs on its control page.
    pub(crate) lies: f64,
    /// A task takes far longer than others of its function.
    pub(crate) task_is_slow: f64,
    /// A task never ends by itself.
    pub(crate) task_hangs: f64,
    /// A stop is not obeyed.
    pub(crate) stop_ignored: f64,
    /// A result is sent twice.
    pub(crate) sent_twice: f64,
    /// A result is not sent at once.
    pub(crate) sent_late: f64,
    /// A task is cancelled, in one way or the other.
    pub(crate) cancelled: f64,
    /// A task has a deadline.
    pub(crate) deadline: f64,
    /// A user asks for room before there is a task.
    pub(crate) reserves: f64,
    /// The driver finds that a worker that died had passed a limit.
    pub(crate) over_limit: f64,
    /// The driver finds that a worker is to be replaced, when it has read a result.
    pub(crate) worn: f64,
    /// For each task: the pool is made larger or smaller at some time.
    pub(crate) resizes: f64,
    /// For each task: someone waits until all workers are ready.
    pub(crate) warms_up: f64,
    /// For each task: every worker is to run something.
    pub(crate) broadcasts: f64,
    /// What a worker is to run fails there.
    pub(crate) refuses: f64,
}

impl Chances {
    pub(crate) const NONE: Self = Self {
        spawn_fails: 0.0,
        start_fails: 0.0,
        start_hangs: 0.0,
        dies_idle: 0.0,
        dies_in_task: 0.0,
        dies_after_task: 0.0,
        freezes: 0.0,
        lies: 0.0,
        task_is_slow: 0.0,
        task_hangs: 0.0,
        stop_ignored: 0.0,
        sent_twice: 0.0,
        sent_late: 0.0,
        cancelled: 0.0,
        deadline: 0.0,
        reserves: 0.0,
        over_limit: 0.0,
        worn: 0.0,
        resizes: 0.0,
        warms_up: 0.0,
        broadcasts: 0.0,
        refuses: 0.0,
    };
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// The weather gets better, and the pool must be as good as new.
    Calm,
    /// Closed at a random moment.
    Close,
    /// Terminated at a random moment.
    Terminate,
}

impl Plan {
    pub(crate) fn storm(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let max_workers = rng.pick(&[1, 1, 2, 2, 3, 4, 8, 16]);
        let tasks = rng.within(10, 120) as usize;
        Self::with(seed, &mut rng, max_workers, tasks)
    }

    pub(crate) fn crowd(seed: u64) -> Self {
        let mut rng = Rng::new(!seed);
        let max_workers = rng.within(100, 400) as usize;
        Self::with(seed, &mut rng, max_workers, 2_000)
    }

    /// A pool that starts small and may grow, of functions that are mostly short; every worker starts, and lives.
    pub(crate) fn growing(seed: u64) -> Self {
        let mut plan = Self::storm(seed);
        let mut rng = Rng::new(seed);
        plan.config.max_workers = rng.pick(&[2, 3, 4, 8]);
        plan.config.min_workers = rng.pick(&[0, 1, 1, 2]);
        plan.config.send_ahead = rng.pick(&[300, 5_000].map(Duration::from_micros));
        plan.chances = Chances {
            task_is_slow: rng.pick(&[0.02, 0.1, 0.3]),
            task_hangs: rng.pick(&[0.0, 0.02]),
            sent_late: plan.chances.sent_late,
            cancelled: plan.chances.cancelled,
            deadline: plan.chances.deadline,
            reserves: plan.chances.reserves,
            worn: plan.chances.worn,
            resizes: plan.chances.resizes,
            ..Chances::NONE
        };
        plan.storm = Duration::from_millis(100);
        plan
    }

    /// No worker ever becomes ready.
    pub(crate) fn barren(seed: u64) -> Self {
        let mut plan = Self::storm(seed);
        let mut rng = Rng::new(seed);
        let spawn_fails = rng.pick(&[0.0, 0.5, 1.0]);
        plan.chances = Chances {
            spawn_fails,
            start_fails: 1.0,
            ..Chances::NONE
        };
        plan.config.startup_timeout = Duration::from_secs(30);
        plan.config.backoff = Backoff::default();
        plan.config.max_age = None;
        plan.storm = Duration::from_secs(60);
        plan
    }

    pub(crate) fn seconds_of_storm(&self) -> usize {
        self.storm.as_secs() as usize
    }

    fn with(seed: u64, rng: &mut Rng, max_workers: usize, tasks: usize) -> Self {
        let min_workers = match rng.within(0, 2) {
            0 => max_workers,
            1 => 0,
            _ => rng.within(0, max_workers as u64) as usize,
        };
        let mut config = Config {
            min_workers,
            max_workers,
            standby_workers: rng.pick(&[0, 0, 0, 1, 2, 5]),
            queue_capacity: rng.pick(&[usize::MAX, usize::MAX, 0, 1, 10]),
            startup_timeout: rng.pick(&[Duration::from_millis(50), Duration::from_secs(1)]),
            stop_timeout: rng.pick(&[Duration::from_millis(20), Duration::from_millis(200)]),
            untouched_timeout: rng.pick(&[None, Some(Duration::from_millis(3))]),
            idle_timeout: rng.pick(&[None, Some(Duration::ZERO), Some(Duration::from_millis(5))]),
            max_tasks_per_worker: NonZeroU64::new(rng.pick(&[0, 0, 0, 1, 2, 7, 40])),
            max_age: None,
            window: rng.pick(&[1, 2, 3, 16, 128, 512]),
            processors: rng.pick(&[usize::MAX, usize::MAX, 1, 2]),
            late_after: Some(rng.pick(&[1, 5].map(Duration::from_millis))),
            held_back: rng.pick(&[None, Some(Duration::from_micros(100))]),
            send_ahead: rng.pick(&[
                Duration::ZERO,
                Duration::from_micros(300),
                Duration::from_millis(5),
            ]),
            backoff: Backoff {
                first: Duration::from_millis(10),
                max: Duration::from_millis(200),
            },
            retry_backoff: Backoff {
                first: rng.pick(&[Duration::ZERO, Duration::from_millis(1)]),
                max: Duration::from_millis(4),
            },
        };
        let wild = rng.pick(&[0.0, 0.3, 1.0, 1.0, 4.0]);
        let mut upto = |most: f64| {
            if rng.chance(0.5) {
                wild * most * rng.unit()
            } else {
                0.0
            }
        };
        let chances = Chances {
            spawn_fails: upto(0.2),
            start_fails: upto(0.2),
            start_hangs: upto(0.1),
            dies_idle: upto(0.1),
            dies_in_task: upto(0.1),
            dies_after_task: upto(0.1),
            freezes: upto(0.02),
            lies: upto(0.1),
            task_is_slow: upto(0.1),
            task_hangs: upto(0.05),
            stop_ignored: upto(0.2),
            sent_twice: upto(0.02),
            sent_late: upto(0.3),
            cancelled: upto(0.5),
            deadline: upto(0.3),
            reserves: upto(0.8),
            over_limit: upto(0.5),
            worn: upto(0.1),
            resizes: upto(0.1),
            warms_up: upto(0.05),
            broadcasts: upto(0.05),
            refuses: upto(0.2),
        };
        let ending = rng.pick(&[Ending::Calm, Ending::Calm, Ending::Close, Ending::Terminate]);
        let storm = rng.pick(&[Duration::from_millis(2), Duration::from_millis(50)]);
        if ending != Ending::Calm {
            // A pool that stays open and replaces old workers never comes to rest.
            let ages = [2, 20].map(|age| Some(Duration::from_millis(age)));
            config.max_age = rng.pick(&[None, ages[0], ages[1]]);
        }
        Self {
            seed,
            config,
            tasks,
            storm,
            chances,
            ending,
        }
    }
}
