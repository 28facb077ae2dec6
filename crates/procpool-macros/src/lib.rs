//! The attribute macros of procpool: [`macro@main`] and [`macro@test`].
//!
//! This crate is an implementation detail. Depend on `procpool`, which re-exports both macros; the
//! crate that uses them needs no dependency on tokio.
//!
//! Both take tokio's arguments:
//!
//! | argument | values | for what |
//! |---|---|---|
//! | `flavor` | `"multi_thread"`, `"current_thread"` | the kind of tokio runtime |
//! | `worker_threads` | an integer above 0 | the runtime's threads; only with `multi_thread` |
//! | `start_paused` | `true`, `false` | tokio's clock starts paused; only with `current_thread` |
//! | `crate` | a path as a string | where `procpool` is, if it was renamed |
//!
//! `worker_threads` counts threads of the async runtime in *this* process. How many worker
//! processes a pool has is said to its builder.
//!
//! `start_paused` needs tokio's feature `test-util`, which a crate enables by a dependency on tokio
//! of its own.
#![forbid(unsafe_code)]

mod arguments;
mod expand;
mod function;

#[cfg(test)]
mod tests;

use crate::arguments::Kind;
use proc_macro::TokenStream;

/// Makes an `async fn main` the program's entry point, with procpool initialised and a tokio
/// runtime around it.
///
/// The expansion calls `procpool::init()` before anything else, so that a worker process never
/// gets as far as the runtime. It then builds a tokio runtime with every driver enabled and blocks
/// on the function's body. The runtime is `multi_thread` unless `flavor` says otherwise. The
/// arguments are listed in the [crate's documentation](crate).
///
/// The function keeps its attributes, its visibility and its return type, so `Result` and any other
/// `Termination` work as they do for an ordinary `main`.
///
/// # Errors
///
/// It does not compile if the function is not `async`, takes arguments or type parameters, or is
/// `const`, `unsafe` or `extern`; nor with an unknown argument.
///
/// # Panics
///
/// The expanded function panics if the runtime can't be built, for want of a thread or of a file
/// descriptor.
///
/// # Examples
///
/// (This crate comes before `procpool`, so its examples can't run here. The programs of the
/// `examples` package and the documentation tests of `procpool` use the macro and are run.)
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
/// It is short for:
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
/// With one thread for the runtime, in a crate that renamed its dependency on procpool:
///
/// ```ignore
/// #[workers::main(flavor = "current_thread", crate = "workers")]
/// async fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Main, arguments.into(), item.into()).into()
}

/// Makes an `async fn` a test that may run functions in worker processes.
///
/// The result is an ordinary `#[test]`, for the ordinary harness and for nextest: it keeps its
/// name and its attributes, such as `#[ignore]` and `#[should_panic]`, and may return a `Result`.
/// Its body runs on a tokio runtime of its own with every driver enabled. The runtime is
/// `current_thread` unless `flavor` says otherwise. The arguments are listed in the
/// [crate's documentation](crate).
///
/// A worker is the test binary started again. What lets it become a worker before the test harness
/// reads the command line is a constructor that the expansion registers; it is `procpool`'s own,
/// so the macro works in a crate that forbids `unsafe_code`.
///
/// # Errors
///
/// It does not compile if the function is not `async`, takes arguments or type parameters, or is
/// `const`, `unsafe` or `extern`; nor with a second test attribute, nor with an unknown argument.
///
/// # Panics
///
/// The test fails if the runtime can't be built, for want of a thread or of a file descriptor.
///
/// # Examples
///
/// (Not run here, since this crate comes before `procpool`; the `tests` package uses the macro
/// throughout.)
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
