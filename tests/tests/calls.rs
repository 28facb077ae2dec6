//! Calls, their arguments and their results.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use procpool::{ProcessPool, TaskState};
use procpool_tests::patiently;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn pool() -> ProcessPool {
    ProcessPool::builder().workers(1).build().expect("a pool")
}

fn double(x: u64) -> u64 {
    x * 2
}

fn sorted<T: Ord + Serialize + DeserializeOwned>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

fn same<T>(value: T) -> T {
    value
}

#[procpool::test]
async fn a_plain_function_runs_in_another_process() {
    let pool = pool();
    assert_eq!(
        patiently(pool.run_in_process(double, 21)).await.unwrap(),
        42
    );
    let pid = patiently(pool.run_in_process(|()| std::process::id(), ()))
        .await
        .unwrap();
    assert_ne!(pid, std::process::id());
}

#[procpool::test]
async fn generic_functions_and_closures_without_captures_are_functions_too() {
    let pool = pool();
    let numbers = pool.run_in_process(sorted::<i32>, vec![3, 1, 2]);
    let words = pool.run_in_process(sorted, vec!["b".to_owned(), "a".to_owned()]);
    let area = pool.run_in_process(|(width, height): (u32, u32)| width * height, (6, 7));
    assert_eq!(numbers.await.unwrap(), [1, 2, 3]);
    assert_eq!(words.await.unwrap(), ["a", "b"]);
    assert_eq!(area.await.unwrap(), 42);
}

#[procpool::test]
async fn a_functions_own_error_is_inside_the_result() {
    let pool = pool();
    let parse = |text: String| text.parse::<i32>().map_err(|error| error.to_string());
    assert_eq!(
        pool.run_in_process(parse, "12".to_owned()).await.unwrap(),
        Ok(12)
    );
    let error = pool
        .run_in_process(parse, "x".to_owned())
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.contains("invalid digit"), "{error}");
}

#[procpool::test]
async fn calls_on_the_default_pool_need_no_pool() {
    let task = procpool::run_in_process(double, 4);
    assert_eq!(patiently(task).await.unwrap(), 8);
    // And again on the same one.
    let first = procpool::run_in_process(|()| procpool::worker::id(), ())
        .await
        .unwrap();
    assert!(first.is_some());
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
    nested: Option<Option<()>>,
    checksum: u128,
    host: IpAddr,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Address(IpAddr),
    Text(String),
    Nothing(()),
}

#[procpool::test]
async fn values_that_compact_encodings_lose_come_back_equal() {
    let pool = pool();
    let page = Page {
        title: None,
        more: BTreeMap::from([
            ("a".to_owned(), Value::Number(-1)),
            ("b".to_owned(), Value::Address([127, 0, 0, 1].into())),
            ("c".to_owned(), Value::Text("text".to_owned())),
            ("d".to_owned(), Value::Nothing(())),
        ]),
        nested: Some(Some(())),
        checksum: u128::MAX,
        host: [0, 0, 0, 0, 0, 0, 0, 1].into(),
    };
    assert_eq!(pool.run_in_process(same, page.clone()).await.unwrap(), page);
    for nested in [None, Some(None), Some(Some(()))] {
        assert_eq!(pool.run_in_process(same, nested).await.unwrap(), nested);
    }
    let keyed = HashMap::from([((1, 'x'), vec![0_u8, 255]), ((2, 'y'), vec![])]);
    assert_eq!(
        pool.run_in_process(same, keyed.clone()).await.unwrap(),
        keyed
    );
    let json = serde_json::json!({"a": [1, 2.5, null, true, {"b": "c"}]});
    assert_eq!(pool.run_in_process(same, json.clone()).await.unwrap(), json);
}

#[procpool::test]
async fn payloads_of_many_sizes_survive_a_round_trip() {
    let pool = pool();
    for len in [
        0,
        1,
        4095,
        4096,
        8191,
        8192,
        8193,
        65_535,
        65_536,
        1 << 20,
        (9 << 20) + 1,
    ] {
        let bytes: Vec<u8> = (0..len).map(|i: u32| (i % 251) as u8).collect();
        let back = patiently(pool.run_in_process(same, bytes.clone()))
            .await
            .unwrap();
        assert!(back == bytes, "{len} bytes came back changed");
    }
}

#[procpool::test]
async fn large_payloads_in_flight_both_ways_do_not_block_each_other() {
    let pool = ProcessPool::builder().workers(2).build().expect("a pool");
    let bytes = vec![7_u8; 8 << 20];
    let tasks = (0..8).map(|_| pool.run_in_process(same, bytes.clone()));
    for back in patiently(futures::future::join_all(tasks)).await {
        assert!(back.unwrap() == bytes);
    }
}

#[procpool::test]
async fn a_task_runs_without_being_polled() {
    let gate = procpool_tests::Gate::open();
    let pool = pool();
    let task = pool.run_in_process(procpool_tests::visit, gate.path());
    // The task is not polled, but the function runs.
    let visitor = gate.visitor().await;
    assert_eq!(task.state(), TaskState::Running);
    visitor.let_go().await;
    patiently(task).await.unwrap();
}

#[procpool::test]
async fn tasks_start_in_the_order_of_their_calls() {
    let gate = procpool_tests::Gate::open();
    let pool = pool();
    let blocker = pool.run_in_process(procpool_tests::visit, gate.path());
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let note = |(path, line): (std::path::PathBuf, u32)| {
        use std::io::Write;
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    };
    let tasks: Vec<_> = (0..50)
        .map(|line| pool.run_in_process(note, (log.clone(), line)))
        .collect();
    gate.visitor().await.let_go().await;
    patiently(futures::future::try_join_all(tasks))
        .await
        .unwrap();
    blocker.await.unwrap();
    let expected: String = (0..50).map(|line| format!("{line}\n")).collect();
    assert_eq!(std::fs::read_to_string(log).unwrap(), expected);
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_tasks_at_once_all_finish() {
    let pool = ProcessPool::builder().workers(2).build().expect("a pool");
    let tasks = (0..100_000_u64).map(|x| pool.run_in_process(double, x));
    let results = patiently(futures::future::try_join_all(tasks))
        .await
        .unwrap();
    assert!(results.into_iter().eq((0..100_000).map(|x| x * 2)));
}

#[procpool::test]
async fn a_task_has_a_state_an_id_and_a_debug_form() {
    let gate = procpool_tests::Gate::open();
    let pool = pool();
    let running = pool.run_in_process(procpool_tests::visit, gate.path());
    let queued = pool.run_in_process(double, 1);
    let visitor = gate.visitor().await;
    assert_eq!(queued.state(), TaskState::Queued);
    assert_ne!(queued.id(), running.id());
    assert!(format!("{queued:?}").contains("is_finished: false"));
    assert!(!running.abort_handle().is_finished());
    let handle = running.abort_handle();
    visitor.let_go().await;
    patiently(running).await.unwrap();
    assert!(handle.is_finished());
    patiently(queued).await.unwrap();
}

#[procpool::test]
async fn a_function_knows_that_it_is_in_a_worker() {
    assert!(!procpool::worker::is_worker());
    assert_eq!(procpool::worker::id(), None);
    let pool = pool();
    let told = pool.run_in_process(
        |()| {
            let in_thread = std::thread::spawn(procpool::worker::is_worker)
                .join()
                .unwrap();
            (
                in_thread,
                procpool::worker::id(),
                procpool::worker::is_cancelled(),
            )
        },
        (),
    );
    assert_eq!(told.await.unwrap(), (true, Some(1), false));
}

#[procpool::test]
async fn a_worker_has_an_empty_stdin_and_a_stdout_apart_from_the_protocol() {
    let pool = pool();
    let task = pool.run_in_process(
        |()| {
            use std::io::{Read, Write};
            let mut input = Vec::new();
            let read = std::io::stdin()
                .read_to_end(&mut input)
                .map_err(|e| e.to_string());
            std::io::stdout().write_all(b"not a frame\n").unwrap();
            std::io::stdout().flush().unwrap();
            read
        },
        (),
    );
    assert_eq!(patiently(task).await.unwrap(), Ok(0));
    assert_eq!(pool.run_in_process(double, 1).await.unwrap(), 2);
}

#[procpool::test]
async fn a_task_awaited_by_reference_survives_tokios_timeout() {
    let gate = procpool_tests::Gate::open();
    let pool = pool();
    let mut task = pool.run_in_process(procpool_tests::visit, gate.path());
    let visitor = gate.visitor().await;
    // Awaited by reference, the task is not dropped by the timeout.
    assert!(
        tokio::time::timeout(Duration::from_millis(1), &mut task)
            .await
            .is_err()
    );
    let pid = visitor.pid;
    visitor.let_go().await;
    assert_eq!(patiently(task).await.unwrap(), pid);
}
