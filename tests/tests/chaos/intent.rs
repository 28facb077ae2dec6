//! The plan of one task.

use std::time::Duration;

use procpool::TaskOptions;
use procpool_tests::{Manner, Side, Step, Trap};

use crate::deed::Deed;
use crate::plan::Plan;
use crate::rng::Rng;

/// A task, and what its caller does with it.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) deed: Deed,
    /// The variant of the function.
    pub(crate) way: u8,
    /// The value that fails while it is transferred.
    pub(crate) snare: Option<Snare>,
    pub(crate) limits: Limits,
    pub(crate) fate: Fate,
}

/// A value that fails while it is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snare {
    pub(crate) side: Side,
    pub(crate) step: Step,
    pub(crate) manner: Manner,
}

/// The task's options.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue_timeout: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) grace: Option<Duration>,
    pub(crate) cpu_time: Option<Duration>,
    pub(crate) memory: Option<u64>,
}

/// The caller's behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Await,
    DropAfter(Duration),
    AbortAfter(Duration),
    /// Aborts the task if it is queued.
    WithdrawAfter(Duration),
    /// Lets another thread abort it, if it is aborted.
    LeaveToOthers,
    Detach,
    /// Awaits it on the pool's own runtime.
    Entrust,
}

/// The variants of the function. Most tasks are of the first one, so they are prefetched, and a task that kills its
/// worker has others behind it.
const QUICK: u8 = 0;
const STEADY: u8 = 1;
const ROUGH: u8 = 2;

impl Intent {
    pub(crate) fn new(rng: &mut Rng, plan: &Plan) -> Self {
        let wild = rng.chance(plan.wildness);
        let way = match rng.below(10) {
            0..7 => QUICK,
            7..9 => STEADY,
            _ => ROUGH,
        };
        let snare = (wild && rng.chance(60)).then(|| Snare::new(rng));
        let deed = match (way, snare) {
            (_, Some(_)) => Deed::Nothing,
            (_, None) if wild => wild_deed(rng, plan),
            (STEADY, _) => steady_deed(rng),
            (ROUGH, _) => Deed::Echo {
                len: rng.pick(&[1 << 10, 16 << 10, 256 << 10]),
            },
            _ => Deed::Nothing,
        };
        let mut intent = Intent {
            deed,
            way,
            snare,
            limits: Limits::new(rng, plan),
            fate: Fate::new(rng),
        };
        if deed.is_deadly() && rng.chance(150) {
            // By chance alone, the pause between two runs would be hit too seldom.
            intent.limits.retries = 2;
            intent.fate = Fate::WithdrawAfter(rng.up_to_millis(60));
        }
        intent.make_endable(rng, plan);
        intent
    }

    /// Adds what ends a task that would run forever, or that is about a limit.
    fn make_endable(&mut self, rng: &mut Rng, plan: &Plan) {
        let is_ended = matches!(self.fate, Fate::DropAfter(_) | Fate::AbortAfter(_));
        if self.deed.lasts() && !is_ended {
            let limit = Duration::from_millis(1 + rng.below(80));
            self.limits.timeout.get_or_insert(limit);
        }
        if self.deed == Deed::Heed {
            let grace = Duration::from_millis(rng.pick(&[5, 50, 500]));
            self.limits.grace.get_or_insert(grace);
        }
        if self.deed == Deed::Spin {
            self.limits.cpu_time = Some(Duration::from_millis(10 + rng.below(30)));
        }
        if let Deed::Hog { len } = &mut self.deed {
            let by_pool = plan.pool.memory.filter(|_| rng.chance(500));
            *len = match by_pool {
                Some(bytes) => 4 * bytes as usize,
                None => {
                    self.limits.memory = Some(64 << 20);
                    256 << 20
                }
            };
        }
    }

    pub(crate) fn trap(&self) -> Option<Trap> {
        self.snare
            .map(|Snare { side, step, manner }| Trap::set(side, step, manner))
    }

    /// Returns how often the function may run.
    pub(crate) fn most_runs(&self) -> usize {
        self.limits.retries as usize + 1
    }
}

fn steady_deed(rng: &mut Rng) -> Deed {
    match rng.chance(500) {
        true => Deed::Compute {
            micros: rng.below(5_000),
        },
        false => Deed::Sleep {
            micros: rng.below(20_000),
        },
    }
}

fn wild_deed(rng: &mut Rng, plan: &Plan) -> Deed {
    match rng.below(100) {
        0..22 => Deed::Panic,
        22..34 => Deed::Abort,
        34..44 => Deed::Exit {
            code: rng.pick(&[0, 1, 77]),
        },
        44..54 => Deed::Kill,
        54..56 => Deed::Overflow,
        56..60 => Deed::Flood {
            len: rng.pick(&[100 << 10, 1 << 20]),
        },
        60..65 => Deed::HaveChild,
        65..68 => Deed::HavePool {
            then_aborts: rng.chance(500),
        },
        68..72 if plan.pool.max_growth.is_some() => Deed::Leak {
            len: rng.pick(&[1 << 20, 4 << 20]),
        },
        68..72 => Deed::Hog { len: 0 },
        72..75 => Deed::Spin,
        75..83 => Deed::Linger,
        83..87 => Deed::Stop,
        87..92 => Deed::Heed,
        92..96 => Deed::Echo { len: 1 << 20 },
        _ => Deed::Grow { len: 1 << 20 },
    }
}

impl Snare {
    fn new(rng: &mut Rng) -> Self {
        let side = rng.pick(&[Side::Parent, Side::Worker]);
        Snare {
            side,
            step: rng.pick(&[Step::Serialize, Step::Deserialize]),
            manner: match side {
                // A panic would be printed on this process's stderr, where it looks like a failure.
                Side::Parent => Manner::Error,
                Side::Worker => rng.pick(&[Manner::Error, Manner::Panic, Manner::Bomb]),
            },
        }
    }
}

impl Limits {
    fn new(rng: &mut Rng, plan: &Plan) -> Self {
        if rng.chance(500) {
            return Limits::default();
        }
        Limits {
            timeout: rng.chance(300).then(|| match rng.below(3) {
                0 => rng.up_to_millis(1),
                1 => rng.up_to_millis(30),
                _ => Duration::from_millis(500),
            }),
            queue_timeout: rng.chance(300).then(|| match rng.below(3) {
                0 => rng.up_to_millis(1),
                1 => rng.up_to_millis(30),
                _ => Duration::from_millis(500),
            }),
            retries: match rng.chance(400) {
                true => 1 + rng.below(3) as u32,
                false => 0,
            },
            grace: rng.chance(200).then(|| rng.up_to_millis(30)),
            // Far more than any task needs that does not exceed it on purpose.
            cpu_time: rng.chance(200).then_some(Duration::from_secs(1)),
            memory: (plan.pool.max_growth.is_none() && rng.chance(200)).then_some(64 << 20),
        }
    }

    pub(crate) fn options(&self) -> TaskOptions {
        let mut options = TaskOptions::new().retries(self.retries);
        if let Some(limit) = self.timeout {
            options = options.timeout(limit);
        }
        if let Some(limit) = self.queue_timeout {
            options = options.queue_timeout(limit);
        }
        if let Some(grace) = self.grace {
            options = options.grace(grace);
        }
        if let Some(limit) = self.cpu_time {
            options = options.cpu_time_limit(limit);
        }
        if let Some(bytes) = self.memory {
            options = options.memory_limit(bytes);
        }
        options
    }
}

impl Fate {
    fn new(rng: &mut Rng) -> Self {
        let after = match rng.below(3) {
            0 => Duration::ZERO,
            1 => rng.up_to_millis(2),
            _ => rng.up_to_millis(30),
        };
        match rng.below(100) {
            0..64 => Fate::Await,
            64..74 => Fate::DropAfter(after),
            74..80 => Fate::AbortAfter(after),
            80..87 => Fate::WithdrawAfter(after),
            87..92 => Fate::LeaveToOthers,
            92..96 => Fate::Detach,
            _ => Fate::Entrust,
        }
    }
}
