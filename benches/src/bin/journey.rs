//! Where the microseconds of a round trip go.
//!
//! ```sh
//! cargo run --release -p procpool-benches --bin journey                # a table
//! cargo run --release -p procpool-benches --bin journey -- --only 20000  # so many calls, for strace or perf to watch
//! ```
//!
//! A task that returns the time at which it runs, by the clock that all processes have in common, cuts a
//! round trip in two: the way there, at whose end the function runs, and the way back, at whose end the
//! caller has the result. How long the call itself takes, which encodes, decides and writes to the
//! worker's socket, is a part of the first; but where a processor is short, the kernel may run the
//! worker before the call has returned. A bare ping-pong in the same run shows what sleeping and waking
//! up take.
#![forbid(unsafe_code)]

use std::error::Error;
use std::time::{Duration, Instant};

use procpool::ProcessPool;
use procpool_benches::{Elsewhere, Floor, Samples, Table, cpu, roles, runtime};
use tokio::time;

/// In each round.
const CALLS: usize = 2_000;

/// The same with a pause before each.
const PAUSED_CALLS: usize = 200;
const PAUSE: Duration = Duration::from_millis(2);

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    roles::init();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = runtime::current_thread();
    match arguments[..] {
        [] => runtime.block_on(table()),
        ["--only", calls] => runtime.block_on(only(calls.parse()?)),
        _ => return Err("the only argument that there is: --only, with a number of calls".into()),
    }
    Ok(())
}

/// What one round trip's parts took.
#[derive(Default)]
struct Parts {
    call: Samples,
    there: Samples,
    back: Samples,
    whole: Samples,
}

async fn table() {
    let pool = start().await;
    let mut floor = Floor::start(8);
    let mut table = Table::new(
        "journey: p50 of each part of a round trip",
        &["floor, at once"],
    );
    for _ in 0..ROUNDS {
        for (when, calls, pause) in [
            ("at once", CALLS, None),
            ("asleep", PAUSED_CALLS, Some(PAUSE)),
        ] {
            let parts = parts(&pool, calls, pause).await;
            let named = [
                ("until the function runs", &parts.there),
                ("from there to the caller", &parts.back),
                ("whole", &parts.whole),
                ("the call itself", &parts.call),
            ];
            for (part, samples) in named {
                table.record(&format!("{part}, {when}"), samples.p50());
            }
            let mut samples = Samples::with_capacity(calls);
            for number in 0..calls {
                sleep(pause).await;
                let began = Instant::now();
                floor.increment(number as u64).await;
                samples.add_since(began);
            }
            table.record(&format!("floor, {when}"), samples.p50());
        }
    }
    println!("{table}");
    pool.shutdown().await;
}

async fn only(calls: usize) {
    let pool = start().await;
    let parts = parts(&pool, calls, None).await;
    println!("{calls} round trips, p50 {:.1} µs", parts.whole.p50());
    pool.shutdown().await;
}

async fn start() -> ProcessPool {
    let pool = ProcessPool::builder().workers(1).build();
    let pool = pool.expect("a pool should start");
    pool.warm_up().await.expect("its worker should start");
    pool
}

async fn parts(pool: &ProcessPool, calls: usize, pause: Option<Duration>) -> Parts {
    let mut parts = Parts::default();
    for _ in 0..calls {
        sleep(pause).await;
        let began = cpu::monotonic_nanos();
        let task = pool.run_in_process(|()| cpu::monotonic_nanos(), ());
        let called = cpu::monotonic_nanos();
        let ran = task.await.expect("a tiny task should not fail");
        let ended = cpu::monotonic_nanos();
        let between = |from: u64, to: u64| Duration::from_nanos(to.saturating_sub(from));
        parts.call.add(between(began, called));
        parts.there.add(between(began, ran));
        parts.back.add(between(ran, ended));
        parts.whole.add(between(began, ended));
    }
    parts
}

async fn sleep(pause: Option<Duration>) {
    if let Some(pause) = pause {
        time::sleep(pause).await;
    }
}
