//! How to wait for many calls at once; a page of documentation, with nothing to import.
//!
//! A [`Task`] is an ordinary future that has begun already, so all that is made for futures works
//! with it. One thing is not as with threads: **a task that is dropped is cancelled**, so what a
//! combinator drops, it cancels. That is what one wants of a race, and what to think of elsewhere.
//!
//! | Python's `concurrent.futures` | here | what becomes of the others |
//! |---|---|---|
//! | `wait(…, ALL_COMPLETED)` | [`join_all`](#all-whatever-comes-of-them) | they finish too |
//! | `wait(…, FIRST_EXCEPTION)` | [`try_join_all`](#all-or-the-first-error) | cancelled |
//! | the same | [a `TaskSet` up to the first `Err`](#up-to-the-first-error-and-keep-the-others) | yours |
//! | `wait(…, FIRST_COMPLETED)` | [`select_all`](#the-first-one) | given back, to be awaited or dropped |
//! | the same, again and again | [`FuturesUnordered`](#any-futures-as-they-complete) | they stay in it |
//! | `as_completed` | [`TaskSet`](#as-completed) | they stay in it |
//! | `as_completed(…, timeout)` | [`TaskSet::with_timeout`](crate::TaskSet::with_timeout) | cancelled, with their keys |
//! | `future.cancel()` | [`AbortHandle::abort_if_queued`](crate::AbortHandle::abort_if_queued) | |
//! | `executor.shutdown(cancel_futures=True)` | [`cancel_queued`](crate::ProcessPool::cancel_queued), `shutdown` | those that run finish |
//! | `executor.submit` that blocks | [`ProcessPool::reserve`](crate::ProcessPool::reserve) | |
//!
//! [`Task`]: crate::Task
//!
//! # All, whatever comes of them
//! The results are in the order of the calls, each with its own error.
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! fn half(x: u32) -> u32 {
//!     assert!(x % 2 == 0, "{x} is odd");
//!     x / 2
//! }
//! let pool = procpool::ProcessPool::builder().workers(2).build()?;
//! let tasks = [2, 3, 4].map(|x| pool.run_in_process(half, x));
//! let results = futures::future::join_all(tasks).await;
//! assert_eq!(results[0].as_ref().ok(), Some(&1));
//! assert!(results[1].as_ref().is_err_and(|error| error.is_panicked()));
//! assert_eq!(results[2].as_ref().ok(), Some(&2));
//! # Ok(()) }
//! ```
//!
//! Where very many tasks of microseconds are awaited on a runtime with several threads, it is better done in a task of
//! the runtime (`tokio::spawn`) than in `main`: what `block_on` runs has a thread of its own, which must be woken for
//! each result by the one that has read it.
//!
//! # All, or the first error
//! At the first error the other tasks are dropped: those that run are killed, those that wait never
//! run.
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! fn fail_or_hang(fail: bool) {
//!     assert!(!fail, "one has failed");
//!     loop { std::hint::spin_loop() }
//! }
//! let pool = procpool::ProcessPool::builder().workers(2).build()?;
//! let tasks = [false, true].map(|fail| pool.run_in_process(fail_or_hang, fail));
//! let error = futures::future::try_join_all(tasks).await.unwrap_err();
//! assert!(error.is_panicked());
//! // The one that hung is gone; its worker is replaced.
//! assert_eq!(pool.run_in_process(|x: u8| x, 1).await?, 1);
//! # Ok(()) }
//! ```
//!
//! A function's own `Result` is inside. Where the first `Err` of either kind counts:
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use futures::FutureExt;
//!
//! fn parse(text: String) -> Result<i32, String> {
//!     text.parse().map_err(|error| format!("{text}: {error}"))
//! }
//! let pool = procpool::ProcessPool::builder().workers(1).build()?;
//! let calls = ["1", "two"].map(|text| {
//!     pool.run_in_process(parse, text.to_owned())
//!         .map(|result| result.map_err(|error| error.to_string()).and_then(|parsed| parsed))
//! });
//! let error = futures::future::try_join_all(calls).await.unwrap_err();
//! assert_eq!(error, "two: invalid digit found in string");
//! # Ok(()) }
//! ```
//!
//! # Up to the first error, and keep the others
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use procpool::TaskSet;
//!
//! fn ten_over(x: u32) -> u32 {
//!     10 / x
//! }
//! let pool = procpool::ProcessPool::builder().workers(1).build()?;
//! let mut set: TaskSet<u32, u32> =
//!     [1, 0, 5].into_iter().map(|x| (x, pool.run_in_process(ten_over, x))).collect();
//! while let Some((x, result)) = set.join_next().await {
//!     if result.is_err() {
//!         assert_eq!(x, 0);
//!         break;
//!     }
//! }
//! // What is left is still there: awaited here, or else cancelled with the set.
//! let (x, result) = set.join_next().await.unwrap();
//! assert_eq!((x, result?), (5, 2));
//! # Ok(()) }
//! ```
//!
//! # The first one
//! What is left comes back; dropping it cancels it.
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! fn answer_or_hang(quick: bool) -> u32 {
//!     while !quick { std::hint::spin_loop() }
//!     42
//! }
//! let pool = procpool::ProcessPool::builder().workers(2).build()?;
//! let racers = [false, true].map(|quick| pool.run_in_process(answer_or_hang, quick));
//! let (winner, index, losers) = futures::future::select_all(racers).await;
//! assert_eq!((winner?, index), (42, 1));
//! drop(losers);
//! # Ok(()) }
//! ```
//!
//! # Any futures as they complete
//! For futures that are more than a task, as one that goes on with its result.
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use futures::stream::{FuturesUnordered, StreamExt};
//!
//! let pool = procpool::ProcessPool::builder().workers(2).build()?;
//! let mut running: FuturesUnordered<_> = (1..=3_u64)
//!     .map(|x| {
//!         let task = pool.run_in_process(|x| x * x, x);
//!         async move { Ok::<_, procpool::TaskError>((x, task.await?)) }
//!     })
//!     .collect();
//! while let Some(square) = running.next().await {
//!     let (x, square) = square?;
//!     assert_eq!(x * x, square);
//! }
//! # Ok(()) }
//! ```
//!
//! # As completed
//! A [`TaskSet`](crate::TaskSet) gives each result with a key, in the order in which the tasks
//! finish, and can be given more while it is awaited; so it keeps just so many in flight.
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use procpool::TaskSet;
//!
//! fn digits(n: u64) -> usize {
//!     n.to_string().len()
//! }
//! let pool = procpool::ProcessPool::builder().workers(2).build()?;
//! let mut numbers = (0..100_u64).map(|n| n * n);
//! let start = |n| (n, pool.run_in_process(digits, n));
//! let mut set: TaskSet<u64, usize> = numbers.by_ref().take(8).map(start).collect();
//! let mut seen = 0;
//! while let Some((n, result)) = set.join_next().await {
//!     assert_eq!(result?, n.to_string().len());
//!     seen += 1;
//!     set.extend(numbers.next().map(start));
//! }
//! assert_eq!(seen, 100);
//! # Ok(()) }
//! ```
//!
//! # A deadline for one call
//! The call that loses is dropped, and so is cancelled. [`ProcessPool::with_timeout`] does the same
//! with the time that it waits for a worker left out, and tells it apart in the error.
//!
//! [`ProcessPool::with_timeout`]: crate::ProcessPool::with_timeout
//!
//! ```
//! # #[procpool::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # fn hang(_: ()) { loop { std::hint::spin_loop() } }
//! use std::time::Duration;
//!
//! let pool = procpool::ProcessPool::builder().workers(1).build()?;
//! let task = pool.run_in_process(hang, ());
//! assert!(tokio::time::timeout(Duration::from_millis(20), task).await.is_err());
//! # Ok(()) }
//! ```
