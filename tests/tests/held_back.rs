//! Results that a worker gathers, to write many of them at once, are neither lost nor late.
//!
//! In each test three calls of one function, which has shown itself rather short, are with one worker: the
//! first waits at a gate, so that the second and the third are with the worker in time for it to run
//! them in a row.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::join_all;
use procpool::{ProcessPool, Task};
use procpool_tests::{Gate, Visitor, kill, patiently, visit};

/// What a call does.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum What {
    Return,
    /// For a little longer than results may be held back.
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

/// The second and the third call; the first has just been let go. `usual` is what the function was seen to do.
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
async fn a_result_that_was_gathered_outlives_its_worker() {
    for _ in 0..20 {
        let gate = Gate::open();
        let (_pool, short, fatal) = short_and_then(&gate, What::Return, What::Die).await;
        patiently(short).await.expect("it had ended before");
        let error = patiently(fatal).await.expect_err("its worker has died");
        assert!(error.is_worker_exited(), "{error}");
    }
}

/// Be it that the function is known to be short, so that it is looked for such results, or that it is not, so that
/// there are none.
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
