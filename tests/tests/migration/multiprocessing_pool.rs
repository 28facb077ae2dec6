//! `multiprocessing.Pool`.

use std::time::Duration;

use futures::TryStreamExt;
use procpool::ProcessPool;
use tokio::time::timeout;

use crate::{Outcome, hang, parse, power, row, square, two_workers};

#[procpool::test]
async fn with_block() -> Outcome {
    row(async {
        // guide: with Pool()
        let task = {
            let pool = ProcessPool::builder().workers(2).build()?;
            pool.run_in_process(square, 7)
        };
        assert_eq!(task.await?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn apply() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.apply
        assert_eq!(pool.run_in_process(power, (2, 10)).await?, 1024);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn apply_async() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.apply_async
        let task = pool.run_in_process(power, (2, 10));
        assert_eq!(timeout(Duration::from_secs(30), task).await??, 1024);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn apply_async_with_callbacks() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.apply_async(callback, error_callback)
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        let tasks = ["7", "seven"].map(|text| pool.run_in_process(parse, text.to_owned()));
        for task in tasks {
            match task.await? {
                Ok(number) => results.push(number),
                Err(error) => errors.push(error),
            }
        }
        assert_eq!((results, errors.len()), (vec![7], 1));
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.map
        let squares: Vec<u64> = pool.map(square, 0..4).try_collect().await?;
        assert_eq!(squares, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn map_async() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.map_async
        let result = tokio::spawn(pool.map(square, 0..4).try_collect::<Vec<_>>());
        assert_eq!(result.await??, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn starmap() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.starmap, starmap_async
        let powers = pool.map(power, [(2, 10), (3, 2)]);
        assert_eq!(powers.try_collect::<Vec<_>>().await?, [1024, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn imap() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.imap
        let mut squares = pool.map(square, 0..4);
        assert_eq!(squares.try_next().await?, Some(0));
        assert_eq!(squares.try_collect::<Vec<_>>().await?, [1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn imap_unordered() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.imap_unordered
        let squares = pool.map(square, 0..4).unordered();
        let mut squares: Vec<u64> = squares.try_collect().await?;
        squares.sort();
        assert_eq!(squares, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn get_and_wait() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: AsyncResult.get, wait, ready, successful
        let mut task = pool.run_in_process(hang, ());
        assert!(timeout(Duration::from_millis(50), &mut task).await.is_err());
        assert!(!task.is_finished());

        let result = pool.run_in_process(square, 7).await;
        assert!(result.is_ok());
        assert_eq!(result?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn close_and_join() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.close, join
        let task = pool.run_in_process(square, 7);
        pool.shutdown().await;
        assert_eq!(task.await?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn terminate() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Pool.terminate
        let task = pool.run_in_process(hang, ());
        pool.terminate().await;
        assert!(task.await.unwrap_err().is_pool_closed());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn max_tasks_per_child() -> Outcome {
    row(async {
        // guide: maxtasksperchild
        let pool = ProcessPool::builder()
            .workers(1)
            .max_tasks_per_worker(2)
            .build()?;
        let pid = |()| std::process::id();
        let pids: Vec<u32> = pool.map(pid, [(); 4]).try_collect().await?;
        assert!(pids[0] == pids[1] && pids[1] != pids[2]);
        // guide: end
        Ok(())
    })
    .await
}
