//! The guarantees of an executor, tested for each executor.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::future::Future;
use std::rc::Rc;
use std::thread;

use futures::future::try_join_all;
use procpool::{BuildError, Executor, InProcess, ProcessPool, TaskError};
use procpool_tests::{Gate, patiently, visit};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::runtime::{Builder, Runtime};

// The workers of these tests are this executable, and none of them is a `#[procpool::test]`.
procpool_os::before_main!(procpool::init);

/// An executor that runs one function at a time.
trait Subject: Executor + Clone + 'static {
    fn build() -> Result<Self, BuildError>;
}

impl Subject for ProcessPool {
    fn build() -> Result<Self, BuildError> {
        ProcessPool::builder().workers(1).build()
    }
}

/// The kind of runtime; see [`runtime`].
impl Subject for InProcess {
    fn build() -> Result<Self, BuildError> {
        InProcess::new()
    }
}

/// Runs each of these functions as a test, for each executor.
macro_rules! contract {
    ($($promise:ident),* $(,)?) => {
        mod process_pool {
            $(
                #[test]
                fn $promise() {
                    super::$promise::<procpool::ProcessPool>();
                }
            )*
        }

        mod in_process {
            $(
                #[test]
                fn $promise() {
                    super::$promise::<procpool::InProcess>();
                }
            )*
        }
    };
}

contract! {
    a_result_comes_back,
    many_results_come_back_in_their_places,
    a_call_runs_though_nobody_polls_it,
    a_panic_is_told_with_its_message_and_place,
    a_panic_costs_nobody_else_anything,
    what_cannot_be_encoded_is_refused_in_the_call,
    a_panic_of_serialize_is_an_error_of_the_call,
    arguments_that_cannot_be_decoded_fail_their_call_alone,
    a_result_that_cannot_be_encoded_fails_its_call_alone,
    a_result_that_cannot_be_decoded_fails_its_call_alone,
    a_dropped_call_that_has_not_begun_never_runs,
    a_dropped_call_that_has_begun_holds_nobody_up_once_it_is_over,
    a_future_is_awaited_on_another_runtime_and_on_none,
    a_call_that_waits_when_the_runtime_stops_has_an_end,
    a_call_after_the_end_of_the_runtime_is_told_so,
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).max_blocking_threads(1);
    builder.enable_all().build().unwrap()
}

fn with<E: Subject, F: Future<Output = ()>>(test: impl FnOnce(E) -> F) {
    runtime().block_on(async { test(E::build().unwrap()).await });
}

fn double(x: u64) -> u64 {
    x * 2
}

async fn assert_works(executor: &impl Executor) {
    assert_eq!(patiently(executor.execute(double, 21)).await.unwrap(), 42);
}

fn a_result_comes_back<E: Subject>() {
    with(|executor: E| async move {
        assert_works(&executor).await;
        let (text, number) = ("text".to_owned(), Some(Some(())));
        let swapped = executor.execute(
            |(text, number): (String, Option<Option<()>>)| (number, text),
            (text, number),
        );
        let swapped = patiently(swapped).await.unwrap();
        assert_eq!(swapped, (Some(Some(())), "text".to_owned()));
        // A function's own error is inside the result.
        let failed = executor.execute(|text: String| text.parse::<u8>().map_err(drop), "x".into());
        assert_eq!(patiently(failed).await.unwrap(), Err(()));
    });
}

fn many_results_come_back_in_their_places<E: Subject>() {
    with(|executor: E| async move {
        let calls = (0..200).map(|x| executor.execute(double, x));
        let results = patiently(try_join_all(calls)).await.unwrap();
        assert!(results.into_iter().eq((0..200).map(double)));
    });
}

fn a_call_runs_though_nobody_polls_it<E: Subject>() {
    with(|executor: E| async move {
        let gate = Gate::open();
        let call = executor.execute(visit, gate.path());
        let visitor = gate.visitor().await;
        let pid = visitor.pid;
        visitor.let_go().await;
        assert_eq!(patiently(call).await.unwrap(), pid);
    });
}

fn fall(over: String) -> u64 {
    panic!("fell over {over}")
}

fn a_panic_is_told_with_its_message_and_place<E: Subject>() {
    with(|executor: E| async move {
        let call = executor.execute(fall, "a stone".to_owned());
        match patiently(call).await.unwrap_err() {
            TaskError::Panicked(panic) => {
                assert_eq!(panic.message(), "fell over a stone");
                let location = panic.location().unwrap();
                assert!(location.contains("executor_contract.rs:"), "{location}");
            }
            other => panic!("{other:?}"),
        }
        let call = executor.execute(|x: u32| -> () { std::panic::panic_any(x) }, 5);
        let error = patiently(call).await;
        assert!(error.unwrap_err().is_panicked());
    });
}

fn a_panic_costs_nobody_else_anything<E: Subject>() {
    with(|executor: E| async move {
        let calls = (0..20).map(|x| match x % 2 {
            0 => executor.execute(fall, x.to_string()),
            _ => executor.execute(|x: String| x.parse().unwrap(), x.to_string()),
        });
        let results = patiently(futures::future::join_all(calls)).await;
        for (x, result) in results.into_iter().enumerate() {
            match x % 2 {
                0 => assert!(result.unwrap_err().is_panicked()),
                _ => assert_eq!(result.unwrap(), x as u64),
            }
        }
    });
}

/// A type that can't be encoded.
#[derive(Debug, Deserialize)]
struct Unsendable;

impl Serialize for Unsendable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("it is not for sending"))
    }
}

/// A type that can be encoded but not decoded.
#[derive(Debug, Serialize)]
struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("it is not for reading"))
    }
}

/// A type that panics when it is encoded.
#[derive(Debug, Deserialize)]
struct Explosive;

impl Serialize for Explosive {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("it is not for touching")
    }
}

fn what_cannot_be_encoded_is_refused_in_the_call<E: Subject>() {
    with(|executor: E| async move {
        let error = patiently(executor.execute(|_: Unsendable| (), Unsendable)).await;
        let error = error.unwrap_err();
        assert!(error.is_encode(), "{error:?}");
        let text = "the arguments can't be encoded: it is not for sending";
        assert_eq!(error.to_string(), text);
        assert_works(&executor).await;
    });
}

fn a_panic_of_serialize_is_an_error_of_the_call<E: Subject>() {
    with(|executor: E| async move {
        let error = patiently(executor.execute(|_: Explosive| (), Explosive)).await;
        let error = error.unwrap_err();
        assert!(error.is_encode(), "{error:?}");
        assert_works(&executor).await;
    });
}

fn arguments_that_cannot_be_decoded_fail_their_call_alone<E: Subject>() {
    with(|executor: E| async move {
        let error = patiently(executor.execute(|_: Unreadable| (), Unreadable)).await;
        let error = error.unwrap_err();
        assert!(error.is_decode(), "{error:?}");
        let text = "the worker can't decode the arguments: it is not for reading";
        assert_eq!(error.to_string(), text);
        assert_works(&executor).await;
    });
}

fn a_result_that_cannot_be_encoded_fails_its_call_alone<E: Subject>() {
    with(|executor: E| async move {
        let error = patiently(executor.execute(|()| Unsendable, ())).await;
        let error = error.unwrap_err();
        assert!(error.is_decode(), "{error:?}");
        let text = "the worker can't encode the result: it is not for sending";
        assert_eq!(error.to_string(), text);
        assert_works(&executor).await;
    });
}

fn a_result_that_cannot_be_decoded_fails_its_call_alone<E: Subject>() {
    with(|executor: E| async move {
        let error = patiently(executor.execute(|()| Unreadable, ())).await;
        let error = error.unwrap_err();
        assert!(error.is_decode(), "{error:?}");
        let text = "the result can't be decoded: it is not for reading";
        assert_eq!(error.to_string(), text);
        assert_works(&executor).await;
    });
}

fn a_dropped_call_that_has_not_begun_never_runs<E: Subject>() {
    with(|executor: E| async move {
        let (gate, never) = (Gate::open(), Gate::open());
        let first = executor.execute(visit, gate.path());
        let visitor = gate.visitor().await;
        let second = executor.execute(visit, never.path());
        let third = executor.execute(visit, gate.path());
        drop(second);
        visitor.let_go().await;
        patiently(first).await.unwrap();
        // One runs at a time: if the second had run, the third would not be here.
        gate.visitor().await.let_go().await;
        patiently(third).await.unwrap();
        assert!(!never.has_visitor());
    });
}

fn a_dropped_call_that_has_begun_holds_nobody_up_once_it_is_over<E: Subject>() {
    with(|executor: E| async move {
        let gate = Gate::open();
        let call = executor.execute(visit, gate.path());
        let visitor = gate.visitor().await;
        drop(call);
        // This kills a process; a thread goes on, and sees the gate close.
        drop(visitor);
        assert_works(&executor).await;
    });
}

/// A result that can't leave the thread in which it was decoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Shared(Rc<str>);

impl From<String> for Shared {
    fn from(text: String) -> Self {
        Shared(text.into())
    }
}

impl From<Shared> for String {
    fn from(shared: Shared) -> Self {
        shared.0.as_ref().to_owned()
    }
}

fn a_future_is_awaited_on_another_runtime_and_on_none<E: Subject>() {
    with(|executor: E| async move {
        let share = |text: String| Shared::from(text);
        let [there, nowhere] = ["there", "nowhere"].map(|at| executor.execute(share, at.into()));
        let there = async { there.await.map(|shared| shared.0.len()) };
        let there = thread::spawn(|| runtime().block_on(patiently(there)));
        let nowhere = async { nowhere.await.map(|shared| shared.0.len()) };
        let nowhere = thread::spawn(|| futures::executor::block_on(nowhere));
        // The runtime has threads of its own that run meanwhile.
        let (there, nowhere) = (there.join().unwrap(), nowhere.join().unwrap());
        assert_eq!((there.unwrap(), nowhere.unwrap()), (5, 7));
        // Also in a task of this runtime, whatever the result is.
        let here = executor.execute(share, "here".into());
        let here = tokio::spawn(async move { here.await.map(|shared| shared.0.len()) });
        assert_eq!(patiently(here).await.unwrap().unwrap(), 4);
    });
}

fn a_call_that_waits_when_the_runtime_stops_has_an_end<E: Subject>() {
    let (own, other) = (runtime(), runtime());
    // The gate outlives the runtime of the executor.
    let gate = {
        let _entered = other.enter();
        Gate::open()
    };
    let executor = own.block_on(async { E::build().unwrap() });
    let running = executor.execute(visit, gate.path());
    let visitor = other.block_on(gate.visitor());
    let waiting = executor.execute(double, 21);
    own.shutdown_background();
    drop(visitor);
    // Even then a busy thread runs the calls that wait for it.
    match other.block_on(patiently(waiting)) {
        Ok(result) => assert_eq!(result, 42),
        Err(error) => assert!(error.is_pool_closed(), "{error:?}"),
    }
    // A process was killed; a thread saw the gate close.
    other.block_on(patiently(running)).unwrap_err();
}

fn a_call_after_the_end_of_the_runtime_is_told_so<E: Subject>() {
    let (own, other) = (runtime(), runtime());
    let executor = own.block_on(async { E::build().unwrap() });
    other.block_on(async { assert_works(&executor).await });
    drop(own);
    other.block_on(async {
        let error = patiently(executor.execute(double, 21)).await.unwrap_err();
        assert!(error.is_pool_closed(), "{error:?}");
    });
}

/// Differences between the executors.

#[test]
fn an_executor_without_processes_needs_a_runtime_but_no_io() {
    assert!(matches!(InProcess::new(), Err(BuildError::Runtime(_))));
    let bare = Builder::new_current_thread().build().unwrap();
    let executor = bare.block_on(async { InProcess::new().unwrap() });
    // Its threads run even if nothing drives the runtime.
    let call = executor.execute(double, 21);
    assert_eq!(futures::executor::block_on(call).unwrap(), 42);
}

#[test]
fn a_function_without_a_process_runs_on_when_its_call_is_dropped() {
    with(|executor: InProcess| async move {
        let (gate, later) = (Gate::open(), Gate::open());
        let visit_both = |(first, second)| (visit(first), visit(second));
        let call = executor.execute(visit_both, (gate.path(), later.path()));
        let visitor = gate.visitor().await;
        assert_eq!(visitor.pid, std::process::id());
        drop(call);
        visitor.let_go().await;
        later.visitor().await.let_go().await;
    });
}

#[test]
fn a_function_without_a_process_is_in_no_worker() {
    with(|executor: InProcess| async move {
        let ask = |()| {
            procpool::worker::set_progress(1, 2);
            let id = procpool::worker::id();
            (
                procpool::worker::is_worker(),
                procpool::worker::is_cancelled(),
                id,
            )
        };
        let answer = patiently(executor.execute(ask, ())).await.unwrap();
        assert_eq!(answer, (false, false, None));
    });
}
