//! The state that an initializer creates, and the effect of a failed initializer.

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use procpool::{ProcessPool, TaskError};
use procpool_tests::{Gate, patiently};

/// A state that can't be sent between processes.
struct Counter {
    begin: u64,
    calls: std::rc::Rc<std::cell::Cell<u64>>,
}

fn counter(begin: u64) -> Counter {
    Counter {
        begin,
        calls: std::rc::Rc::default(),
    }
}

fn count(counter: &mut Counter, step: u64) -> u64 {
    counter.calls.set(counter.calls.get() + 1);
    counter.begin += step;
    counter.begin
}

/// Returns the messages of an error and all its sources.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[procpool::test]
async fn each_worker_creates_a_state_once_and_keeps_it_between_tasks() {
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(counter, 100)
        .build()
        .unwrap();
    assert_eq!(patiently(pool.run_with_state(count, 1)).await.unwrap(), 101);
    assert_eq!(patiently(pool.run_with_state(count, 5)).await.unwrap(), 106);
    // Functions without state run in the same worker.
    assert_eq!(
        patiently(pool.run_in_process(|x: u8| x + 1, 1))
            .await
            .unwrap(),
        2
    );
    let calls = pool.run_with_state(|counter, ()| counter.calls.get(), ());
    assert_eq!(patiently(calls).await.unwrap(), 2);
}

#[procpool::test]
async fn a_replacement_worker_creates_its_own_state() {
    fn die(_: &mut Counter, _: ()) {
        std::process::abort();
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(counter, 0)
        .build()
        .unwrap();
    assert_eq!(patiently(pool.run_with_state(count, 7)).await.unwrap(), 7);
    let error = patiently(pool.run_with_state(die, ())).await.unwrap_err();
    assert!(error.is_worker_exited());
    assert_eq!(patiently(pool.run_with_state(count, 1)).await.unwrap(), 1);
}

#[procpool::test]
async fn a_panic_leaves_the_state_in_its_worker() {
    fn trip(counter: &mut Counter, _: ()) {
        counter.begin = 40;
        panic!("half-way");
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(counter, 0)
        .build()
        .unwrap();
    assert!(
        patiently(pool.run_with_state(trip, ()))
            .await
            .unwrap_err()
            .is_panicked()
    );
    assert_eq!(patiently(pool.run_with_state(count, 2)).await.unwrap(), 42);
}

#[procpool::test]
async fn an_argument_larger_than_the_socket_buffer_reaches_every_worker() {
    fn sum(bytes: Vec<u8>) -> u64 {
        bytes.iter().map(|byte| u64::from(*byte)).sum()
    }
    let bytes = vec![1; 24 << 20];
    let pool = ProcessPool::builder()
        .workers(2)
        .initializer(sum, bytes)
        .build()
        .unwrap();
    let gate = Gate::open();
    let ask = |state: &mut u64, gate: PathBuf| (*state, procpool_tests::visit(gate));
    let tasks = [(); 2].map(|()| pool.run_with_state(ask, gate.path()));
    let visitors = [gate.visitor().await, gate.visitor().await];
    for visitor in visitors {
        visitor.let_go().await;
    }
    let answers = patiently(futures::future::try_join_all(tasks))
        .await
        .unwrap();
    assert!(answers.iter().all(|(sum, _)| *sum == 24 << 20));
    let pids: HashSet<_> = answers.into_iter().map(|(_, pid)| pid).collect();
    assert_eq!(pids.len(), 2);
}

#[procpool::test]
async fn an_error_of_the_initializer_fails_waiting_tasks() {
    fn refuse(path: String) -> Result<(), String> {
        Err(format!("no model in {path}"))
    }
    let builder = ProcessPool::builder().workers(2);
    let pool = builder
        .try_initializer(refuse, "models".to_owned())
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    assert!(error.is_worker_start());
    let text = chain(&error);
    assert!(
        text.contains("the initializer failed: no model in models"),
        "{text}"
    );
}

#[procpool::test]
async fn a_panic_of_the_initializer_fails_waiting_tasks() {
    fn stumble(_: ()) -> u8 {
        panic!("no licence")
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(stumble, ())
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    let text = chain(&error);
    assert!(
        text.contains("the initializer panicked at tests/tests/worker_state.rs:"),
        "{text}"
    );
    assert!(text.ends_with(": no licence"), "{text}");
}

#[procpool::test]
async fn an_exit_of_the_initializer_fails_waiting_tasks() {
    fn leave(code: i32) -> u8 {
        eprintln!("this is the reason");
        std::process::exit(code)
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(leave, 5)
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    let TaskError::WorkerStart(error) = error else {
        panic!("{error}")
    };
    assert!(chain(&error).contains("exited with code 5"), "{error}");
}

#[procpool::test]
async fn a_hanging_initializer_is_killed_at_the_startup_timeout() {
    fn hang(_: ()) {
        loop {
            std::thread::park();
        }
    }
    let limit = Duration::from_millis(300);
    let builder = ProcessPool::builder().workers(1).startup_timeout(limit);
    let pool = builder.initializer(hang, ()).build().unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    let TaskError::WorkerStart(error) = error else {
        panic!("{error}")
    };
    assert!(error.is_timed_out());
}

#[procpool::test]
async fn a_failed_initializer_is_retried_and_the_pool_recovers() {
    fn load(path: PathBuf) -> Result<String, std::io::Error> {
        fs::read_to_string(path)
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    let builder = ProcessPool::builder().workers(1);
    let pool = builder.try_initializer(load, path.clone()).build().unwrap();
    let get = |state: &mut String, ()| state.clone();
    let error = patiently(pool.run_with_state(get, ())).await.unwrap_err();
    assert!(chain(&error).contains("No such file"), "{error}");
    fs::write(path, "weights").unwrap();
    let recovered = async {
        loop {
            match pool.run_with_state(get, ()).await {
                Ok(state) => return state,
                Err(error) => assert!(error.is_worker_start(), "{error}"),
            }
        }
    };
    assert_eq!(patiently(recovered).await, "weights");
}

#[procpool::test]
async fn a_worker_that_stops_drops_its_state() {
    struct Note(PathBuf);
    impl Drop for Note {
        fn drop(&mut self) {
            fs::write(&self.0, "dropped").unwrap();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("note");
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(Note, path.clone())
        .build()
        .unwrap();
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
    assert!(!path.exists());
    patiently(pool.shutdown()).await;
    assert_eq!(fs::read_to_string(path).unwrap(), "dropped");
}

#[procpool::test]
async fn a_state_whose_drop_hangs_does_not_block_a_shutdown() {
    struct Stubborn;
    impl Drop for Stubborn {
        fn drop(&mut self) {
            loop {
                std::thread::park();
            }
        }
    }
    let builder = ProcessPool::builder().workers(1);
    let pool = builder.initializer(|()| Stubborn, ()).build().unwrap();
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
    let report = patiently(pool.shutdown_timeout(Duration::from_millis(100))).await;
    assert_eq!((report.abandoned_tasks(), report.killed_workers()), (0, 1));
}

#[procpool::test]
async fn an_argument_of_the_initializer_that_cannot_be_encoded_fails_the_build() {
    #[derive(serde::Deserialize)]
    struct Unspeakable;
    impl serde::Serialize for Unspeakable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it has no words"))
        }
    }
    let builder = ProcessPool::builder().workers(1);
    let error = builder
        .initializer(|_: Unspeakable| (), Unspeakable)
        .build()
        .unwrap_err();
    assert!(
        chain(&error).contains("it has no words"),
        "{}",
        chain(&error)
    );
}
