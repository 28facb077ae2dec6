//! `asyncio` with an executor.

use std::time::Duration;

use futures::future::{join_all, try_join_all};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::timeout;

use crate::{Outcome, hang, parse, row, square, two_workers};

#[procpool::test]
async fn run_in_executor() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: loop.run_in_executor
        assert_eq!(pool.run_in_process(square, 7).await?, 49);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn gather() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: asyncio.gather
        let calls = (0..4).map(|x| pool.run_in_process(square, x));
        assert_eq!(try_join_all(calls).await?, [0, 1, 4, 9]);
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn gather_with_exceptions() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: asyncio.gather(return_exceptions)
        let calls = ["7", "seven"].map(|text| pool.run_in_process(parse, text.to_owned()));
        let results = join_all(calls).await;
        assert!(matches!(results[..], [Ok(Ok(7)), Ok(Err(_))]));
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn wait_for() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: asyncio.wait_for
        let call = pool.run_in_process(hang, ());
        assert!(timeout(Duration::from_millis(50), call).await.is_err());
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn shield() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: asyncio.shield
        let mut call = pool.run_in_process(hang, ());
        assert!(timeout(Duration::from_millis(50), &mut call).await.is_err());
        assert!(!call.is_finished());
        call.detach(); // it runs to its end
        // guide: end
        Ok(())
    })
    .await
}

#[procpool::test]
async fn as_completed() -> Outcome {
    let pool = two_workers();
    row(async {
        // guide: asyncio.as_completed
        let mut calls: FuturesUnordered<_> =
            (0..4).map(|x| pool.run_in_process(square, x)).collect();
        let mut sum = 0;
        while let Some(result) = calls.next().await {
            sum += result?;
        }
        assert_eq!(sum, 14);
        // guide: end
        Ok(())
    })
    .await
}
