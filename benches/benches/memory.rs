//! What a task that waits costs the parent's memory: bytes of the allocator's, beyond its arguments.
//!
//! procpool with two workers that are busy, and `spawn_blocking` with two threads that are. The handles
//! are kept in a vector, which counts. Allocators round up, and add words of their own; those don't.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use peak_alloc::PeakAlloc;
use procpool::{ProcessPool, TaskState};
use procpool_benches::{Goals, Mode, Table, Threads, increment, roles};
use tokio::runtime::Builder;
use tokio::task;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// As the tasks of `fan_out`.
const TASKS: usize = 100_000;

/// Of each of them.
const ARGUMENTS: usize = size_of::<u64>();

fn main() {
    roles::init();
    if !Mode::asks_for("memory") {
        return;
    }
    let mode = Mode::from_args();
    let tasks = mode.pick(TASKS, 100);
    let title = format!("memory: each of {tasks} tasks that wait, beyond its arguments");
    let mut table = Table::new(title, &[Threads::NAME]).unit("bytes");
    for _ in 0..mode.pick(5, 1) {
        table.record(POOL, of_pool(tasks));
        table.record(Threads::NAME, of_threads(tasks));
    }
    println!("{table}");
    let mut goals = Goals::new("memory");
    goals.at_most(
        "a waiting task, beyond its arguments",
        table.figure(POOL),
        300.0,
        "bytes",
    );
    goals.finish(mode);
}

const POOL: &str = "procpool";

fn of_pool(tasks: usize) -> f64 {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime should start");
    runtime.block_on(async {
        let pool = ProcessPool::builder().workers(2).build();
        let pool = pool.expect("a pool should start");
        let busy = [(); 2].map(|()| pool.run_in_process(hang, ()));
        while busy.iter().any(|task| task.state() != TaskState::Running) {
            task::yield_now().await;
        }
        let each = each_of(tasks, |number| pool.run_in_process(increment, number));
        pool.terminate().await;
        each
    })
}

fn of_threads(tasks: usize) -> f64 {
    let runtime = Builder::new_multi_thread().max_blocking_threads(2).build();
    let runtime = runtime.expect("a runtime should start");
    let context = runtime.enter();
    let (open, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    for _ in 0..2 {
        let gate = Arc::clone(&gate);
        // The first waits for the gate, the second for the first.
        task::spawn_blocking(move || {
            if let Ok(gate) = gate.lock() {
                let _ = gate.recv();
            }
        });
    }
    let each = each_of(tasks, |number| {
        task::spawn_blocking(move || increment(number))
    });
    // All of it is gone before anything else is measured.
    drop(open);
    drop(context);
    drop(runtime);
    each
}

/// Bytes for each of so many calls, as long as their handles are kept.
fn each_of<T>(tasks: usize, call: impl Fn(u64) -> T) -> f64 {
    let before = ALLOCATOR.current_usage();
    let handles: Vec<T> = (0..tasks as u64).map(call).collect();
    let bytes = ALLOCATOR.current_usage() - before;
    drop(handles);
    bytes as f64 / tasks as f64 - ARGUMENTS as f64
}

/// Until it is killed.
fn hang((): ()) {
    loop {
        thread::park();
    }
}
