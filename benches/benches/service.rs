//! The load of a web service: requests that arrive on their own, each of which computes for 2 ms.
//!
//! A thread starts a task of the runtime for each request. The arrivals are a Poisson process, and don't wait for the answers (an
//! open loop): a request that arrives while all workers are busy waits in the pool's queue. The request and the
//! answer are 4 KiB of text each.
//!
//! The latency of a request counts from the moment at which it was to arrive, not from when the thread started its task. So a
//! request that is started late, since the thread was given no processor, has waited for that as well, and no slow moment is
//! left out (*coordinated omission*).
//!
//! procpool with a worker a processor, beside `spawn_blocking` with a thread a processor, at 60 % and 90 % of what the
//! processors can compute. Both get the same arrivals in a round. The runtime has a thread a processor.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::join_all;
use procpool::ProcessPool;
use procpool_benches::cpu::{self, burn};
use procpool_benches::{Goals, Mode, Random, Samples, Table, Threads, roles};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::task;

/// How long a request computes.
const COMPUTING: Duration = Duration::from_millis(2);

/// Bytes of a request, and of its answer.
const BODY: usize = 4 << 10;

/// A share of the processors' time that the requests compute for, in percent, and the latency that procpool is to reach, as a
/// multiple of `spawn_blocking`'s.
struct Load {
    percent: u32,
    bound: f64,
}

/// The nearer a queue is to its limit, the more any work beside the computing lengthens it: at 90 % one percent of it
/// makes the latency a tenth longer.
const LOADS: [Load; 2] = [
    Load {
        percent: 60,
        bound: 1.1,
    },
    Load {
        percent: 90,
        bound: 1.5,
    },
];

/// For how long requests arrive in a round.
const ROUND: Duration = Duration::from_secs(4);

/// The same in a quick run.
const QUICK_ROUND: Duration = Duration::from_millis(50);

const POOL: &str = "procpool";

/// A round begins so long after the thread has prepared it.
const LEAD: Duration = Duration::from_millis(5);

fn main() {
    roles::init();
    if !Mode::asks_for("service") {
        return;
    }
    let mode = Mode::from_args();
    let mut goals = Goals::new("service");
    let service = Service::start();
    for load in LOADS {
        compare(&service, &load, mode, &mut goals);
    }
    goals.finish(mode);
}

fn compare(service: &Service, load: &Load, mode: Mode, goals: &mut Goals) {
    let &Load { percent, bound } = load;
    let length = match mode {
        Mode::Quick => QUICK_ROUND,
        Mode::Full | Mode::Profile => ROUND,
    };
    let title = |what| format!("service/{percent} %: {what} latency of requests of {COMPUTING:?}");
    let table = |what| Table::new(title(what), &[Threads::NAME]);
    let mut tables = [table("p50"), table("p99"), table("p99.9")];
    let mut random = Random::new(u64::from(percent));
    for _ in 0..mode.pick(5, 1) {
        let arrivals = arrivals(&mut random, service.processors, percent, length);
        let of_pool = service.on_pool(&arrivals);
        let of_threads = service.on_threads(&arrivals);
        for (name, samples) in [(POOL, of_pool), (Threads::NAME, of_threads)] {
            let figures = [samples.p50(), samples.p99(), samples.p999()];
            for (table, figure) in tables.iter_mut().zip(figures) {
                table.record(name, figure);
            }
        }
    }
    for table in &tables {
        println!("{table}");
    }
    let [p50, p99, _] = tables;
    for (what, table) in [("p50", p50), ("p99", p99)] {
        goals.at_most(
            format!("{percent} %: {what} of the latency, of spawn_blocking"),
            table.ratio(POOL, Threads::NAME),
            bound,
            "×",
        );
    }
}

/// When requests arrive, from the beginning of the round.
fn arrivals(
    random: &mut Random,
    processors: usize,
    percent: u32,
    length: Duration,
) -> Vec<Duration> {
    let mean = COMPUTING.mul_f64(100.0 / (f64::from(percent) * processors as f64));
    let mut arrivals = Vec::new();
    let mut next = Duration::ZERO;
    loop {
        // The pauses of a Poisson process are exponential.
        next += mean.mul_f64(-random.uniform().ln());
        if next >= length {
            return arrivals;
        }
        arrivals.push(next);
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    steps: u64,
    body: String,
}

/// Computes, and answers with the request's text.
fn answer(request: Request) -> String {
    black_box(burn(request.steps));
    request.body
}

/// Both contenders, on one runtime.
struct Service {
    runtime: Runtime,
    pool: ProcessPool,
    processors: usize,
    steps: u64,
}

impl Service {
    fn start() -> Self {
        let processors = thread::available_parallelism().map_or(1, Into::into);
        let runtime = Builder::new_multi_thread()
            .max_blocking_threads(processors)
            .enable_all()
            .build()
            .expect("a runtime should start");
        let pool = runtime.block_on(async {
            let pool = ProcessPool::builder().workers(processors).build();
            let pool = pool.expect("a pool should start");
            pool.warm_up().await.expect("its workers should start");
            pool
        });
        Service {
            runtime,
            pool,
            processors,
            steps: cpu::steps(COMPUTING),
        }
    }

    fn on_pool(&self, arrivals: &[Duration]) -> Samples {
        self.serve(arrivals, |request| {
            let pool = self.pool.clone();
            async move {
                let task = pool.run_in_process(answer, request);
                task.await.expect("a request should not fail")
            }
        })
    }

    fn on_threads(&self, arrivals: &[Duration]) -> Samples {
        self.serve(arrivals, |request| async {
            let handle = task::spawn_blocking(|| answer(request));
            handle.await.expect("a request should not fail")
        })
    }

    /// Starts each request when it arrives, and gives the latencies.
    fn serve<F>(&self, arrivals: &[Duration], call: impl Fn(Request) -> F) -> Samples
    where
        F: Future<Output = String> + Send + 'static,
    {
        let body = "x".repeat(BODY);
        let began = Instant::now() + LEAD;
        let mut requests = Vec::with_capacity(arrivals.len());
        for &arrival in arrivals {
            let due = began + arrival;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let answered = call(Request {
                steps: self.steps,
                body: body.clone(),
            });
            requests.push(self.runtime.spawn(async move {
                let body = answered.await;
                let latency = due.elapsed();
                assert_eq!(body.len(), BODY);
                latency
            }));
        }
        let mut samples = Samples::with_capacity(requests.len());
        for latency in self.runtime.block_on(join_all(requests)) {
            samples.add(latency.expect("a request should not panic"));
        }
        samples
    }
}
