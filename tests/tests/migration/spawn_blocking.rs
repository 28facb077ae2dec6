//! `tokio::task::spawn_blocking`: the lines before and after.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use futures::TryStreamExt;
use procpool::{ProcessPool, TaskSet};
use rayon::prelude::*;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tower::{Service, ServiceExt};

use crate::{Outcome, hang, row, square, two_workers};

#[procpool::test]
async fn call() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: spawn_blocking
        assert_eq!(spawn_blocking(|| square(7)).await?, 49);
        // guide: end
        // guide: spawn_blocking
        assert_eq!(pool.run_in_process(square, 7).await?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn captured_values() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Captured values
        let (text, word) = ("to be or not to be".to_owned(), "be".to_owned());
        let count = spawn_blocking(move || text.matches(&word).count());
        assert_eq!(count.await?, 2);
        // guide: end
        // guide: Captured values
        let (text, word) = ("to be or not to be".to_owned(), "be".to_owned());
        let count = |(text, word): (String, String)| text.matches(&word).count();
        assert_eq!(pool.run_in_process(count, (text, word)).await?, 2);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn abort() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: JoinHandle::abort
        let (begin, begun) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let handle = spawn_blocking(move || {
            let _ = begin.send(());
            released.recv().is_err()
        });
        begun.await?;
        handle.abort(); // has no effect: it is running
        drop(release);
        assert!(handle.await?);
        // guide: end
        // guide: JoinHandle::abort
        let task = pool.run_in_process(hang, ());
        task.abort(); // kills its worker if it is running
        assert!(task.await.unwrap_err().is_cancelled());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn dropped_handle() -> Outcome {
    let pool = two_workers();
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("note");
    row(async {
        // guide: A dropped JoinHandle
        let (sender, told) = oneshot::channel();
        drop(spawn_blocking(move || sender.send(square(7))));
        assert_eq!(told.await?, 49);
        // guide: end
        // guide: A dropped JoinHandle
        let note = |path: PathBuf| std::fs::write(path, "done").is_ok();
        pool.run_in_process(note, path.clone()).detach();
        pool.shutdown().await; // waits for it too
        assert_eq!(std::fs::read_to_string(path)?, "done");
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn panics() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: JoinError
        let error = spawn_blocking(|| assert_eq!(1, 2, "one"))
            .await
            .unwrap_err();
        assert!(error.is_panic());
        // guide: end
        // guide: JoinError
        let task = pool.run_in_process(|()| assert_eq!(1, 2, "one"), ());
        let error = task.await.unwrap_err();
        assert!(error.is_panicked());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn time_limit() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: timeout around spawn_blocking
        let (release, released) = mpsc::channel::<()>();
        let handle = spawn_blocking(move || released.recv());
        assert!(timeout(Duration::from_millis(50), handle).await.is_err());
        drop(release); // until here its thread was lost
        // guide: end
        // guide: timeout around spawn_blocking
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
async fn join_set() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: JoinSet::spawn_blocking
        let mut set = JoinSet::new();
        for x in 0..4 {
            set.spawn_blocking(move || (x, square(x)));
        }
        while let Some(result) = set.join_next().await {
            let (x, squared) = result?;
            assert_eq!(squared, x * x);
        }
        // guide: end
        // guide: JoinSet::spawn_blocking
        let mut set = TaskSet::new();
        for x in 0..4 {
            set.insert(x, pool.run_in_process(square, x));
        }
        while let Some((x, result)) = set.join_next().await {
            assert_eq!(result?, x * x);
        }
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn semaphore() -> Outcome {
    row(async {
        // guide: A Semaphore around spawn_blocking
        let room = Arc::new(Semaphore::new(2));
        let mut set = JoinSet::new();
        for x in 0..10 {
            let permit = Arc::clone(&room).acquire_owned().await?;
            set.spawn_blocking(move || {
                let _permit = permit;
                square(x)
            });
        }
        assert_eq!(set.join_all().await.len(), 10);
        // guide: end
        // guide: A Semaphore around spawn_blocking
        let pool = ProcessPool::builder()
            .workers(2)
            .queue_capacity(0)
            .build()?;
        let mut set = TaskSet::new();
        for x in 0..10 {
            let permit = pool.reserve().await?;
            set.insert(x, permit.run_in_process(square, x));
        }
        assert_eq!(set.len(), 10);
        // guide: end
        while let Some((x, result)) = set.join_next().await {
            assert_eq!(result?, x * x);
        }
        Ok(())
    })
    .await
}

#[procpool::test]
async fn parallel_iterator() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: rayon in spawn_blocking
        let squares = spawn_blocking(|| (0..1000).into_par_iter().map(square).collect());
        let squares: Vec<u64> = squares.await?;
        assert_eq!(squares[999], 998_001);
        // guide: end
        // guide: rayon in spawn_blocking
        let squares: Vec<u64> = pool.map(square, 0..1000).try_collect().await?;
        assert_eq!(squares[999], 998_001);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn static_of_the_program() -> Outcome {
    row(async {
        // guide: A static that is made once
        static INDEX: OnceLock<HashMap<&str, usize>> = OnceLock::new();
        let load = || ["to", "be"].into_iter().zip(0..).collect();
        let found = spawn_blocking(move || INDEX.get_or_init(load).get("be").copied());
        assert_eq!(found.await?, Some(1));
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn state_of_a_worker() -> Outcome {
    row(async {
        // guide: A static that is made once
        fn load(_: ()) -> HashMap<&'static str, usize> {
            ["to", "be"].into_iter().zip(0..).collect()
        }
        let builder = ProcessPool::builder().workers(2);
        let pool = builder.initializer(load, ()).build()?;
        let found = pool.run_with_state(|index, ()| index.get("be").copied(), ());
        assert_eq!(found.await?, Some(1));
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn tower_service() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: A tower::Service
        let call = async |x| spawn_blocking(move || square(x)).await;
        let mut service = tower::service_fn(call);
        assert_eq!(service.ready().await?.call(7).await?, 49);
        // guide: end
        // guide: A tower::Service
        let mut service = pool.service(square);
        assert_eq!(service.ready().await?.call(7).await?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[test]
fn runtime_shutdown() -> Outcome {
    // guide: Runtime::shutdown_timeout
    let runtime = tokio::runtime::Runtime::new()?;
    let (release, released) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || released.recv());
    runtime.shutdown_timeout(Duration::from_millis(50)); // its thread goes on
    drop(release);
    // guide: end
    Ok(())
}

#[procpool::test]
async fn pool_shutdown() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: Runtime::shutdown_timeout
        let task = pool.run_in_process(hang, ());
        let report = pool.shutdown_timeout(Duration::from_millis(50)).await;
        assert_eq!(report.abandoned_tasks(), 1);
        assert!(task.await.unwrap_err().is_pool_closed());
        // guide: end
        Ok(())
    })
    .await
}
