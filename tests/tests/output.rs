//! The output and the environment of workers.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use procpool::{ProcessPool, WorkerOutput};
use procpool_tests::patiently;
use tracing::field::{Field, Visit};
use tracing::span;

fn noisy(mode: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_noisy"));
    command
        .args(mode)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

#[procpool::test]
async fn a_worker_exit_has_the_end_of_the_workers_stderr() {
    fn complain(count: u32) {
        for line in 0..count {
            eprintln!("complaint {line}");
        }
        eprint!("the last word");
        std::process::abort();
    }
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    for count in [1, 5_000] {
        let error = patiently(pool.run_in_process(complain, count))
            .await
            .unwrap_err();
        let procpool::TaskError::WorkerExited(exit) = error else {
            panic!("{error}")
        };
        let tail = exit.stderr_tail();
        assert!(tail.starts_with("complaint "), "{tail:?}");
        let end = format!("complaint {}\nthe last word", count - 1);
        assert!(tail.ends_with(&end), "{tail:?}");
        assert!(tail.len() <= 8 * 1024);
        assert_eq!(exit.signal(), Some(6));
    }
}

#[procpool::test]
async fn a_worker_with_no_stderr_has_no_tail() {
    for output in [WorkerOutput::Null, WorkerOutput::Inherit] {
        let pool = ProcessPool::builder()
            .workers(1)
            .stderr(output)
            .build()
            .unwrap();
        let error = patiently(pool.run_in_process(|()| std::process::exit(3), ())).await;
        let error: procpool::TaskError = error.map(|(): ()| ()).unwrap_err();
        let procpool::TaskError::WorkerExited(exit) = error else {
            panic!("{error}")
        };
        assert_eq!((exit.stderr_tail(), exit.code()), ("", Some(3)));
    }
}

#[test]
fn a_gibibyte_of_stderr_uses_no_memory_of_the_parent() {
    let mut program = noisy(&["flood", "1024"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = String::new();
    program
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut peak)
        .unwrap();
    assert!(program.wait().unwrap().success());
    let peak: u64 = peak.trim().parse().unwrap();
    assert!(peak < 40 * 1024, "the parent took {peak} KiB");
}

#[test]
fn a_stderr_that_nobody_reads_blocks_the_writing_worker_and_not_the_pool() {
    let mut program = noisy(&["blocked"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    // The test keeps the standard error open and does not read it.
    program
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "ended\n");
    drop(program.stderr.take());
    assert!(program.wait().unwrap().success());
}

#[test]
fn forwarded_output_arrives_completely() {
    let mut program = noisy(&["flood", "64"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = Vec::new();
    program
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut heard)
        .unwrap();
    assert!(program.wait().unwrap().success());
    assert_eq!(heard.len(), 64 << 20);
    assert!(heard.chunks(64).all(|line| line.ends_with(b"again...\n")));
}

/// The worker leaves more output than its reader has taken or a pipe holds.
#[test]
fn the_last_output_of_a_worker_reaches_a_slow_reader() {
    let mut program = noisy(&["last"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(said, "ended\n");
    let mut heard = Vec::new();
    program
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut heard)
        .unwrap();
    assert!(program.wait().unwrap().success());
    assert_eq!(heard.len(), 128 << 10);
}

#[procpool::test]
async fn traced_output_becomes_events_line_by_line() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let pool = ProcessPool::builder()
        .workers(1)
        .name("loud")
        .stderr(WorkerOutput::Trace)
        .build()
        .unwrap();
    let speak = |()| {
        eprint!("one\ntwo\nthr");
        eprint!("ee\nfour");
        std::process::abort();
    };
    let task: procpool::Task<()> = pool.run_in_process(speak, ());
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_worker_exited());
    assert_eq!(*lines.0.lock().unwrap(), ["one", "two", "three", "four"]);
}

#[procpool::test]
async fn environment_and_directory_are_those_of_the_builder() {
    let directory = tempfile::tempdir().unwrap();
    let pool = ProcessPool::builder()
        .workers(1)
        .env_clear()
        .env("FRUIT", "apple")
        .current_dir(directory.path())
        .build()
        .unwrap();
    let look = |()| {
        let variables: Vec<_> = std::env::vars().collect();
        (variables, std::env::current_dir().unwrap())
    };
    let (variables, found) = patiently(pool.run_in_process(look, ())).await.unwrap();
    assert_eq!(variables, [("FRUIT".to_owned(), "apple".to_owned())]);
    assert_eq!(found, directory.path().canonicalize().unwrap());
}

#[procpool::test]
async fn a_missing_directory_is_the_cause_of_a_failed_start() {
    let pool = ProcessPool::builder()
        .workers(1)
        .current_dir("/no/such/directory")
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    let procpool::TaskError::WorkerStart(error) = error else {
        panic!("{error}")
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("No such file"), "{cause}");
}

/// The messages of the workers' events.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "procpool::worker"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Message(&self.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message<'a>(&'a Mutex<Vec<String>>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.0.lock().unwrap().push(format!("{value:?}")),
            "pool" => assert_eq!(format!("{value:?}"), "\"loud\""),
            _ => {}
        }
    }
}
