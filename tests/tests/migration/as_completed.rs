//! `concurrent.futures.as_completed` and `wait`: many calls at once.

use std::time::Duration;

use futures::future::{join_all, select_all, try_join_all};
use procpool::TaskSet;

use crate::{Outcome, crash, hang, nap, row, square, two_workers};

#[procpool::test]
async fn as_completed() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: as_completed
        let mut set: TaskSet<u64, u64> = (0..4)
            .map(|x| (x, pool.run_in_process(square, x)))
            .collect();
        while let Some((x, result)) = set.join_next().await {
            assert_eq!(result?, x * x);
        }
        // guide: end
        assert!(set.is_empty());
        Ok(())
    })
    .await
}

#[procpool::test]
async fn as_completed_with_timeout() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: as_completed(timeout)
        let naps = [0, 3600].map(|seconds| (seconds, pool.run_in_process(nap, seconds)));
        let mut set = TaskSet::from_iter(naps).with_timeout(Duration::from_secs(1));
        while let Some((seconds, result)) = set.join_next().await {
            match result {
                Ok(napped) => assert_eq!((napped, seconds), (0, 0)),
                Err(late) => assert!(late.is_cancelled(), "{seconds}: {late}"),
            }
        }
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn all_completed() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: wait(ALL_COMPLETED)
        let tasks = (0..4).map(|x| pool.run_in_process(square, x));
        let results = join_all(tasks).await;
        assert!(results.iter().all(|result| result.is_ok()));
        // guide: end
        assert_eq!(results.len(), 4);
        Ok(())
    })
    .await
}

#[procpool::test]
async fn first_completed() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: wait(FIRST_COMPLETED)
        let tasks = [3600, 0].map(|seconds| pool.run_in_process(nap, seconds));
        let (result, place, others) = select_all(tasks).await;
        assert_eq!((result?, place, others.len()), (0, 1, 1));
        drop(others); // cancels them
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn first_exception() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: wait(FIRST_EXCEPTION)
        let tasks = [hang, crash].map(|function| pool.run_in_process(function, ()));
        let error = try_join_all(tasks).await.unwrap_err();
        assert!(error.is_worker_exited());
        // guide: end
        Ok(())
    })
    .await
}
