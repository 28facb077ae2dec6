//! Workers that leave their processor to who wakes up.

use std::time::{Duration, Instant};

use procpool::ProcessPool;
use procpool_os::turn;
use procpool_tests::patiently;

/// What runs for so long is long.
const LONG: Duration = Duration::from_millis(5);

/// The length of its worker's turns, after it has run for so long.
fn length_after(time: Duration) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
    turn::length()
}

#[procpool::test]
async fn what_follows_a_long_task_has_long_turns_and_a_worker_that_waits_has_not() {
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    let length = async |time| {
        let task = pool.run_in_process(length_after, time);
        patiently(task).await.expect("it returns")
    };
    let usual = length(Duration::ZERO).await;
    length(LONG).await;
    let longer = length(LONG).await;
    assert!(usual.is_none() || longer > usual, "{longer:?} {usual:?}");
    let pid = pool.run_in_process(|()| std::process::id(), ());
    let pid = patiently(pid).await.expect("it returns");
    patiently(async {
        while turn::length_of(pid) != usual {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[procpool::test]
async fn what_follows_a_short_task_has_the_usual_turns() {
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    let length = async |time| patiently(pool.run_in_process(length_after, time)).await;
    let usual = length(Duration::ZERO).await.expect("it returns");
    length(LONG).await.expect("it returns");
    // What should be short takes long if its worker is kept from the processor, so it may take some.
    patiently(async { while length(Duration::ZERO).await.expect("it returns") != usual {} }).await;
}
