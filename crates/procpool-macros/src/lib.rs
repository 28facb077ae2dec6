//! The attribute macros of procpool: [`macro@main`] and [`macro@test`].
//!
//! This crate is an implementation detail. Depend on `procpool`, which re-exports both macros; the
//! crate that uses them needs no dependency on tokio.
//!
//! Both take tokio's arguments:
//!
//! | argument | values | effect |
//! |---|---|---|
//! | `flavor` | `"multi_thread"`, `"current_thread"` | sets the kind of tokio runtime |
//! | `worker_threads` | an integer above 0 | sets the number of the runtime's threads; only with `multi_thread` |
//! | `start_paused` | `true`, `false` | starts with tokio's clock paused; only with `current_thread` |
//! | `crate` | a path as a string | names the crate `procpool`, if it was renamed |
//!
//! `worker_threads` counts the threads of the async runtime in *this* process. The number of worker
//! processes is an option of the pool's builder.
//!
//! `start_paused` needs tokio's feature `test-util`, which a crate enables by its own dependency on
//! tokio.
#![forbid(unsafe_code)]

mod arguments;
mod expand;
mod function;

#[cfg(test)]
mod tests;

use crate::arguments::Kind;
use proc_macro::TokenStream;

/// Makes an `async fn main` the program's entry point: it initialises procpool and runs the function on
/// a tokio runtime.
///
/// The expansion first calls `procpool::init()`, which does not return in a worker process. It then builds a tokio runtime with every driver enabled and blocks
/// on the function's body. The runtime is `multi_thread` unless `flavor` says otherwise. The
/// arguments are listed in the [crate's documentation](crate).
///
/// The function keeps its attributes, its visibility and its return type, so `Result` and any other
/// `Termination` work as they do for an ordinary `main`.
///
/// # Errors
///
/// The program does not compile if the function is not `async`, has arguments or type parameters, or is
/// `const`, `unsafe` or `extern`, or if the attribute has an unknown argument.
///
/// # Panics
///
/// The program panics if the runtime can't be built, because no thread or file descriptor is available.
///
/// # Examples
///
/// (This crate does not depend on `procpool`, so its examples can't be run. The documentation tests of
/// `procpool` and the `examples` package use the macro and are run.)
///
/// ```ignore
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[procpool::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let pool = procpool::ProcessPool::new()?;
///     assert_eq!(pool.run_in_process(square, 12).await?, 144);
///     Ok(())
/// }
/// ```
///
/// The attribute expands to:
///
/// ```ignore
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     procpool::init();
///     tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
///         let pool = procpool::ProcessPool::new()?;
///         assert_eq!(pool.run_in_process(square, 12).await?, 144);
///         Ok(())
///     })
/// }
/// ```
///
/// A single-threaded runtime, in a crate that renamed its dependency on procpool:
///
/// ```ignore
/// #[workers::main(flavor = "current_thread", crate = "workers")]
/// async fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Main, arguments.into(), item.into()).into()
}

/// Makes an `async fn` a test that can run functions in worker processes.
///
/// The result is an ordinary `#[test]` for the standard harness and for nextest. It keeps its name and
/// its attributes, such as `#[ignore]` and `#[should_panic]`, and may return a `Result`.
/// Its body runs on a tokio runtime of its own with every driver enabled. The runtime is
/// `current_thread` unless `flavor` says otherwise. The arguments are listed in the
/// [crate's documentation](crate).
///
/// A worker process runs the test binary. The expansion registers a constructor that makes such a process a
/// worker before the test harness reads the command line. The constructor is defined in `procpool`, so the
/// macro works in a crate that forbids `unsafe_code`.
///
/// # Errors
///
/// The test does not compile if the function is not `async`, has arguments or type parameters, or is
/// `const`, `unsafe` or `extern`, if it has a second test attribute, or if an argument is unknown.
///
/// # Panics
///
/// The test fails if the runtime can't be built, because no thread or file descriptor is available.
///
/// # Examples
///
/// (Not run here, since this crate does not depend on `procpool`; the `tests` package uses the macro.)
///
/// ```ignore
/// #[procpool::test]
/// async fn squares_in_another_process() {
///     let pool = procpool::ProcessPool::new().unwrap();
///     assert_eq!(pool.run_in_process(|x: u64| x * x, 12).await.unwrap(), 144);
/// }
///
/// #[procpool::test(flavor = "multi_thread", worker_threads = 2)]
/// #[should_panic(expected = "no such page")]
/// async fn reports_a_missing_page() {
///     panic!("no such page");
/// }
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Test, arguments.into(), item.into()).into()
}
