//! What a task costs the parent's processor, whatever waits and however many work.
//!
//! procpool alone: with two workers and one to a million tiny tasks queued at once, and with 100 000 tasks on
//! two to 64 workers. Less than a batch has its way to itself, so that what is flat is the row from a
//! batch on.
#![forbid(unsafe_code)]

use futures::future::join_all;
use procpool::ProcessPool;
use procpool_benches::{Goals, Mode, Table, cpu, increment, roles, runtime};
use tokio::runtime::Runtime;

/// Tasks at once on two workers.
const QUEUES: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// What the others are compared with: some batches for each worker.
const SHORT_QUEUE: usize = 1_000;

const WORKERS: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// Of the second table.
const TASKS: usize = 100_000;

/// How much more may still be called flat.
const FLAT: f64 = 1.25;

fn main() {
    roles::init();
    if !Mode::asks_for("parent_cpu") {
        return;
    }
    let mode = Mode::from_args();
    let runtime = runtime::multi_thread();
    let mut goals = Goals::new("parent_cpu");
    queues(&runtime, mode, &mut goals);
    workers(&runtime, mode, &mut goals);
    goals.finish(mode);
}

fn queues(runtime: &Runtime, mode: Mode, goals: &mut Goals) {
    let pool = start(runtime, 2);
    let name = |tasks| format!("{tasks} queued");
    let mut table = Table::new("parent_cpu: processor time of the parent for a task", &[]);
    for _ in 0..mode.pick(5, 1) {
        for tasks in QUEUES {
            let tasks = mode.pick(tasks, tasks.min(100));
            table.record(
                &name(tasks),
                for_each(runtime, &pool, tasks, mode.pick(20_000, 1)),
            );
        }
    }
    println!("{table}");
    let of_short = |tasks| table.ratio(&name(tasks), &name(SHORT_QUEUE));
    for tasks in [1, 100_000, 1_000_000] {
        let what = format!("{tasks} queued, of {SHORT_QUEUE} queued");
        // One task at a time has a write, a read and two wake-ups for itself.
        if tasks > SHORT_QUEUE {
            goals.at_most(what, of_short(tasks), FLAT, "×");
        }
    }
    shutdown(runtime, pool);
}

fn workers(runtime: &Runtime, mode: Mode, goals: &mut Goals) {
    let tasks = mode.pick(TASKS, 100);
    let name = |workers| format!("{workers} workers");
    let title =
        format!("parent_cpu: processor time of the parent for each of {tasks} tasks at once");
    let mut table = Table::new(title, &[]);
    let counts = &WORKERS[..mode.pick(WORKERS.len(), 2)];
    // All are there at once, for an idle pool costs nothing, and each has had its turn before the first round: what a new
    // worker costs at first is no task's.
    let pools: Vec<_> = counts
        .iter()
        .map(|&workers| (workers, start(runtime, workers)))
        .collect();
    for round in 0..=mode.pick(5, 1) {
        for (workers, pool) in &pools {
            let each = for_each(runtime, pool, tasks, tasks);
            if round > 0 {
                table.record(&name(*workers), each);
            }
        }
    }
    for (_, pool) in pools {
        shutdown(runtime, pool);
    }
    println!("{table}");
    let worst = counts
        .iter()
        .filter_map(|&workers| table.ratio(&name(workers), &name(2)))
        .max_by(|one, other| one.median.total_cmp(&other.median));
    goals.at_most(
        "the dearest of 2 to 64 workers, of 2 workers",
        worst,
        FLAT,
        "×",
    );
}

fn start(runtime: &Runtime, workers: usize) -> ProcessPool {
    runtime.block_on(async {
        let pool = ProcessPool::builder().workers(workers).build();
        let pool = pool.expect("a pool should start");
        pool.warm_up().await.expect("its workers should start");
        // Its pages are touched, and the tasks are known to be short.
        for _ in 0..20 {
            join_all((0..64).map(|number| pool.run_in_process(increment, number))).await;
        }
        pool
    })
}

fn shutdown(runtime: &Runtime, pool: ProcessPool) {
    runtime.block_on(pool.shutdown());
}

/// Microseconds of processor time for each task, of `tasks` at once, as often as it takes for `least` of
/// them in all.
fn for_each(runtime: &Runtime, pool: &ProcessPool, tasks: usize, least: usize) -> f64 {
    let times = least.div_ceil(tasks).max(1);
    let pool = pool.clone();
    let run = async move {
        let before = cpu::spent();
        for _ in 0..times {
            let calls = (0..tasks as u64).map(|number| pool.run_in_process(increment, number));
            for result in join_all(calls).await {
                result.expect("a tiny task should not fail");
            }
        }
        cpu::spent() - before
    };
    let spent = runtime.block_on(runtime.spawn(run));
    let spent = spent.expect("it should not panic");
    spent.as_secs_f64() * 1e6 / (times * tasks) as f64
}
