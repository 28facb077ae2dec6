//! Tasks of very different durations, on two workers: whether a pool keeps its workers busy, and whether
//! short tasks wait behind long ones.
//!
//! The first table: 10 000 tasks whose durations are log-normal from 10 µs to 50 ms, all at once; procpool,
//! `spawn_blocking` with two threads, rayon, procspawn, both of Python's classes, and the ideal, which is
//! half of the tasks' time.
//!
//! Who awaits them is a task of the runtime; of procpool and rayon there is a row more each, from `block_on`.
//!
//! The second: one task of 50 ms after the other, and meanwhile tasks of 10 µs, two at once every other
//! millisecond. One worker is always free for them. How long each waits besides its 10 µs, on procpool
//! and on rayon.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use futures::future::join;
use procpool::ProcessPool;
use procpool_benches::burners::log_normal;
use procpool_benches::cpu::{self, burn};
use procpool_benches::{Burners, Goals, Mode, Rayon, Samples, Table, roles};
use tokio::time;

/// All at once.
const TASKS: usize = 10_000;

const SHORTEST: Duration = Duration::from_micros(10);
const LONGEST: Duration = Duration::from_millis(50);

/// With this spread around it the tasks are together as long as 3.5 s, and a few reach the limits.
const MEDIAN: Duration = Duration::from_micros(100);
const SIGMA: f64 = 1.6;

/// Between pairs of short tasks.
const PAUSE: Duration = Duration::from_millis(2);

/// A short task that waited as long as this waited behind a long one: nothing else takes so long.
const BEHIND: Duration = Duration::from_millis(10);

fn main() {
    roles::init();
    if !Mode::asks_for("uneven") {
        return;
    }
    let mode = Mode::from_args();
    let mut burners = Burners::start();
    let mut goals = Goals::new("uneven");
    makespan(&mut burners, mode, &mut goals);
    waits(&burners, mode, &mut goals);
    goals.finish(mode);
}

fn makespan(burners: &mut Burners, mode: Mode, goals: &mut Goals) {
    let tasks = mode.pick(TASKS, 100);
    let durations = log_normal(tasks, MEDIAN, SIGMA, SHORTEST, LONGEST);
    let title = format!("uneven: {tasks} log-normal tasks of {SHORTEST:?} to {LONGEST:?} at once");
    let table = burners.compare(&title, &durations, mode.pick(5, 1));
    println!("{table}");
    let of_rayon = table.ratio(Burners::PROCPOOL, Rayon::NAME);
    goals.at_most(
        "makespan of log-normal tasks, of rayon",
        of_rayon,
        1.03,
        "×",
    );
}

fn waits(burners: &Burners, mode: Mode, goals: &mut Goals) {
    let pairs = mode.pick(500, 10);
    let title = |what| {
        format!(
            "uneven: {what} wait of {} tasks of {SHORTEST:?} among {LONGEST:?}",
            2 * pairs
        )
    };
    let mut p50 = Table::new(title("p50"), &[Rayon::NAME]);
    let mut p99 = Table::new(title("p99"), &[Rayon::NAME]);
    let mut behind =
        Table::new("uneven: how many of them waited behind a long one", &[]).unit("tasks");
    for _ in 0..mode.pick(5, 1) {
        let runtime = burners.runtime();
        let pool = burners.pool();
        let rayon = burners.rayon();
        let on_pool = runtime.block_on(among_long_ones(pairs, |steps| {
            let task = on_pool(pool, steps);
            async { task.await.map_err(drop) }
        }));
        let on_rayon = runtime.block_on(among_long_ones(pairs, |steps| {
            let task = rayon.spawn(move || burn(steps));
            async { task.await.map_err(drop) }
        }));
        for (name, samples) in [(Burners::PROCPOOL, on_pool), (Rayon::NAME, on_rayon)] {
            p50.record(name, samples.p50());
            p99.record(name, samples.p99());
            behind.record(name, samples.longer_than(BEHIND) as f64);
        }
    }
    println!("{p50}{p99}{behind}");
    goals.at_most(
        "tasks that waited behind a long one while a worker was free",
        behind.figure(Burners::PROCPOOL),
        0.0,
        "tasks",
    );
    let wait = p99.figure(Burners::PROCPOOL);
    goals.at_most(
        "p99 wait of a short task among long ones, of a long one's duration",
        wait.map(|micros| micros.scaled(1e-6 / LONGEST.as_secs_f64())),
        0.1,
        "×",
    );
}

fn on_pool(pool: &ProcessPool, steps: u64) -> procpool::Task<u64> {
    pool.run_in_process(burn, steps)
}

/// How long so many pairs of short tasks wait while there is always a long one.
async fn among_long_ones<F, R>(pairs: usize, call: impl Fn(u64) -> F) -> Samples
where
    F: Future<Output = Result<u64, R>>,
    R: std::fmt::Debug,
{
    let (short, long) = (cpu::steps(SHORTEST), cpu::steps(LONGEST));
    let mut samples = Samples::with_capacity(2 * pairs);
    let short_ones = async {
        for _ in 0..pairs {
            time::sleep(PAUSE).await;
            let began = Instant::now();
            let one = async {
                call(short).await.expect("a task should not fail");
                began.elapsed().saturating_sub(SHORTEST)
            };
            let other = async {
                call(short).await.expect("a task should not fail");
                began.elapsed().saturating_sub(SHORTEST)
            };
            let (one, other) = join(one, other).await;
            samples.add(one);
            samples.add(other);
        }
    };
    let long_ones = async {
        loop {
            call(long).await.expect("a task should not fail");
        }
    };
    tokio::select! {
        () = short_ones => {}
        () = long_ones => {}
    }
    samples
}
