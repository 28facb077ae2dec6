//! Every constant that tunes a decision, with its reason. What a program may choose is in [`Config`](crate::Config).

use std::time::Duration;

/// How much expected work may be in flight on one worker for another task to be sent that will be its next one. Beyond
/// this, a prefetched task saves the worker less than a hundredth of its time.
pub(crate) const PREFETCH_NEXT: Duration = Duration::from_millis(5);

/// How much expected work may be in flight on one worker for a task of several items to be sent behind it. They are
/// short, and can be taken back one by one.
pub(crate) const PREFETCH_ITEMS: Duration = Duration::from_millis(5);

/// After how long the first task of a worker is late, if the pool has a processor for each busy worker. It is as much
/// work as may be in front of a prefetched task. And it is more than the time slice that the kernel gives to another
/// program, since that time counts too.
pub(crate) const LATE_AFTER: Duration = Duration::from_millis(5);

/// The least time between two looks for late tasks: the resolution of the driver's timer.
pub(crate) const LATE_PAUSE: Duration = Duration::from_millis(1);

/// How often the pause between two looks for held back results is doubled while no worker gives a result: a task that
/// takes seconds is not looked at ten thousand times a second.
pub(crate) const COLLECT_DOUBLINGS: u32 = 5;

/// A run that is longer than expected counts as one part of so many in the new estimate. A function that is mostly short,
/// but not always, must soon count as long, because every task behind it pays for the error.
pub(crate) const LONGER_RUN: u64 = 2;

/// A run that is shorter than expected counts as one part of so many.
pub(crate) const SHORTER_RUN: u64 = 8;

/// What a share is charged for a function that has never finished, until it has.
pub(crate) const UNKNOWN_RUN: Duration = Duration::from_millis(10);

/// How much longer the levels above a level are served than that level, while both have tasks. Also after how many tasks
/// of unknown length a level has its turn.
pub(crate) const ABOVE: u64 = 16;

/// How many shares without a waiting task are remembered because they have had more time than others.
pub(crate) const REMEMBERED_SHARES: usize = 1024;

/// How many affinity keys a generation has. The pool remembers between one and two generations.
pub(crate) const AFFINITY_KEYS: usize = 4096;

/// How many times ready workers may exit without having begun a task before that counts as a failed start. More than one,
/// because an operator may kill a new worker; few, because a worker that always exits after its initializer would
/// otherwise be restarted at full speed.
pub(crate) const UNUSED_EXITS: u32 = 3;

/// The least pause after a failed start.
pub(crate) const LEAST_START_PAUSE: Duration = Duration::from_millis(1);

/// One worker in so many may be replaced at a time, because replacements come on top of the pool's size.
pub(crate) const REPLACED_AT_ONCE: usize = 4;

/// A worker is replaced when less than one part in so many of its tasks is left, so that its replacement is ready in time.
pub(crate) const NEAR_LIMIT: u64 = 8;

/// In so many steps the task limits and ages of workers are spread. Workers that started together would else be replaced
/// together, and the pool would be empty meanwhile.
pub(crate) const SPREAD_STEPS: u64 = 8;

/// The length of a step of the task limit, as a part of the limit.
pub(crate) const TASK_LIMIT_STEP: u64 = 16;

/// The length of a step of the age limit, as a part of the limit.
pub(crate) const AGE_STEP: u32 = 64;

/// A table or flow with more places than this gives its memory back when it is empty.
pub(crate) const KEPT_PLACES: usize = 4096;

/// A map of shares with more places than this gives its memory back when no task waits.
pub(crate) const KEPT_SHARES: usize = 64;
