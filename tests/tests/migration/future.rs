//! `concurrent.futures.Future`: the methods of a call.

use std::time::Duration;

use futures::FutureExt;
use procpool::TaskState;
use tokio::time::timeout;

use crate::{Outcome, crash, hang, parse, row, square, two_workers};

#[procpool::test]
async fn result_with_timeout() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Future.result(timeout)
        let mut task = pool.run_in_process(hang, ());
        // By reference, the task is not dropped and goes on.
        assert!(timeout(Duration::from_millis(50), &mut task).await.is_err());
        assert!(!task.is_finished());
        // By value, the task is cancelled, and its worker is killed.
        assert!(timeout(Duration::from_millis(50), task).await.is_err());

        // Or a limit of the running time, which does not count the time in the queue.
        let hasty = pool.with_timeout(Duration::from_millis(50));
        assert!(
            hasty
                .run_in_process(hang, ())
                .await
                .unwrap_err()
                .is_timed_out()
        );
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn exception() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Future.exception
        let parsed = pool.run_in_process(parse, "seven".to_owned()).await?;
        assert_eq!(parsed, Err("seven is no number".to_owned()));

        let error = pool.run_in_process(crash, ()).await.err();
        assert!(error.is_some_and(|error| error.is_worker_exited()));
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn cancel() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Future.cancel, cancelled
        let mut tasks: Vec<_> = (0..10).map(|_| pool.run_in_process(hang, ())).collect();
        let last = tasks.pop().expect("ten tasks");
        assert!(last.abort_handle().abort_if_queued()); // true: it never runs
        assert!(last.await.unwrap_err().is_cancelled());

        let first = tasks.remove(0);
        first.abort(); // whether it runs or not
        assert!(first.await.unwrap_err().is_cancelled());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn running_and_done() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Future.running, done
        let task = pool.run_in_process(hang, ());
        while task.state() != TaskState::Running {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(!task.is_finished());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn add_done_callback() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Future.add_done_callback
        let (seen, mut told) = tokio::sync::mpsc::unbounded_channel();
        let task = pool.run_in_process(square, 7);
        tokio::spawn(task.map(move |result| seen.send(result)));
        assert_eq!(told.recv().await.expect("a call")?, 49);
        // guide: end
        Ok(())
    })
    .await
}
