//! `concurrent.futures.ProcessPoolExecutor`: its processes and their end.

use procpool::{ProcessPool, TaskError};

use crate::{Outcome, crash, hang, row, square, two_workers};

#[procpool::test]
async fn max_tasks_per_child() -> Outcome {
    row(async {
        // guide: max_tasks_per_child
        let pool = ProcessPool::builder()
            .workers(1)
            .max_tasks_per_worker(2)
            .build()?;
        let mut pids = Vec::new();
        for _ in 0..4 {
            pids.push(pool.run_in_process(|()| std::process::id(), ()).await?);
        }
        assert!(pids[0] == pids[1] && pids[1] != pids[2]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn terminate_workers() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.terminate_workers
        let task = pool.run_in_process(hang, ());
        pool.terminate().await;
        assert!(task.await.unwrap_err().is_pool_closed());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn kill_workers() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Executor.kill_workers
        let task = pool.run_in_process(hang, ());
        let report = pool.terminate().await;
        assert_eq!(report.abandoned_tasks(), 1);
        assert!(task.await.unwrap_err().is_pool_closed());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn broken_process_pool() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: BrokenProcessPool
        let crashed = pool.run_in_process(crash, ());
        match crashed.await {
            Err(TaskError::WorkerExited(exit)) => assert_eq!(exit.signal(), Some(6)),
            other => panic!("{other:?}"),
        }
        // The pool works as before.
        assert_eq!(pool.run_in_process(square, 7).await?, 49);
        // guide: end
        Ok(())
    })
    .await
}
