//! Functions that every worker runs once.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join_all, try_join_all};
use procpool::{BuildError, ProcessPool, TaskError, TaskState};
use procpool_tests::{Gate, Log, kill, note, patiently, visit};

/// The last word that was broadcast.
static WORD: Mutex<String> = Mutex::new(String::new());

fn learn(word: String) {
    *WORD.lock().expect("nobody panics with it") = word;
}

fn recite(_: ()) -> String {
    WORD.lock().expect("nobody panics with it").clone()
}

/// Writes a word to a log, with the process id.
fn say((log, word): (PathBuf, String)) {
    note(&log, &format!("{} {word}", std::process::id()));
}

/// Returns the words and process ids in order.
fn said(log: &Log) -> BTreeMap<u32, Vec<String>> {
    let mut said: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for line in log.lines() {
        let (pid, word) = line.split_once(' ').expect("a process and a word");
        let pid = pid.parse().expect("a process");
        said.entry(pid).or_default().push(word.to_owned());
    }
    said
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[procpool::test]
async fn every_worker_runs_broadcasts_in_order_after_the_initializer_and_before_its_first_task() {
    let log = Log::open();
    let word = |word: &str| (log.path(), word.to_owned());
    let pool = ProcessPool::builder()
        .workers(2)
        .standby_workers(1)
        .broadcast(say, word("first"))
        .broadcast(say, word("second"))
        .initializer(say, word("state"))
        .broadcast(say, word("third"))
        .build()
        .unwrap();
    patiently(pool.run_in_process(say, word("task")))
        .await
        .unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let said = said(&log);
    assert_eq!(said.len(), 3);
    for words in said.into_values() {
        assert_eq!(words[..4], ["state", "first", "second", "third"]);
    }
}

#[procpool::test]
async fn later_workers_run_it_too() {
    let log = Log::open();
    let word = (log.path(), "hello".to_owned());
    let pool = ProcessPool::builder()
        .workers(1)
        .broadcast(say, word)
        .build()
        .unwrap();
    let gate = Gate::open();
    let task = pool.run_in_process(visit, gate.path());
    kill(gate.visitor().await.pid);
    assert!(patiently(task).await.unwrap_err().is_worker_exited());
    pool.resize(2).unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let said = said(&log);
    assert_eq!(said.len(), 3);
    assert!(said.values().all(|words| words == &["hello"]), "{said:?}");
}

#[procpool::test]
async fn any_number_of_broadcasts_of_any_size_reaches_a_worker() {
    fn add((log, bytes): (PathBuf, Vec<u8>)) {
        note(&log, &bytes.len().to_string());
    }
    let log = Log::open();
    let lengths: Vec<_> = (0..500).chain([8 << 20, 8 << 20]).collect();
    let mut builder = ProcessPool::builder().workers(1);
    for &length in &lengths {
        builder = builder.broadcast(add, (log.path(), vec![1; length]));
    }
    let pool = builder.build().unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let lengths: Vec<_> = lengths.iter().map(ToString::to_string).collect();
    assert_eq!(log.lines(), lengths);
}

#[procpool::test]
async fn broadcasts_do_not_change_the_initializers_state() {
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(|start: u64| start, 7)
        .broadcast(|_: u8| (), 1)
        .build()
        .unwrap();
    let state = pool.run_with_state(|state, ()| *state, ());
    assert_eq!(patiently(state).await.unwrap(), 7);
}

#[procpool::test]
async fn an_error_or_a_panic_fails_the_start() {
    fn refuse(what: String) -> Result<(), String> {
        Err(format!("no {what}"))
    }
    fn stumble(_: ()) {
        panic!("no licence")
    }
    let builder = || ProcessPool::builder().workers(2);
    let pool = builder()
        .broadcast(|()| (), ())
        .try_broadcast(refuse, "key".to_owned())
        .build()
        .unwrap();
    let task = pool.run_in_process(|()| (), ());
    for error in [
        patiently(task).await.unwrap_err(),
        patiently(pool.warm_up()).await.unwrap_err(),
    ] {
        assert!(error.is_worker_start());
        let text = chain(&error);
        assert!(text.ends_with("a broadcast failed: no key"), "{text}");
    }
    let pool = builder().broadcast(stumble, ()).build().unwrap();
    let error = patiently(pool.run_in_process(|()| (), ())).await;
    let text = chain(&error.unwrap_err());
    assert!(
        text.contains("a broadcast panicked at tests/tests/broadcast.rs:"),
        "{text}"
    );
    assert!(text.ends_with(": no licence"), "{text}");
}

#[procpool::test]
async fn a_worker_that_exits_or_hangs_in_a_broadcast_has_not_started() {
    fn leave(code: i32) {
        std::process::exit(code)
    }
    fn hang(_: ()) {
        loop {
            std::thread::park();
        }
    }
    let builder = || ProcessPool::builder().workers(1);
    let pool = builder().broadcast(leave, 5).build().unwrap();
    let error = patiently(pool.run_in_process(|()| (), ())).await;
    let text = chain(&error.unwrap_err());
    assert!(text.contains("exited with code 5"), "{text}");

    let limit = Duration::from_millis(300);
    let pool = builder()
        .startup_timeout(limit)
        .broadcast(hang, ())
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ())).await;
    let TaskError::WorkerStart(error) = error.unwrap_err() else {
        panic!("it did not start");
    };
    assert!(error.is_timed_out());
}

#[procpool::test]
async fn arguments_that_cannot_be_encoded_fail_the_build() {
    #[derive(serde::Deserialize)]
    struct Unspeakable;
    impl serde::Serialize for Unspeakable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it has no words"))
        }
    }
    let error = ProcessPool::builder()
        .workers(1)
        .broadcast(|_: Unspeakable| (), Unspeakable)
        .broadcast(|()| (), ())
        .build()
        .unwrap_err();
    assert!(matches!(error, BuildError::Broadcast(_)), "{error}");
    assert!(chain(&error).contains("it has no words"));
}

#[procpool::test]
async fn arguments_that_cannot_be_decoded_fail_the_start() {
    #[derive(serde::Serialize)]
    struct OneWay;
    impl<'de> serde::Deserialize<'de> for OneWay {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("there is no way back"))
        }
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .broadcast(|_: OneWay| (), OneWay)
        .build()
        .unwrap();
    let error = patiently(pool.warm_up()).await.unwrap_err();
    let text = chain(&error);
    assert!(text.contains("there is no way back"), "{text}");
}

#[procpool::test]
async fn no_worker_takes_a_task_before_it_has_run_the_broadcasts() {
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .workers(2)
        .broadcast(
            |gate| {
                let _ = visit(gate);
            },
            gate.path(),
        )
        .build()
        .unwrap();
    let tasks = [(); 2].map(|()| pool.run_in_process(|()| std::process::id(), ()));
    let (first, second) = (gate.visitor().await, gate.visitor().await);
    let pids = HashSet::from([first.pid, second.pid]);
    assert_eq!(pids.len(), 2);
    let [one, other] = tasks;
    assert_eq!(one.state(), TaskState::Queued);
    first.let_go().await;
    let early = [patiently(one).await, patiently(other).await];
    assert!(early.into_iter().all(|pid| pid.unwrap() != second.pid));
    second.let_go().await;
    patiently(pool.warm_up()).await.unwrap();
}

#[procpool::test]
async fn every_present_and_later_worker_of_a_running_pool_runs_it() {
    let pool = ProcessPool::builder()
        .workers(3)
        .broadcast(learn, "first".to_owned())
        .build()
        .unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let log = Log::open();
    patiently(pool.broadcast(say, (log.path(), "hello".to_owned())))
        .await
        .unwrap();
    assert_eq!(said(&log).len(), 3);
    patiently(pool.broadcast(learn, "second".to_owned()))
        .await
        .unwrap();
    let answers = join_all((0..30).map(|_| pool.run_in_process(recite, ())));
    for answer in patiently(answers).await {
        assert_eq!(answer.unwrap(), "second");
    }
    pool.resize(5).unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let words: Vec<_> = said(&log).into_values().collect();
    assert_eq!(words, vec![["hello"]; 5], "once in each");
    let gate = Gate::open();
    let tasks =
        [(); 5].map(|()| pool.run_in_process(|gate| (visit(gate), recite(())), gate.path()));
    for _ in 0..5 {
        gate.visitor().await.let_go().await;
    }
    for task in tasks {
        assert_eq!(patiently(task).await.unwrap().1, "second");
    }
}

#[procpool::test]
async fn a_busy_worker_runs_it_between_its_task_and_the_next() {
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let (gate, log) = (Gate::open(), Log::open());
    let busy = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let mut told = Box::pin(pool.broadcast(say, (log.path(), "hello".to_owned())));
    // The other worker runs it meanwhile, and then any task.
    let other = patiently(pool.run_in_process(|()| std::process::id(), ())).await;
    assert_ne!(other.unwrap(), visitor.pid);
    assert_eq!(said(&log).len(), 1);
    assert!(told.as_mut().now_or_never().is_none());
    let pid = visitor.pid;
    visitor.let_go().await;
    patiently(told).await.unwrap();
    assert_eq!(said(&log)[&pid], ["hello"]);
    patiently(busy).await.unwrap();
}

#[procpool::test]
async fn a_worker_that_is_starting_runs_it_before_its_first_task() {
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(
            |gate| {
                let _ = visit(gate);
            },
            gate.path(),
        )
        .build()
        .unwrap();
    let visitor = gate.visitor().await;
    let told = pool.broadcast(learn, "in time".to_owned());
    let task = pool.run_in_process(recite, ());
    visitor.let_go().await;
    assert_eq!(patiently(task).await.unwrap(), "in time");
    patiently(told).await.unwrap();
}

#[procpool::test]
async fn several_broadcasts_run_in_order_even_if_not_awaited() {
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    let log = Log::open();
    for number in 0..20 {
        drop(pool.broadcast(say, (log.path(), number.to_string())));
    }
    patiently(pool.broadcast(|()| (), ())).await.unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let expected: Vec<_> = (0..20).map(|number: u32| number.to_string()).collect();
    let said = said(&log);
    assert_eq!(said.len(), 2);
    assert!(said.values().all(|words| *words == expected), "{said:?}");
}

#[procpool::test]
async fn a_broadcast_larger_than_the_socket_buffer_reaches_running_workers() {
    fn measure((log, bytes): (PathBuf, Vec<u8>)) {
        note(&log, &bytes.len().to_string());
    }
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let log = Log::open();
    let told = pool.broadcast(measure, (log.path(), vec![1; 8 << 20]));
    let task = pool.run_in_process(recite, ());
    patiently(told).await.unwrap();
    patiently(task).await.unwrap();
    assert_eq!(log.lines(), ["8388608", "8388608"]);
}

#[procpool::test]
async fn a_failed_broadcast_is_reported_and_forgotten() {
    fn refuse(what: String) -> Result<(), String> {
        Err(format!("no {what}"))
    }
    fn stumble(_: ()) {
        panic!("no licence")
    }
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let ids = |pool: &ProcessPool| {
        let ids = join_all((0..20).map(|_| pool.run_in_process(|()| std::process::id(), ())));
        async move {
            let ids = patiently(ids).await.into_iter();
            ids.map(Result::unwrap).collect::<HashSet<_>>()
        }
    };
    let error = patiently(pool.try_broadcast(refuse, "key".to_owned())).await;
    let error = error.unwrap_err();
    assert!(error.is_worker_start());
    assert_eq!(
        chain(&error),
        "the worker could not run a broadcast: a broadcast failed: no key"
    );
    let error = patiently(pool.broadcast(stumble, ())).await.unwrap_err();
    let text = chain(&error);
    assert!(text.contains("a broadcast panicked at tests/tests/broadcast.rs:"));
    assert!(text.ends_with(": no licence"), "{text}");
    let before = ids(&pool).await;
    pool.resize(4).unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let gate = Gate::open();
    let tasks = [(); 4].map(|()| pool.run_in_process(visit, gate.path()));
    let mut after = HashSet::new();
    for _ in 0..4 {
        let visitor = gate.visitor().await;
        after.insert(visitor.pid);
        visitor.let_go().await;
    }
    assert!(after.is_superset(&before), "the workers live on");
    patiently(try_join_all(tasks)).await.unwrap();
}

#[procpool::test]
async fn a_worker_that_exits_in_a_broadcast_fails_it_and_is_replaced() {
    fn leave(code: i32) {
        std::process::exit(code)
    }
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let error = patiently(pool.broadcast(leave, 5)).await.unwrap_err();
    assert!(error.is_worker_start());
    assert!(chain(&error).contains("exited with code 5"), "{error}");
    assert_eq!(
        patiently(pool.run_in_process(recite, ())).await.unwrap(),
        ""
    );
}

#[procpool::test]
async fn a_worker_that_hangs_in_a_broadcast_is_replaced_after_startup_timeout() {
    fn hang(_: ()) {
        loop {
            std::thread::park();
        }
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .startup_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let told = pool.broadcast(hang, ());
    let task = pool.run_in_process(recite, ());
    let TaskError::WorkerStart(error) = patiently(told).await.unwrap_err() else {
        panic!("it did not end");
    };
    assert!(error.is_timed_out());
    assert_eq!(patiently(task).await.unwrap(), "", "it never noticed");
}

#[procpool::test]
async fn a_task_that_kills_its_worker_does_not_fail_the_next_broadcast() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let gate = Gate::open();
    let killed = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let told = pool.broadcast(learn, "again".to_owned());
    kill(visitor.pid);
    assert!(patiently(killed).await.unwrap_err().is_worker_exited());
    patiently(told).await.unwrap();
    let word = patiently(pool.run_in_process(recite, ())).await;
    assert_eq!(word.unwrap(), "again", "the replacement has run it");
}

#[procpool::test]
async fn a_closed_pool_runs_no_broadcast() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let gate = Gate::open();
    let task = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let before = pool.broadcast(|()| (), ());
    pool.close();
    let after = pool.broadcast(|()| (), ());
    assert!(patiently(before).await.unwrap_err().is_pool_closed());
    assert!(patiently(after).await.unwrap_err().is_pool_closed());
    visitor.let_go().await;
    patiently(task).await.unwrap();
    patiently(pool.shutdown()).await;
}

#[procpool::test]
async fn a_later_broadcast_whose_arguments_cannot_be_encoded_gives_an_error() {
    #[derive(serde::Deserialize)]
    struct Unspeakable;
    impl serde::Serialize for Unspeakable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it has no words"))
        }
    }
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let told = pool.broadcast(|_: Unspeakable| (), Unspeakable);
    assert!(patiently(told).await.unwrap_err().is_encode());
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}
