//! `concurrent.futures.ProcessPoolExecutor`: calls.

use std::collections::HashMap;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use procpool::ProcessPool;
use tokio::time::timeout;

use crate::{Outcome, hang, nap, power, row, square, two_workers};

#[procpool::test]
async fn new() -> Outcome {
    row(async {
        // guide: ProcessPoolExecutor(max_workers)
        let pool = ProcessPool::builder().workers(4).build()?;
        assert_eq!(pool.run_in_process(square, 7).await?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn with_block() -> Outcome {
    row(async {
        // guide: with ProcessPoolExecutor()
        let pool = ProcessPool::builder().workers(2).build()?;
        let task = pool.run_in_process(square, 7);
        pool.shutdown().await;
        assert!(task.is_finished());
        // guide: end
        assert_eq!(task.await?, 49);
        Ok(())
    })
    .await
}

#[procpool::test]
async fn submit() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.submit
        let task = pool.run_in_process(power, (2, 10));
        assert_eq!(task.await?, 1024);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.map
        let squares: Vec<u64> = pool.map(square, 0..4).try_collect().await?;
        assert_eq!(squares, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map_of_several_iterables() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.map over several iterables
        let powers = pool.map(power, [2, 3].into_iter().zip([10, 2]));
        assert_eq!(powers.try_collect::<Vec<_>>().await?, [1024, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map_with_timeout() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.map(timeout)
        let naps = pool.map(nap, [0, 3600]).try_collect::<Vec<_>>();
        assert!(timeout(Duration::from_secs(1), naps).await.is_err());

        // Or a limit for each item, which fails only that item.
        let hasty = pool.with_timeout(Duration::from_secs(1));
        let naps: Vec<_> = hasty.map(nap, [3600, 0]).collect().await;
        assert!(naps[0].as_ref().is_err_and(|error| error.is_timed_out()));
        assert!(naps[1].is_ok());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map_with_chunk_size() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.map(chunksize)
        let squares = pool.map(square, 0..1000).chunk_size(100);
        assert_eq!(squares.count().await, 1000);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map_with_buffer() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.map(buffersize)
        let squares = pool.map(square, 0..).buffer(8).take(4);
        assert_eq!(squares.try_collect::<Vec<_>>().await?, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn shutdown() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.shutdown(wait)
        let task = pool.run_in_process(square, 7);
        pool.close(); // wait=False
        assert!(
            pool.run_in_process(square, 8)
                .await
                .unwrap_err()
                .is_pool_closed()
        );
        assert_eq!(task.await?, 49);
        pool.shutdown().await; // wait=True
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn shutdown_cancels_futures() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.shutdown(cancel_futures)
        let tasks: Vec<_> = (0..100).map(|x| pool.run_in_process(square, x)).collect();
        pool.cancel_queued();
        pool.shutdown().await;
        assert!(tasks.iter().all(|task| task.is_finished()));
        // guide: end
        for (x, task) in (0..).zip(tasks) {
            match task.await {
                Ok(result) => assert_eq!(result, x * x),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
        Ok(())
    })
    .await
}

#[procpool::test]
async fn initializer() -> Outcome {
    row(async {
        // guide: initializer, initargs
        fn load(words: Vec<String>) -> HashMap<String, usize> {
            words.into_iter().zip(0..).collect()
        }
        fn look_up(index: &mut HashMap<String, usize>, word: String) -> Option<usize> {
            index.get(&word).copied()
        }

        let words = ["to", "be"].map(str::to_owned).to_vec();
        let pool = ProcessPool::builder()
            .workers(2)
            .initializer(load, words)
            .build()?;
        assert_eq!(
            pool.run_with_state(look_up, "be".to_owned()).await?,
            Some(1)
        );
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn without_an_event_loop() -> Outcome {
    let lines = || -> Outcome {
        // guide: Without asyncio
        use procpool::blocking;

        let pool = blocking::ProcessPool::builder()
            .workers(2)
            .build_blocking()?;
        let task = pool.run_in_process(square, 7);
        assert_eq!(task.wait()?, 49);

        let task = pool.run_in_process(hang, ());
        let task = task.wait_timeout(Duration::from_millis(50)).unwrap_err();
        assert!(!task.is_finished());

        let squares: Result<Vec<u64>, _> = pool.map(square, 0..4).collect();
        assert_eq!(squares?, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    };
    row(async { tokio::task::spawn_blocking(lines).await? }).await
}
