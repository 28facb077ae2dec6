//! Results that a worker batches, to send many of them in one write, are neither lost nor late.
//!
//! In each test, one worker has three calls of one function that is known to be short. The first one waits
//! at a gate, so the second and the third are sent to the worker in time for it to run them in a
//! row.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::join_all;
use procpool::{ProcessPool, Task};
use procpool_tests::{Gate, Visitor, kill, patiently, visit};

/// The action of a call.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum What {
    Return,
    /// Runs a little longer than results may be held back.
    Compute,
    Visit,
    Die,
}

fn perform((gate, what): (PathBuf, What)) {
    match what {
        What::Return => {}
        What::Compute => {
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(120) {}
        }
        What::Visit => {
            let _ = visit(gate);
        }
        What::Die => kill(std::process::id()),
    }
}

/// Returns the second and the third call, after the first one was let go. `usual` is the usual action of the function.
async fn short_and_then(gate: &Gate, usual: What, last: What) -> (ProcessPool, Task<()>, Task<()>) {
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    let call = |what| pool.run_in_process(perform, (gate.path(), what));
    for known in join_all((0..3).map(|_| call(usual))).await {
        known.expect("it returns");
    }
    let first = call(What::Visit);
    let visitor: Visitor = gate.visitor().await;
    let (second, third) = (call(What::Return), call(last));
    visitor.let_go().await;
    patiently(first).await.expect("it was let go");
    (pool, second, third)
}

#[procpool::test]
async fn a_batched_result_outlives_its_worker() {
    for _ in 0..20 {
        let gate = Gate::open();
        let (_pool, short, fatal) = short_and_then(&gate, What::Return, What::Die).await;
        patiently(short).await.expect("it had ended before");
        let error = patiently(fatal).await.expect_err("its worker has died");
        assert!(error.is_worker_exited(), "{error}");
    }
}

/// Tests both a function known to be short, for whose results the pool looks, and one that is not, whose
/// results are not held back.
#[procpool::test]
async fn a_result_does_not_wait_for_the_end_of_the_next_task() {
    for usual in [What::Return, What::Compute] {
        for _ in 0..20 {
            let gate = Gate::open();
            let (_pool, short, long) = short_and_then(&gate, usual, What::Visit).await;
            let visitor = gate.visitor().await;
            patiently(short).await.expect("it has ended");
            visitor.let_go().await;
            patiently(long).await.expect("it was let go");
        }
    }
}
