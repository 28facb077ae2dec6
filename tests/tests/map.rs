//! One function on many items of an iterator.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::abort;
use std::rc::Rc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt};
use procpool::{ProcessPool, TaskError, TaskOptions};
use procpool_tests::{Gate, patiently, visit};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

fn double(x: u64) -> u64 {
    2 * x
}

/// Returns whether it has run before, by means of a file.
fn leave_a_trace((directory, number): (PathBuf, u64)) -> u64 {
    File::create_new(directory.join(number.to_string())).expect("it runs once");
    number
}

fn traces(directory: &Path) -> usize {
    directory.read_dir().expect("a directory").count()
}

/// Waits at the gate if it gets one, or else returns at once.
fn pass(gate: Option<PathBuf>) -> u32 {
    gate.map_or(0, visit)
}

#[procpool::test]
async fn results_come_in_the_order_of_the_items() {
    let pool = pool_of(2);
    let results: Vec<u64> = pool.map(double, 0..10_000).try_collect().await.unwrap();
    assert!(results.into_iter().eq((0..10_000).map(double)));
}

/// Returns the results of some items, and of a function that returns its argument.
async fn echoed<T>(items: &[T]) -> Vec<T>
where
    T: Clone + Serialize + DeserializeOwned + 'static,
{
    let pool = pool_of(1);
    let results = pool.map(|item: T| item, items.to_vec());
    patiently(results.try_collect()).await.unwrap()
}

/// Such values are transferred in a different way from all others.
#[procpool::test]
async fn numbers_of_each_type_survive_a_round_trip() {
    assert_eq!(echoed(&[(), (), ()]).await, [(); 3]);
    assert_eq!(echoed(&[true, false]).await, [true, false]);
    assert_eq!(echoed(&['p', char::MAX]).await, ['p', char::MAX]);
    macro_rules! extremes {
        ($($type:ty)*) => {
            $(
                let numbers = [<$type>::MIN, 0, 1, <$type>::MAX];
                assert_eq!(echoed(&numbers).await, numbers);
            )*
        };
    }
    extremes!(u8 u16 u32 u64 usize u128 i8 i16 i32 i64 isize i128);
    let floats = [
        -0.0,
        f64::MIN_POSITIVE,
        f64::from_bits(0x7ff0_0000_0000_0001),
    ];
    let back = echoed(&floats).await;
    assert_eq!(
        floats.map(f64::to_bits)[..],
        back.into_iter().map(f64::to_bits).collect::<Vec<_>>()
    );
    let floats = [-0.0, f32::from_bits(0x7f80_0001)];
    let back = echoed(&floats).await;
    assert_eq!(
        floats.map(f32::to_bits)[..],
        back.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    );
}

/// Each side treats each type in its own way.
#[procpool::test]
async fn numbers_may_map_to_other_types_and_back() {
    let pool = pool_of(2);
    let lengths = pool.map(|word: String| word.len(), ["a".to_owned(), String::new()]);
    assert_eq!(lengths.try_collect::<Vec<_>>().await.unwrap(), [1, 0]);
    let words = pool.map(|length: usize| "a".repeat(length), [1, 0, 300]);
    let words: Vec<String> = words.try_collect().await.unwrap();
    assert_eq!(words, ["a", "", &"a".repeat(300)]);

    let fails = |number: u32| number % 300 == 7;
    let half = |number: u32| {
        assert!(number % 300 != 7, "it is one of those");
        number / 2
    };
    let results = pool.map(half, 0..1000).chunk_size(100);
    let results: Vec<Result<u32, TaskError>> = patiently(results.collect()).await;
    for (number, result) in (0..).zip(results) {
        match result {
            Ok(half) => assert!(half == number / 2 && !fails(number), "{number}: {half}"),
            Err(error) => assert!(error.is_panicked() && fails(number), "{number}: {error}"),
        }
    }
}

#[procpool::test]
async fn unordered_results_are_complete() {
    let pool = pool_of(2);
    let results = pool.map(double, 0..10_000).unordered();
    let mut results: Vec<u64> = results.try_collect().await.unwrap();
    results.sort_unstable();
    assert!(results.into_iter().eq((0..10_000).map(double)));
}

#[procpool::test]
async fn no_items_give_no_results() {
    let pool = pool_of(1);
    let mut map = pool.map(double, []);
    assert!(patiently(map.next()).await.is_none());
    assert!(patiently(map.next()).await.is_none(), "and it stays so");
}

#[procpool::test]
async fn an_iterator_may_be_infinite() {
    let pool = pool_of(2);
    for size in [None, Some(1), Some(1000)] {
        let map = pool.map(double, 0..);
        let map = match size {
            Some(size) => map.chunk_size(size),
            None => map,
        };
        let results: Vec<u64> = patiently(map.take(100).try_collect()).await.unwrap();
        assert!(results.into_iter().eq((0..100).map(double)));
    }
}

/// Fails in a different way for each of some numbers.
fn fail_sometimes(number: u64) -> u64 {
    match number {
        7 => panic!("seven"),
        20 => abort(),
        _ => number,
    }
}

#[procpool::test]
async fn a_failing_item_fails_alone_within_its_chunk() {
    let pool = pool_of(1);
    let map = pool.map(fail_sometimes, 0..50).chunk_size(50);
    let results: Vec<_> = patiently(map.collect()).await;
    assert_eq!(results.len(), 50);
    for (number, result) in (0..).zip(results) {
        match number {
            7 => assert!(result.unwrap_err().to_string().contains("seven")),
            20 => assert!(result.unwrap_err().is_worker_exited()),
            _ => assert_eq!(result.unwrap(), number),
        }
    }
}

fn die_at_the_third((directory, number): (PathBuf, u64)) -> u64 {
    leave_a_trace((directory, number));
    if number == 3 {
        abort();
    }
    number
}

#[procpool::test]
async fn after_a_death_no_item_runs_twice_and_all_others_run() {
    let pool = pool_of(1);
    let directory = tempfile::tempdir().unwrap();
    let items = (0..10).map(|number| (directory.path().to_owned(), number));
    let map = pool.map(die_at_the_third, items).chunk_size(10);
    let results: Vec<_> = patiently(map.collect()).await;
    let failed = |result: &Result<u64, TaskError>| result.is_err();
    assert_eq!(results.iter().position(failed), Some(3));
    assert_eq!(results.iter().filter(|result| failed(result)).count(), 1);
    assert_eq!(traces(directory.path()), 10);
}

fn die_the_first_time((directory, number): (PathBuf, u64)) -> u64 {
    if number == 3 && File::create_new(directory.join("was here")).is_ok() {
        abort();
    }
    number
}

#[procpool::test]
async fn an_item_is_run_again_after_a_death_if_retries_allow_it() {
    let pool = pool_of(1).with(TaskOptions::new().retries(1));
    let directory = tempfile::tempdir().unwrap();
    let items = (0..10).map(|number| (directory.path().to_owned(), number));
    let map = pool.map(die_the_first_time, items).chunk_size(10);
    let results: Vec<u64> = patiently(map.try_collect()).await.unwrap();
    assert!(results.into_iter().eq(0..10));
}

const DIRECTORY: &str = "PROCPOOL_TEST_DIRECTORY";

/// The same for a plain number.
fn die_the_first_time_there(number: u64) -> u64 {
    let directory = std::env::var_os(DIRECTORY).expect("it is in the environment");
    die_the_first_time((directory.into(), number))
}

/// The items before it have been answered and are not sent again.
#[procpool::test]
async fn a_number_is_run_again_after_a_death_if_retries_allow_it() {
    let directory = tempfile::tempdir().unwrap();
    let pool = ProcessPool::builder().workers(1);
    let pool = pool.env(DIRECTORY, directory.path()).build().unwrap();
    let pool = pool.with(TaskOptions::new().retries(1));
    let map = pool.map(die_the_first_time_there, 0..10).chunk_size(10);
    let results: Vec<u64> = patiently(map.try_collect()).await.unwrap();
    assert!(results.into_iter().eq(0..10));
}

fn hang_at_the_third(number: u64) -> u64 {
    if number == 3 {
        loop {
            std::hint::spin_loop();
        }
    }
    number
}

#[procpool::test]
async fn each_item_has_a_time_limit_of_its_own() {
    let pool = pool_of(1).with_timeout(Duration::from_secs(1));
    let map = pool.map(hang_at_the_third, 0..10).chunk_size(10);
    let results: Vec<_> = patiently(map.collect()).await;
    for (number, result) in (0..).zip(results) {
        match number {
            3 => assert!(result.unwrap_err().is_timed_out()),
            _ => assert_eq!(result.unwrap(), number),
        }
    }
}

/// A type that no worker can decode.
#[derive(Debug, serde::Serialize)]
struct Unreadable(u64);

impl<'de> serde::Deserialize<'de> for Unreadable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            4 => Err(serde::de::Error::custom("not this one")),
            5 => panic!("nor this one"),
            number => Ok(Unreadable(number)),
        }
    }
}

#[procpool::test]
async fn arguments_that_cannot_be_decoded_fail_their_item() {
    let pool = pool_of(1);
    let map = pool.map(|Unreadable(number)| number, (0..10).map(Unreadable));
    let results: Vec<Result<u64, _>> = patiently(map.chunk_size(10).collect()).await;
    assert!(matches!(results[4], Err(TaskError::Decode(_))));
    assert!(matches!(results[5], Err(TaskError::Panicked(_))));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 8);
}

/// A type that this process can't encode.
#[derive(Debug, serde::Deserialize)]
struct Unwritable(u64);

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            4 => Err(serde::ser::Error::custom("not this one")),
            5 => panic!("nor this one"),
            number => serializer.serialize_u64(number),
        }
    }
}

#[procpool::test]
async fn arguments_that_cannot_be_encoded_fail_their_item() {
    let pool = pool_of(1);
    let map = pool.map(|Unwritable(number)| number, (0..10).map(Unwritable));
    let results: Vec<Result<u64, _>> = patiently(map.chunk_size(10).collect()).await;
    for (number, result) in (0..).zip(results) {
        match number {
            4 | 5 => assert!(matches!(result, Err(TaskError::Encode(_)))),
            _ => assert_eq!(result.unwrap(), number),
        }
    }
}

#[procpool::test]
async fn an_idle_worker_takes_over_items_behind_a_long_one() {
    let pool = pool_of(2);
    pool.warm_up().await.unwrap();
    let gate = Gate::open();
    let items = (0..20).map(|number| (number == 0).then(|| gate.path()));
    let mut map = pool.map(pass, items).chunk_size(20).unordered();
    for _ in 0..19 {
        assert_eq!(patiently(map.next()).await.unwrap().unwrap(), 0);
    }
    let (next, ()) = tokio::join!(patiently(map.next()), async {
        gate.visitor().await.let_go().await;
    });
    assert_ne!(next.unwrap().unwrap(), 0);
    assert!(patiently(map.next()).await.is_none());
}

#[procpool::test]
async fn dropping_a_map_kills_its_running_items_and_starts_no_others() {
    let pool = pool_of(1);
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::open();
    let items = (0..10).map(|number| (gate.path(), directory.path().to_owned(), number));
    let function = |(gate, directory, number): (PathBuf, PathBuf, u64)| {
        leave_a_trace((directory, number));
        visit(gate)
    };
    let mut map = pool.map(function, items).chunk_size(5);
    assert!(map.next().now_or_never().is_none());
    let visitor = gate.visitor().await;
    let process = visitor.watch();
    drop(map);
    visitor.gone().await;
    drop(process);
    // Any item that was sent would have run before this.
    assert_eq!(patiently(pool.run_in_process(double, 1)).await.unwrap(), 2);
    assert_eq!(traces(directory.path()), 1);
    pool.shutdown().await;
}

#[procpool::test]
async fn a_map_pulls_no_more_items_than_its_buffer_allows() {
    let pool = pool_of(2);
    for (buffer, most) in [(0, 1), (1, 1), (7, 7), (100, 100)] {
        let pulled = Rc::new(Cell::new(0_u64));
        let items = (0..).inspect({
            let pulled = Rc::clone(&pulled);
            move |_| pulled.set(pulled.get() + 1)
        });
        let mut map = pool.map(double, items).buffer(buffer);
        for given in 0..300 {
            assert_eq!(patiently(map.next()).await.unwrap().unwrap(), 2 * given);
            let outstanding = pulled.get() - given - 1;
            assert!(outstanding <= most, "{outstanding} of {most}");
        }
    }
}

#[procpool::test]
async fn a_chunk_of_no_items_is_a_chunk_of_one() {
    let pool = pool_of(1);
    let map = pool.map(double, 0..10).chunk_size(0).buffer(0);
    let results: Vec<u64> = patiently(map.try_collect()).await.unwrap();
    assert!(results.into_iter().eq((0..10).map(double)));
}

#[procpool::test]
async fn a_panic_of_the_iterator_propagates_to_the_caller() {
    let pool = pool_of(1);
    let items = (0..10).inspect(|&number| assert_ne!(number, 5, "the fifth"));
    let mut map = pool.map(double, items);
    let mut results = Vec::new();
    let mut panics = 0;
    loop {
        let next = AssertUnwindSafe(patiently(map.next())).catch_unwind().await;
        match next {
            Ok(Some(result)) => results.push(result.unwrap()),
            Ok(None) => break,
            Err(_) => panics += 1,
        }
    }
    assert_eq!((results, panics), (vec![0, 2, 4, 6, 8], 1));
    assert_eq!(pool.run_in_process(double, 1).await.unwrap(), 2);
}

#[procpool::test]
async fn a_map_that_is_dropped_after_a_panic_of_the_iterator_leaves_nothing() {
    let pool = pool_of(1);
    let items = (0..10).inspect(|&number| assert_ne!(number, 5, "the fifth"));
    let mut map = pool.map(double, items).chunk_size(10);
    let caught = catch_unwind(AssertUnwindSafe(|| map.next().now_or_never()));
    assert!(caught.is_err());
    drop(map);
    patiently(pool.shutdown()).await;
}

#[procpool::test]
async fn a_closed_pool_gives_one_error_and_ends_the_map() {
    let pool = pool_of(1);
    pool.close();
    let mut map = pool.map(double, 0..);
    let error = patiently(map.next()).await.unwrap().unwrap_err();
    assert!(error.is_pool_closed());
    assert!(patiently(map.next()).await.is_none());
    let mut empty = pool.map(double, []);
    assert!(patiently(empty.next()).await.is_none());
}

#[procpool::test]
async fn items_sent_before_the_pool_was_closed_give_their_results() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let items = (0..).map(|number| (number == 0).then(|| gate.path()));
    let mut map = pool.map(pass, items).chunk_size(3);
    assert!(map.next().now_or_never().is_none());
    let visitor = gate.visitor().await;
    pool.close();
    visitor.let_go().await;
    let results: Vec<_> = patiently(map.by_ref().collect()).await;
    let (last, results) = results.split_last().unwrap();
    assert!(last.as_ref().unwrap_err().is_pool_closed());
    // A machine that is slow to pull sends the first item alone.
    assert!(
        !results.is_empty() && results.iter().all(Result::is_ok),
        "{results:?}"
    );
    patiently(pool.shutdown()).await;
}

#[procpool::test]
async fn a_terminated_pool_ends_a_map() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let items = (0..).map(|_| Some(gate.path()));
    let mut map = pool.map(pass, items).chunk_size(4);
    assert!(map.next().now_or_never().is_none());
    let visitor = gate.visitor().await;
    patiently(pool.terminate()).await;
    visitor.gone().await;
    let results: Vec<_> = patiently(map.collect()).await;
    assert!(results.len() >= 4);
    for result in results {
        assert!(result.unwrap_err().is_pool_closed());
    }
}

#[procpool::test]
async fn a_map_that_waits_for_room_pulls_nothing() {
    let pool = ProcessPool::builder()
        .workers(1)
        .queue_capacity(1)
        .build()
        .unwrap();
    let gate = Gate::open();
    let running = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let waiting = pool.run_in_process(double, 1);
    let pulled = Rc::new(Cell::new(0));
    let items = (0..50).inspect({
        let pulled = Rc::clone(&pulled);
        move |_| pulled.set(pulled.get() + 1)
    });
    let mut map = pool.map(double, items).chunk_size(2);
    assert!(map.next().now_or_never().is_none());
    assert_eq!(pulled.get(), 0);
    visitor.let_go().await;
    running.await.unwrap();
    assert_eq!(waiting.await.unwrap(), 2);
    let results: Vec<u64> = patiently(map.try_collect()).await.unwrap();
    assert!(results.into_iter().eq((0..50).map(double)));
}

#[procpool::test]
async fn items_have_the_state_of_their_worker() {
    let builder = ProcessPool::builder().workers(1);
    let pool = builder
        .initializer(|first: u64| first, 100)
        .build()
        .unwrap();
    let count = |state: &mut u64, step: u64| {
        *state += step;
        *state
    };
    let map = pool.map_with_state(count, [1, 1, 1]).chunk_size(3);
    let results: Vec<u64> = patiently(map.try_collect()).await.unwrap();
    assert_eq!(results, [101, 102, 103]);
}

#[procpool::test(flavor = "current_thread")]
async fn a_map_yields_to_other_tasks_while_results_are_taken() {
    let pool = pool_of(1);
    let turns = Rc::new(Cell::new(0));
    let mut map = pool.map(double, 0..100_000);
    let taken = async {
        let mut taken = 0_u64;
        while let Some(result) = map.next().await {
            result.unwrap();
            taken += 1;
        }
        taken
    };
    let others = async {
        loop {
            turns.set(turns.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let taken = tokio::select! {
        taken = patiently(taken) => taken,
        never = others => never,
    };
    assert_eq!(taken, 100_000);
    assert!(turns.get() >= 500, "{} turns", turns.get());
}

#[procpool::test]
async fn a_map_can_be_polled_on_any_runtime() {
    let pool = pool_of(1);
    let map = pool.map(double, 0..1000);
    let sum = std::thread::spawn(|| {
        let results: Result<Vec<u64>, _> = futures::executor::block_on(map.try_collect());
        results.unwrap().len()
    });
    let sum = patiently(tokio::task::spawn_blocking(|| sum.join())).await;
    assert_eq!(sum.unwrap().unwrap(), 1000);
}

#[procpool::test]
async fn large_items_survive_a_round_trip() {
    let pool = pool_of(2);
    let items = (0..20).map(|number: u8| vec![number; 300_000]);
    let map = pool.map(|bytes: Vec<u8>| bytes, items);
    let results: Vec<Vec<u8>> = patiently(map.try_collect()).await.unwrap();
    for (number, result) in (0..).zip(results) {
        assert!(result == vec![number; 300_000]);
    }
}
