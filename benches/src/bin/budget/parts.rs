//! What a task is made of, each part by itself and without a worker.
//!
//! Each part prepares what it needs, and then calls its measured function once or often, inside of which
//! alone callgrind counts. Those are not inlined, so that there is something to find.

use std::hint::black_box;
use std::process;
use std::time::{Duration, Instant};

use procpool::ProcessPool;
use procpool_scheduler::{Action, Config, FunctionKey, Scheduler, TaskId, TaskSpec, WorkerId};
use procpool_wire::{DispatchId, Encoding, Finished, FrameBuffer, Payload};
use tokio::runtime;

/// One part.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// One line.
    pub(crate) what: &'static str,
    /// The function that callgrind looks at.
    pub(crate) measured: &'static str,
    /// How many tasks go through it in a run.
    pub(crate) tasks: usize,
    pub(crate) run: fn(),
}

/// In each run.
const TASKS: usize = 16_000;

/// At once: no more than a worker may have in flight.
const BATCH: usize = 32;

impl Part {
    pub(crate) const ALL: &[Self] = &[
        Part {
            name: "submit",
            what: "`run_in_process` of a tiny task that has to wait: encoded, accepted, queued",
            measured: "submit_all",
            tasks: TASKS,
            run: submit,
        },
        Part {
            name: "dispatch",
            what: "the scheduler accepts a task and sends it to a worker that has room",
            measured: "dispatch_all",
            tasks: TASKS,
            run: schedule,
        },
        Part {
            name: "complete",
            what: "the scheduler is told that a task has ended, as of others in the same read",
            measured: "complete_all",
            tasks: TASKS,
            run: schedule,
        },
        Part {
            name: "decode",
            what: "a worker's answer: its frame, and the small tuple in it",
            measured: "decode_all",
            tasks: TASKS,
            run: decode,
        },
    ];
}

fn increment(number: u64) -> u64 {
    number + 1
}

/// On a runtime with one thread, nothing else of the pool's runs before the first await: no worker is
/// ever ready, so that every task waits.
fn submit() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime should start");
    runtime.block_on(async {
        let pool = ProcessPool::builder().workers(2).build();
        let pool = pool.expect("a pool should start");
        submit_all(&pool);
        // There is nothing to wait for: under valgrind workers do not start.
        process::exit(0)
    });
}

#[inline(never)]
fn submit_all(pool: &ProcessPool) {
    for number in 0..TASKS as u64 {
        black_box(pool.run_in_process(increment, number)).detach();
    }
}

/// Two workers, each of which is given a batch and finishes it, again and again.
fn schedule() {
    let now = Instant::now();
    let mut scheduler = Scheduler::new(Config {
        min_workers: 2,
        max_workers: 2,
        ..Config::default()
    });
    scheduler.handle_start(now);
    while let Some(action) = scheduler.poll_action() {
        if let Action::Spawn(worker) = action {
            scheduler.handle_ready(now, worker);
        }
    }
    // The function is known to be short before it is counted.
    let mut sent = Vec::with_capacity(BATCH);
    for _ in 0..64 {
        let task = scheduler.handle_submit(now, spec(), 0);
        task.expect("the queue has room");
        take_dispatched(&mut scheduler, &mut sent);
        for (worker, task) in sent.drain(..) {
            black_box(scheduler.handle_finished(now, worker, task, SHORT));
        }
    }
    for _ in 0..TASKS / BATCH {
        dispatch_all(&mut scheduler, now, &mut sent);
        assert_eq!(sent.len(), BATCH, "a worker should have room for a batch");
        complete_all(&mut scheduler, now, &mut sent);
    }
}

/// How long the tiny task runs.
const SHORT: Duration = Duration::from_micros(1);

fn spec() -> TaskSpec {
    TaskSpec::new(FunctionKey(1))
}

#[inline(never)]
fn dispatch_all(scheduler: &mut Scheduler<u64>, now: Instant, sent: &mut Vec<(WorkerId, TaskId)>) {
    for payload in 0..BATCH as u64 {
        let _ = black_box(scheduler.handle_submit(now, spec(), payload));
        take_dispatched(scheduler, sent);
    }
}

#[inline(always)]
fn take_dispatched(scheduler: &mut Scheduler<u64>, sent: &mut Vec<(WorkerId, TaskId)>) {
    while let Some(action) = scheduler.poll_action() {
        if let Action::Dispatch { worker, task, .. } = action {
            sent.push((worker, task));
        }
    }
}

#[inline(never)]
fn complete_all(scheduler: &mut Scheduler<u64>, now: Instant, sent: &mut Vec<(WorkerId, TaskId)>) {
    scheduler.begin_batch();
    for (worker, task) in sent.drain(..) {
        black_box(scheduler.handle_finished(now, worker, task, SHORT));
    }
    scheduler.end_batch(now);
}

type Answer = (u64, String, Option<f64>);

fn decode() {
    let answer: Answer = (42, "a few words".to_owned(), Some(0.5));
    let result = Encoding::payload(&answer, Vec::reserve).expect("it should be encoded");
    let dispatch_id = DispatchId { slot: 1, number: 1 };
    let finished = Finished {
        dispatch_id,
        ran: SHORT,
        needs_recycle: false,
        outcome: &result,
    };
    let head = finished.head().expect("it is short").bytes();
    let mut stream = FrameBuffer::new(Vec::reserve);
    for _ in 0..TASKS {
        stream.extend(head.as_flattened());
        stream.extend(result.bytes());
    }
    decode_all(&mut stream);
}

#[inline(never)]
fn decode_all(stream: &mut FrameBuffer) {
    let keep = |returned: Finished<&[u8]>| {
        let mut result = Payload::default();
        result.fill(returned.outcome);
        result
    };
    while let Some(result) = Finished::take_small(stream, keep) {
        let answer: Answer = result.decode().expect("it should be an answer");
        black_box(answer);
    }
}
