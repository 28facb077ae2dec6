//! The size of chunks that a map chooses by itself, beside the best of a sweep by hand.
//!
//! Four shapes of work, in one run and in turns: tiny items; items of a millisecond each; items from ten
//! microseconds to fifty milliseconds, log-normal; and one giant among small ones. Each with two
//! workers, the results in order. The best of the sweep is another size for each shape, which nobody
//! knows beforehand.
#![forbid(unsafe_code)]

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use futures::StreamExt;
use procpool::ProcessPool;
use procpool_benches::burners::log_normal;
use procpool_benches::cpu::{burn, steps};
use procpool_benches::{Goals, Mode, Table, roles, runtime};
use tokio::runtime::Runtime;

const AUTOMATIC: &str = "automatic";

/// How much longer than with the best size it may take.
const MOST: f64 = 1.1;

/// One shape of work: what it is called, how many steps each item takes, and the sizes by hand.
struct Shape {
    name: &'static str,
    items: Vec<u64>,
    sizes: &'static [usize],
}

fn main() {
    roles::init();
    if !Mode::asks_for("chunks") {
        return;
    }
    let mode = Mode::from_args();
    let runtime = runtime::multi_thread();
    let pool = runtime.block_on(async {
        let pool = ProcessPool::builder().workers(2).build();
        let pool = pool.expect("a pool should start");
        pool.warm_up().await.expect("its workers should start");
        pool
    });
    let mut goals = Goals::new("chunks");
    for shape in shapes(mode) {
        let mut table = Table::new(format!("chunks: {}", shape.name), &[AUTOMATIC]);
        for _ in 0..mode.pick(5, 1) {
            table.record(AUTOMATIC, run(&runtime, &pool, &shape.items, None));
            for &size in shape.sizes {
                let took = run(&runtime, &pool, &shape.items, Some(size));
                table.record(&by_hand(size), took);
            }
        }
        println!("{table}");
        // Not the best of each round: of several figures of a busy machine the least is luck.
        let median = |size: &usize| table.figure(&by_hand(*size)).map(|figure| figure.median);
        let order = |a: &&usize, b: &&usize| median(a).partial_cmp(&median(b));
        let best = shape
            .sizes
            .iter()
            .min_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
        let ratio = best.and_then(|best| table.ratio(AUTOMATIC, &by_hand(*best)));
        goals.at_most(shape.name, ratio, MOST, "×");
    }
    goals.finish(mode);
}

fn shapes(mode: Mode) -> [Shape; 4] {
    let few = mode.pick(1, 20);
    let uneven = log_normal(
        1_000 / few,
        Duration::from_millis(1),
        1.5,
        Duration::from_micros(10),
        Duration::from_millis(50),
    );
    let mut giant = vec![steps(Duration::from_micros(50)); 10_000 / few];
    giant[0] = steps(Duration::from_millis(250 / few as u64));
    [
        Shape {
            name: "tiny items",
            items: vec![0; 1_000_000 / few],
            sizes: &[1_000, 10_000, 100_000],
        },
        Shape {
            name: "items of 1 ms",
            items: vec![steps(Duration::from_millis(1)); 600 / few],
            sizes: &[1, 4, 16, 64],
        },
        Shape {
            name: "log-normal, 10 µs to 50 ms",
            items: uneven.into_iter().map(steps).collect(),
            sizes: &[1, 4, 16, 64],
        },
        Shape {
            name: "one giant among small",
            items: giant,
            sizes: &[1, 16, 64, 512],
        },
    ]
}

fn by_hand(size: usize) -> String {
    format!("{size} by hand")
}

/// How long all items take, in microseconds.
fn run(runtime: &Runtime, pool: &ProcessPool, items: &[u64], size: Option<usize>) -> f64 {
    let (pool, items) = (pool.clone(), items.to_vec());
    let run = runtime.spawn(async move {
        let count = items.len();
        let began = Instant::now();
        let results = pool.map(burn, items);
        let mut results = match size {
            Some(size) => results.chunk_size(size),
            None => results,
        };
        let mut given = 0;
        while let Some(result) = results.next().await {
            result.expect("an item should not fail");
            given += 1;
        }
        assert_eq!(given, count);
        began.elapsed().as_secs_f64() * 1e6
    });
    runtime.block_on(run).expect("it should not panic")
}
