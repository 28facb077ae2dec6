//! A pool that always has more to do than it can: who has how much of its workers' time.
//!
//! Nothing goes wrong here, so that what each has can be reckoned. The storms are for the rest.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use procpool_scheduler::{
    Action, Config, Finished, FunctionKey, Level, Scheduler, ShareKey, TaskId, TaskSpec, WorkerId,
};

use crate::each_seed;
use crate::rng::Rng;

const TASKS: usize = 2_000;

/// Someone who always has some tasks waiting.
struct Tenant {
    spec: TaskSpec,
    median: Duration,
    had: Duration,
    longest: Duration,
    /// When one of its tasks began last.
    began: Instant,
    longest_pause: Duration,
}

struct Crowd {
    rng: Rng,
    now: Instant,
    workers: usize,
    scheduler: Scheduler<usize>,
    tenants: Vec<Tenant>,
    /// What each worker was sent, of which it runs the first.
    sent: HashMap<WorkerId, VecDeque<(TaskId, usize, Duration)>>,
    ends: BinaryHeap<Reverse<(Instant, WorkerId)>>,
}

impl Crowd {
    fn new(seed: u64, specs: impl Fn(&mut Rng, u64) -> (TaskSpec, Duration)) -> Self {
        let mut rng = Rng::new(seed ^ 0xfa17);
        let workers = rng.within(1, 4) as usize;
        let config = Config {
            min_workers: workers,
            max_workers: workers,
            untouched_timeout: None,
            send_ahead: rng.pick(&[Duration::ZERO, Duration::from_micros(300)]),
            ..Config::default()
        };
        let now = Instant::now();
        let count = rng.within(2, 4);
        let tenants = (0..count).map(|number| {
            let (spec, median) = specs(&mut rng, number);
            Tenant {
                spec,
                median,
                had: Duration::ZERO,
                longest: Duration::ZERO,
                began: now,
                longest_pause: Duration::ZERO,
            }
        });
        Self {
            tenants: tenants.collect(),
            rng,
            now,
            workers,
            scheduler: Scheduler::new(config),
            sent: HashMap::new(),
            ends: BinaryHeap::new(),
        }
    }

    fn run(&mut self) {
        self.scheduler.handle_start(self.now);
        self.perform();
        // More than can be sent ahead.
        for _ in 0..self.workers * 80 {
            (0..self.tenants.len()).for_each(|tenant| self.submit(tenant));
        }
        for _ in 0..TASKS {
            let Reverse((now, worker)) = self.ends.pop().expect("somebody works");
            self.now = now;
            let (task, tenant, ran) = self.queue(worker).pop_front().expect("it runs something");
            let it = &mut self.tenants[tenant];
            it.had += ran;
            it.longest = it.longest.max(ran);
            let end = self.scheduler.handle_finished(now, worker, task, ran);
            assert!(matches!(end, Finished::Resolved(_)));
            self.begin(worker);
            self.perform();
            self.submit(tenant);
        }
    }

    fn submit(&mut self, tenant: usize) {
        let spec = self.tenants[tenant].spec;
        let accepted = self.scheduler.handle_submit(self.now, spec, tenant);
        accepted.expect("there is room");
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Spawn(worker) => self.scheduler.handle_ready(self.now, worker),
                Action::Dispatch { worker, task, .. } => {
                    let tenant = *self.scheduler.payload_mut(task).expect("a payload");
                    let ran = self.rng.log_normal(self.tenants[tenant].median, 0.3);
                    let queue = self.queue(worker);
                    queue.push_back((task, tenant, ran));
                    if queue.len() == 1 {
                        self.begin(worker);
                    }
                }
                Action::Revoke { task, .. } => {
                    self.scheduler.handle_revoked(self.now, task, false);
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    /// The worker begins the first task that it was sent, if there is one.
    fn begin(&mut self, worker: WorkerId) {
        let now = self.now;
        if let Some(&(_, tenant, ran)) = self.queue(worker).front() {
            let tenant = &mut self.tenants[tenant];
            tenant.longest_pause = tenant.longest_pause.max(now - tenant.began);
            tenant.began = now;
            self.ends.push(Reverse((now + ran, worker)));
        }
    }

    fn queue(&mut self, worker: WorkerId) -> &mut VecDeque<(TaskId, usize, Duration)> {
        self.sent.entry(worker).or_default()
    }
}

#[test]
fn shares_have_equal_times_however_long_their_tasks_take() {
    each_seed(100, |seed, _| {
        let mut crowd = Crowd::new(seed, |rng, number| {
            let spec = TaskSpec {
                // Often the same function, of which one tenant has the larger inputs.
                function: FunctionKey(rng.within(0, 1) * number),
                // One of them has no key.
                share: (number > 0).then_some(ShareKey::from_hash(number)),
                ..TaskSpec::new(FunctionKey(0))
            };
            let median = rng.pick(&[20, 50, 200, 600]);
            (spec, Duration::from_micros(median))
        });
        crowd.run();
        let had = || crowd.tenants.iter().map(|tenant| tenant.had);
        let (least, most) = (had().min().unwrap(), had().max().unwrap());
        assert!(most < least * 2, "{:?}", had().collect::<Vec<_>>());
    });
}

#[test]
fn a_lower_level_has_its_part_and_no_more_and_never_waits_for_long() {
    each_seed(100, |seed, _| {
        let mut crowd = Crowd::new(seed, |rng, number| {
            let spec = TaskSpec {
                level: Level::ALL[4 - number as usize],
                ..TaskSpec::new(FunctionKey(number))
            };
            let median = rng.pick(&[20, 50, 100]);
            (spec, Duration::from_micros(median))
        });
        crowd.run();
        let longest = crowd.tenants.iter().map(|tenant| tenant.longest).max();
        for lower in 1..crowd.tenants.len() {
            let (above, below) = crowd.tenants.split_at(lower);
            let above: Duration = above.iter().map(|tenant| tenant.had).sum();
            let tenant = &below[0];
            assert!(tenant.had < above / 6, "{:?} of {above:?}", tenant.had);
            assert!(tenant.had > above / 40, "{:?} of {above:?}", tenant.had);
            // Sixteen times its own length, as far as that is known, and what was under way.
            let most = tenant.longest * 40 + longest.unwrap() * 4 * crowd.workers as u32;
            let pause = tenant.longest_pause * crowd.workers as u32;
            assert!(pause <= most, "{pause:?}, at most {most:?} expected");
        }
    });
}
