//! Recipes for waiting for many calls at once; this module has documentation only.
//!
//! A [`Task`] is an ordinary future, so every combinator for futures works with it. The pool
//! has already accepted its call. One difference to threads matters: **dropping a task cancels it**, so the tasks
//! that a combinator drops are cancelled. In a race that is usually right; elsewhere, keep the tasks.
//!
//! | Python's `concurrent.futures` | here | the other tasks |
//! |---|---|---|
//! | `wait(…, ALL_COMPLETED)` | [`join_all`](#wait-for-all-tasks) | finish, too |
//! | `wait(…, FIRST_EXCEPTION)` | [`try_join_all`](#stop-at-the-first-error) | are cancelled |
//! | the same | [a `TaskSet` until the first `Err`](#stop-at-the-first-error-and-keep-the-other-tasks) | stay in the set |
//! | `wait(…, FIRST_COMPLETED)` | [`select_all`](#take-the-first-result) | are returned |
//! | the same in a loop | [`FuturesUnordered`](#take-any-futures-as-they-complete) | stay in it |
//! | `as_completed` | [`TaskSet`](#take-tasks-as-they-complete) | stay in it |
//! | `as_completed(…, timeout)` | [`TaskSet::with_timeout`](crate::TaskSet::with_timeout) | are cancelled and give their keys |
//! | `future.cancel()` | [`AbortHandle::abort_if_queued`](crate::AbortHandle::abort_if_queued) | |
//! | `executor.shutdown(cancel_futures=True)` | [`cancel_queued`](crate::ProcessPool::cancel_queued), `shutdown` | finish if they had started |
//! | `executor.submit` that blocks | [`ProcessPool::reserve`](crate::ProcessPool::reserve) | |
//!
//! [`Task`]: crate::Task
//!
//! # Wait for all tasks
//! The results are in the order of the calls, each with an error of its own.
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
//! If you await very many tasks of some microseconds on a multi-threaded runtime, do it in a spawned
//! task (`tokio::spawn`) and not in `main`. The future of `block_on` has a thread of its own, and the
//! thread that has read a result must wake it each time.
//!
//! # Stop at the first error
//! At the first error the other tasks are dropped: queued tasks never run, and the workers of running
//! tasks are killed.
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
//! // The worker of the task that hung is killed and replaced.
//! assert_eq!(pool.run_in_process(|x: u8| x, 1).await?, 1);
//! # Ok(()) }
//! ```
//!
//! If the function returns a `Result`, it is inside the task's own. To stop at the first `Err` of
//! either kind:
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
//! # Stop at the first error, and keep the other tasks
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
//! // The other tasks are still in the set. They are cancelled if the set is dropped.
//! let (x, result) = set.join_next().await.unwrap();
//! assert_eq!((x, result?), (5, 2));
//! # Ok(()) }
//! ```
//!
//! # Take the first result
//! The other tasks are returned. Dropping them cancels them.
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
//! # Take any futures as they complete
//! Use it for futures that do more than wait for a task, for example process its result.
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
//! # Take tasks as they complete
//! A [`TaskSet`](crate::TaskSet) gives each result with a key, in the order in which the tasks finish.
//! Tasks can be inserted meanwhile, so a loop can keep a fixed number of tasks in flight.
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
//! # Limit the time of one call
//! The timeout drops the task, which cancels it. [`ProcessPool::with_timeout`] does the same, with two
//! differences: the time in the queue does not count, and the error says that the task timed out.
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
