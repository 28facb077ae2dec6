//! The tasks of the simulated users, and what they may expect of each.

use std::time::{Duration, Instant};

use procpool_scheduler::{
    AffinityKey, FunctionKey, Level, Outcome, ShareKey, TaskId, TaskSpec, WorkerId,
};

use crate::plan::Chances;
use crate::rng::Rng;

pub(crate) struct UserTask {
    pub(crate) id: TaskId,
    pub(crate) spec: TaskSpec,
    pub(crate) accepted: Instant,
    /// Workers that claimed it, in order, and when.
    pub(crate) claims: Vec<(WorkerId, Instant)>,
    pub(crate) revoked: u32,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cancel {
    Always,
    IfQueued,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Result,
    Failed(Outcome),
}

/// Ten functions, from one microsecond to some milliseconds.
pub(crate) fn spec(rng: &mut Rng) -> TaskSpec {
    let mut spec = TaskSpec::new(FunctionKey(rng.within(0, 9)));
    let limits = [
        Duration::ZERO,
        Duration::from_micros(50),
        Duration::from_millis(3),
        Duration::MAX,
    ];
    if rng.chance(0.3) {
        spec.timeout = Some(rng.pick(&limits));
    }
    if rng.chance(0.2) {
        spec.items = rng.within(0, 5) as u32;
    }
    if rng.chance(0.2) {
        spec.queue_timeout = Some(rng.pick(&limits));
    }
    if rng.chance(0.3) {
        spec.grace = Some(rng.pick(&[Duration::ZERO, Duration::from_millis(2)]));
    }
    if rng.chance(0.3) {
        spec.retries = rng.within(1, 3) as u32;
    }
    if rng.chance(0.3) {
        spec.level = rng.pick(&Level::ALL);
    }
    if rng.chance(0.3) {
        spec.share = Some(ShareKey::from_hash(rng.within(0, 5)));
    }
    if rng.chance(0.3) {
        spec.affinity = Some(AffinityKey::from_hash(rng.within(0, 5)));
    }
    spec
}

/// How long the function runs this time: mostly about as long as ever. `None`: for ever.
pub(crate) fn duration(
    rng: &mut Rng,
    function: FunctionKey,
    chances: &Chances,
) -> Option<Duration> {
    if rng.chance(chances.task_hangs) {
        return None;
    }
    let median = Duration::from_micros(1 << function.0);
    let factor = match rng.chance(chances.task_is_slow) {
        true => rng.pick(&[10, 100, 1_000, 10_000]),
        false => 1,
    };
    Some(rng.log_normal(median, 1.0) * factor)
}
