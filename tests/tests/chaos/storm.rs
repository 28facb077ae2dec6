//! The state that all threads of a round share, and the threads that submit.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use procpool::{AbortHandle, ProcessPool, ResizeError, Task, TaskError, TaskState};
use procpool_tests::patiently;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::deed::{Answer, Order, TRAPPED, act, act_with_trap};
use crate::intent::{Fate, Intent};
use crate::plan::Plan;
use crate::record;
use crate::rng::Rng;

/// The state that all threads of a round share.
#[derive(Debug)]
pub(crate) struct Storm {
    pub(crate) plan: Plan,
    /// Whether the end of the pool has started.
    pub(crate) ending: AtomicBool,
    /// Whether no more tasks may be submitted.
    pub(crate) over: AtomicBool,
    /// The known facts of every task.
    pub(crate) handles: Mutex<Vec<(u64, AbortHandle)>>,
    /// The handles of tasks that another thread may abort.
    pub(crate) abandoned: Mutex<Vec<AbortHandle>>,
    failures: Mutex<Vec<String>>,
    next_task: AtomicU64,
}

/// The known facts of a submitted task, apart from the record of its runs.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) task: u64,
    pub(crate) intent: Intent,
    /// Whether the pool has surely accepted it: it was not finished at once.
    pub(crate) accepted: bool,
    /// When the caller gave it up, if it did, in microseconds since 1970.
    pub(crate) given_up: Option<u64>,
    /// Whether `abort_if_queued` returned that it never runs.
    pub(crate) withdrawn: bool,
    pub(crate) end: End,
}

/// The outcome of a task, as its caller saw it.
#[derive(Debug)]
pub(crate) enum End {
    Returned,
    Failed(TaskError),
    Dropped,
    Detached,
    /// Unknown, because it was awaited elsewhere.
    Entrusted,
}

impl Storm {
    pub(crate) fn new(plan: Plan) -> Self {
        Storm {
            plan,
            ending: AtomicBool::new(false),
            over: AtomicBool::new(false),
            handles: Mutex::default(),
            abandoned: Mutex::default(),
            failures: Mutex::default(),
            next_task: AtomicU64::new(1),
        }
    }

    pub(crate) fn fail(&self, what: String) {
        lock(&self.failures).push(what);
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        lock(&self.failures).clone()
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that submits.
#[derive(Debug)]
pub(crate) struct Submitter<'a> {
    pub(crate) storm: &'a Storm,
    pub(crate) pool: ProcessPool,
    /// The pool's.
    pub(crate) runtime: Handle,
    pub(crate) rng: Rng,
    /// Dropped with this, which shows that all its tasks are finished.
    pub(crate) _done: mpsc::Sender<Infallible>,
}

impl<'a> Submitter<'a> {
    /// Submits tasks until the storm is over, and then waits for those in flight. The tasks are awaited on
    /// another runtime than the pool's.
    pub(crate) fn run(mut self) -> Vec<Story> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut stories = Vec::new();
            let mut open = FuturesUnordered::new();
            while !self.storm.is_over() {
                while open.len() < self.storm.plan.at_once {
                    open.push(self.task());
                }
                if let Some(story) = patiently(open.next()).await {
                    stories.push(story);
                }
                if self.rng.chance(5) {
                    // Long enough for workers to become idle, and sometimes for longer.
                    sleep(self.rng.up_to_millis(40)).await;
                }
                if self.storm.plan.restless && self.rng.chance(20) {
                    self.change_the_pool();
                }
                // Lets the other futures of this thread, and its timer, run.
                tokio::task::yield_now().await;
            }
            drop(self.pool);
            while let Some(story) = patiently(open.next()).await {
                stories.push(story);
            }
            stories
        })
    }

    /// Resizes the pool, warms it up, or runs a broadcast. The pool must be able to end meanwhile.
    fn change_the_pool(&mut self) {
        let storm = self.storm;
        let is_ending = || storm.is_ending();
        let pool = self.pool.clone();
        match self.rng.index(4) {
            0 | 1 => {
                let max = 1 + self.rng.index(4);
                let size = self.rng.index(max + 1)..=max;
                match pool.resize(size) {
                    Ok(()) => {}
                    Err(error) if error == ResizeError::PoolClosed && is_ending() => {}
                    Err(error) => storm.fail(format!("a pool keeps its size: {error}")),
                }
            }
            2 => drop(
                self.runtime
                    .spawn(async move { pool.warm_up().await.is_ok() }),
            ),
            _ => drop(self.runtime.spawn(pool.broadcast(nothing, ()))),
        }
    }

    /// Submits a task at once. The returned future handles the rest of its life.
    fn task(&mut self) -> LocalBoxFuture<'a, Story> {
        let intent = Intent::new(&mut self.rng, &self.storm.plan);
        let number = self.storm.next_task.fetch_add(1, Ordering::Relaxed);
        let order = Order::new(number, intent.deed);
        let pool = self.pool.with(intent.limits.options());
        let through = Through {
            storm: self.storm,
            runtime: self.runtime.clone(),
            number,
            intent,
        };
        match through.intent.trap() {
            Some(trap) => {
                let task = pool.run_in_process(act_with_trap, (order, trap));
                Box::pin(through.see(task, |(answer, _)| answer))
            }
            None => {
                let function = match through.intent.way {
                    0 => act::<0>,
                    1 => act::<1>,
                    _ => act::<2>,
                };
                Box::pin(through.see(pool.run_in_process(function, order), |answer| answer))
            }
        }
    }
}

/// A function that every worker can run as a broadcast.
fn nothing((): ()) {}

/// Handles one task until its end.
#[derive(Debug)]
struct Through<'a> {
    storm: &'a Storm,
    runtime: Handle,
    number: u64,
    intent: Intent,
}

impl Through<'_> {
    async fn see<R>(self, mut task: Task<R>, answer: fn(R) -> Answer) -> Story
    where
        R: DeserializeOwned + 'static,
    {
        let accepted = task.state() != TaskState::Finished;
        let handle = task.abort_handle();
        lock(&self.storm.handles).push((self.number, handle.clone()));
        let (mut given_up, mut withdrawn) = (None, false);
        let mut result = None;
        match self.intent.fate {
            Fate::Await => {}
            Fate::LeaveToOthers => lock(&self.storm.abandoned).push(handle.clone()),
            Fate::Detach => {
                task.detach();
                return self.story(accepted, None, false, End::Detached);
            }
            Fate::Entrust => {
                self.runtime.spawn(async { drop(task.await) });
                return self.story(accepted, None, false, End::Entrusted);
            }
            Fate::DropAfter(after) | Fate::AbortAfter(after) | Fate::WithdrawAfter(after) => {
                result = ended_within(&mut task, after).await;
            }
        }
        if result.is_none() {
            match self.intent.fate {
                Fate::DropAfter(_) => {
                    drop(task);
                    return self.story(accepted, Some(record::now()), false, End::Dropped);
                }
                Fate::AbortAfter(_) => {
                    task.abort();
                    given_up = Some(record::now());
                }
                Fate::WithdrawAfter(_) => withdrawn = handle.abort_if_queued(),
                _ => {}
            }
        }
        let result = match result {
            Some(result) => result,
            None => patiently(task).await,
        };
        if !handle.is_finished() || handle.abort_if_queued() {
            self.fail("it is over, and its handle says that it is not");
        }
        let end = match result.map(answer) {
            Ok(answer) => {
                if answer != Answer::expected(self.number, self.intent.deed, self.way()) {
                    self.fail("it has another task's result");
                }
                End::Returned
            }
            Err(error) => {
                if matches!(error, TaskError::PoolClosed) && !self.storm.is_ending() {
                    self.fail("it is told that the pool is closed, which it is not");
                }
                if matches!(error, TaskError::PoolClosed | TaskError::QueueFull) {
                    // Otherwise the number of refused tasks would be unlimited.
                    sleep(Duration::from_millis(1)).await;
                }
                End::Failed(error)
            }
        };
        self.story(accepted, given_up, withdrawn, end)
    }

    fn way(&self) -> u8 {
        match self.intent.snare {
            Some(_) => TRAPPED,
            None => self.intent.way,
        }
    }

    fn fail(&self, what: &str) {
        let (number, intent) = (self.number, &self.intent);
        self.storm
            .fail(format!("task {number}: {what}; {intent:?}"));
    }

    fn story(self, accepted: bool, given_up: Option<u64>, withdrawn: bool, end: End) -> Story {
        Story {
            task: self.number,
            intent: self.intent,
            accepted,
            given_up,
            withdrawn,
            end,
        }
    }
}

/// Returns the outcome of the task if it finishes before the time is over. Without time it is not polled.
async fn ended_within<R: DeserializeOwned + 'static>(
    task: &mut Task<R>,
    time: Duration,
) -> Option<Result<R, TaskError>> {
    if time.is_zero() {
        return None;
    }
    tokio::select! {
        result = task => Some(result),
        () = sleep(time) => None,
    }
}
