//! Workers that can't be started because file descriptors, threads or processes are missing, and workers
//! that start only sometimes.
//!
//! As in `start_up.rs`, this executable is its own bad worker: depending on the pool's name, a worker fails
//! before it calls `init()`. So there is no `#[procpool::test]` in this file.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use procpool::{BuildError, ProcessPool, TaskError};
use procpool_tests::{Gate, Traces, Watched, alone, kill, patiently, visit};
use rustix::process::{Resource, Rlimit, getrlimit, getuid, setrlimit};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tracing::field::{Field, Visit};
use tracing::{Level, span};

procpool_os::before_main!(become_a_worker_if_told_to);

fn become_a_worker_if_told_to() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--procpool-worker") {
        let name = arguments.next().expect("the pool's name");
        if let Some((fault, directory)) = name.rsplit_once(' ') {
            fail_if_it_is_its_turn(fault, Path::new(directory));
        }
    }
    procpool::init();
}

/// Fails in the first start, the third, the fifth and so on; or in all of them.
fn fail_if_it_is_its_turn(fault: &str, directory: &Path) {
    // The process that creates the file has the number.
    let start =
        (1..).find(|start: &u32| File::create_new(directory.join(start.to_string())).is_ok());
    if start.is_some_and(|start| start % 2 == 0) && fault != "always exits" {
        return;
    }
    match fault {
        "exits" | "always exits" => std::process::exit(7),
        "aborts" => std::process::abort(),
        "panics" => panic!("as it was told to"),
        other => unreachable!("there is no fault {other:?}"),
    }
}

/// A pool of workers that fail in this way in most of their starts.
fn unreliable(fault: &str, directory: &TempDir) -> procpool::Builder {
    ProcessPool::builder().name(format!("{fault} {}", directory.path().display()))
}

fn double(x: u64) -> u64 {
    x * 2
}

#[track_caller]
fn assert_start_failed_for(error: &TaskError, errno: rustix::io::Errno) {
    assert!(error.is_worker_start(), "{error:?}");
    assert_eq!(error.to_string(), "no worker could be spawned");
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    assert_errno(cause.expect("an error of the system"), errno);
}

#[track_caller]
fn assert_errno(error: &io::Error, errno: rustix::io::Errno) {
    assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()), "{error}");
}

/// Submits tasks until one succeeds, as a program does after the cause is gone.
async fn recovers(pool: &ProcessPool) {
    patiently(async {
        loop {
            match pool.run_in_process(double, 21).await {
                Ok(result) => return assert_eq!(result, 42),
                Err(error) => assert!(error.is_worker_start(), "{error:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_task_fails_if_every_other_worker_dies_before_init() {
    for fault in ["exits", "aborts", "panics"] {
        let directory = tempfile::tempdir().unwrap();
        let pool = unreliable(fault, &directory).workers(4).build().unwrap();
        let gate = Gate::open();
        let tasks = [(); 4].map(|()| pool.run_in_process(visit, gate.path()));
        let mut visitors = Vec::new();
        for _ in 0..4 {
            visitors.push(gate.visitor().await);
        }
        // All four workers run at the same time, however often they were started.
        let pids: BTreeSet<_> = visitors.iter().map(|visitor| visitor.pid).collect();
        assert_eq!(pids.len(), 4, "{fault}");
        for visitor in visitors {
            visitor.let_go().await;
        }
        let ran = patiently(try_join_all(tasks)).await.unwrap();
        assert_eq!(BTreeSet::from_iter(ran), pids, "{fault}");
        let starts = fs::read_dir(directory.path()).unwrap().count();
        assert!(starts >= 8, "{fault}: {starts} starts");
    }
}

#[tokio::test]
async fn a_single_worker_that_sometimes_dies_before_init_is_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let pool = unreliable("aborts", &directory).workers(1).build().unwrap();
    let error = patiently(pool.run_in_process(double, 21))
        .await
        .unwrap_err();
    let TaskError::WorkerStart(start) = &error else {
        panic!("{error:?}");
    };
    let cause = start.source().unwrap().to_string();
    assert!(
        cause.ends_with("was killed by signal 6 (SIGABRT)"),
        "{cause}"
    );
    // The second start succeeds.
    assert_eq!(
        patiently(pool.run_in_process(double, 21)).await.unwrap(),
        42
    );
}

#[tokio::test]
async fn a_pool_that_cannot_start_affects_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let sick = unreliable("always exits", &directory)
        .workers(2)
        .build()
        .unwrap();
    let healthy = [(); 3].map(|()| ProcessPool::builder().workers(1).build().unwrap());
    for round in 0..3 {
        let vain = sick.run_in_process(double, round);
        let tasks = healthy.iter().flat_map(|pool| {
            (0..20)
                .map(|number| pool.run_in_process(double, number))
                .collect::<Vec<_>>()
        });
        let doubles = patiently(try_join_all(tasks)).await.unwrap();
        assert_eq!(doubles.iter().sum::<u64>(), 3 * 380);
        assert!(patiently(vain).await.unwrap_err().is_worker_start());
    }
}

/// A limit of this process that is lowered until this is dropped.
struct Lowered {
    resource: Resource,
    original: Rlimit,
}

impl Lowered {
    fn to(resource: Resource, limit: u64) -> Self {
        let original = getrlimit(resource);
        let current = Some(limit);
        setrlimit(
            resource,
            Rlimit {
                current,
                ..original
            },
        )
        .unwrap();
        Lowered { resource, original }
    }

    /// Allows no new descriptors from now on. Existing ones keep working.
    fn no_descriptors() -> Self {
        Lowered::to(Resource::Nofile, 3)
    }
}

impl Drop for Lowered {
    fn drop(&mut self) {
        setrlimit(self.resource, self.original).unwrap();
    }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn runtimes() -> [Runtime; 2] {
    let many = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    [current_thread(), many.unwrap()]
}

#[test]
fn without_descriptors_waiting_tasks_fail_and_later_ones_run() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let pool = ProcessPool::builder()
                    .min_workers(0)
                    .max_workers(2)
                    .build()
                    .unwrap();
                let lowered = Lowered::no_descriptors();
                let tasks: Vec<_> = (0..10).map(|x| pool.run_in_process(double, x)).collect();
                for end in patiently(join_all(tasks)).await {
                    assert_start_failed_for(&end.unwrap_err(), rustix::io::Errno::MFILE);
                }
                drop(lowered);
                recovers(&pool).await;
                drop(pool);
                before.are_back().await;
            });
        }
    });
}

#[test]
fn attempts_without_descriptors_back_off_and_wait_without_spinning() {
    alone(|| {
        let attempts = Warnings::count();
        current_thread().block_on(async {
            let pool = ProcessPool::builder()
                .min_workers(0)
                .max_workers(4)
                .build()
                .unwrap();
            let (began, used) = (Instant::now(), cpu_time());
            let lowered = Lowered::no_descriptors();
            for x in 0..5 {
                let end = patiently(pool.run_in_process(double, x)).await;
                assert_start_failed_for(&end.unwrap_err(), rustix::io::Errno::MFILE);
            }
            drop(lowered);
            // One failure for each start, with pauses of 100, 200, 400 and 800 milliseconds.
            assert_eq!(attempts.load(Ordering::Relaxed), 5);
            let took = began.elapsed();
            assert!(took >= Duration::from_millis(1500), "{took:?}");
            let used = cpu_time() - used;
            assert!(used < Duration::from_millis(300), "{used:?} of CPU time");
            recovers(&pool).await;
        });
    });
}

#[test]
fn an_unused_pool_without_descriptors_keeps_trying_slowly() {
    alone(|| {
        let attempts = Warnings::count();
        current_thread().block_on(async {
            let pool = ProcessPool::builder().workers(4).build().unwrap();
            let pids = workers(&pool, 4).await;
            let used = cpu_time();
            let lowered = Lowered::no_descriptors();
            let began = Instant::now();
            for pid in pids {
                kill(pid);
            }
            patiently(async {
                while attempts.load(Ordering::Relaxed) < 7 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
            let took = began.elapsed();
            drop(lowered);
            // The four starts that fail together count as one failure, and two or three pauses follow.
            assert!(took >= Duration::from_millis(300), "{took:?}");
            let used = cpu_time() - used;
            assert!(used < Duration::from_secs(1), "{used:?} of CPU time");
            // The pool notices by itself that the cause is gone.
            workers(&pool, 4).await;
        });
    });
}

#[test]
fn a_pool_that_cannot_replace_a_worker_goes_on_with_the_others() {
    alone(|| {
        let attempts = Warnings::count();
        current_thread().block_on(async {
            let pool = ProcessPool::builder().workers(2).build().unwrap();
            let pids = workers(&pool, 2).await;
            let lowered = Lowered::no_descriptors();
            kill(pids[0]);
            patiently(async {
                while attempts.load(Ordering::Relaxed) < 2 {
                    // Never an error: the other worker is running.
                    let result = pool.run_in_process(double, 21).await;
                    assert_eq!(result.unwrap(), 42);
                }
            })
            .await;
            drop(lowered);
            let again = workers(&pool, 2).await;
            assert!(again.contains(&pids[1]) && !again.contains(&pids[0]));
        });
    });
}

#[test]
fn without_descriptors_a_death_is_reported_correctly() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let pool = ProcessPool::builder().workers(1).build().unwrap();
                for _ in 0..20 {
                    recovers(&pool).await;
                    let _lowered = Lowered::no_descriptors();
                    let death = pool.run_in_process(exit_with_threads, ());
                    let end: Result<(), TaskError> = patiently(death).await;
                    let Err(TaskError::WorkerExited(exit)) = end else {
                        panic!("{end:?}");
                    };
                    assert_eq!((exit.code(), exit.signal()), (Some(3), None), "{exit}");
                    assert!(exit.to_string().ends_with(" exited with code 3"), "{exit}");
                }
            });
        }
    });
}

/// A process with threads closes its socket some time before its end can be seen.
fn exit_with_threads((): ()) {
    for _ in 0..50 {
        std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        });
    }
    std::process::exit(3)
}

/// Returns the workers of a pool once there are this many.
async fn workers(pool: &ProcessPool, count: usize) -> Vec<u32> {
    let gate = Gate::open();
    let tasks: Vec<_> = (0..count)
        .map(|_| pool.run_in_process(visit, gate.path()))
        .collect();
    let mut visitors = Vec::new();
    for _ in 0..count {
        visitors.push(gate.visitor().await);
    }
    for visitor in visitors {
        visitor.let_go().await;
    }
    patiently(try_join_all(tasks)).await.unwrap()
}

/// Uses all descriptors that this process may have, except for some.
struct Hoard {
    _lowered: Lowered,
    _held: Vec<File>,
}

impl Hoard {
    fn leaving(free: usize) -> Self {
        let lowered = Lowered::to(Resource::Nofile, 256);
        let null = File::open("/dev/null").unwrap();
        let mut held: Vec<_> = std::iter::from_fn(|| null.try_clone().ok()).collect();
        held.push(null);
        held.truncate(held.len() - free);
        Hoard {
            _lowered: lowered,
            _held: held,
        }
    }
}

#[test]
fn with_any_number_of_descriptors_a_pool_works_or_names_what_is_missing() {
    alone(|| {
        current_thread().block_on(async {
            let before = Traces::now();
            let mut enough = None;
            let mut lacked = 0;
            for free in 0..40 {
                let hoard = Hoard::leaving(free);
                let end = use_pool().await;
                drop(hoard);
                match end {
                    Ok(()) => enough = enough.or(Some(free)),
                    Err(error) => {
                        assert_errno(&error, rustix::io::Errno::MFILE);
                        assert_eq!(enough, None, "{free} are too few, and fewer were not");
                        lacked += 1;
                    }
                }
                before.are_back().await;
            }
            // Each call that creates a descriptor was the one that failed once.
            assert!(lacked >= 8, "{lacked}");
            assert!(enough.is_some());
        });
    });
}

/// Uses a pool as far as possible, and returns the calls that the system refused.
async fn use_pool() -> io::Result<()> {
    let pool = match ProcessPool::builder().workers(1).build() {
        Ok(pool) => pool,
        Err(BuildError::System(error)) => return Err(error),
        Err(error) => panic!("{error:?}"),
    };
    match patiently(pool.run_in_process(double, 21)).await {
        Ok(result) => assert_eq!(result, 42),
        Err(error) => {
            assert!(error.is_worker_start(), "{error:?}");
            let source = error
                .source()
                .and_then(|cause| cause.downcast_ref::<io::Error>());
            let errno = source.and_then(io::Error::raw_os_error);
            return Err(io::Error::from_raw_os_error(errno.unwrap()));
        }
    }
    // A death frees the resources that the next worker needs.
    for _ in 0..3 {
        let death = pool.run_in_process(|()| std::process::exit(3), ());
        let error: Result<(), TaskError> = patiently(death).await;
        let Err(TaskError::WorkerExited(exit)) = error else {
            panic!("{error:?}");
        };
        assert_eq!((exit.code(), exit.signal()), (Some(3), None), "{exit}");
        recovers(&pool).await;
    }
    Ok(())
}

#[test]
fn pools_that_share_too_few_descriptors_all_recover() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let hoard = Hoard::leaving(60);
                let pools: Vec<_> = (0..12)
                    .map(|_| ProcessPool::builder().workers(2).build())
                    .collect();
                let mut built = Vec::new();
                for pool in pools {
                    match pool {
                        Ok(pool) => built.push(pool),
                        Err(BuildError::System(error)) => {
                            assert_errno(&error, rustix::io::Errno::MFILE);
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
                let tasks = built.iter().map(|pool| pool.run_in_process(double, 21));
                let ends = patiently(join_all(tasks)).await;
                let worked = ends.iter().filter(|end| end.is_ok()).count();
                for error in ends.into_iter().filter_map(Result::err) {
                    assert_start_failed_for(&error, rustix::io::Errno::MFILE);
                }
                assert!((1..12).contains(&worked), "{worked} of 12");
                drop(hoard);
                for pool in &built {
                    recovers(pool).await;
                }
                drop(built);
                before.are_back().await;
            });
        }
    });
}

/// Returns the CPU time of all threads of this process.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    // There are a hundred ticks in a second, by `proc(5)` and on every architecture that Rust supports.
    Duration::from_millis(ticks * 10)
}

/// Counts the pools' warnings that a worker could not be started.
struct Warnings(Arc<AtomicUsize>);

impl Warnings {
    /// For the whole process, so use it only where the test is [`alone`].
    fn count() -> Arc<AtomicUsize> {
        let count = Arc::default();
        let warnings = Warnings(Arc::clone(&count));
        tracing::subscriber::set_global_default(warnings).unwrap();
        count
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("procpool")
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

struct Message<'a>(&'a AtomicUsize);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" && format!("{value:?}").ends_with("no worker started") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[track_caller]
fn assert_recovered(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}", output.status);
    assert_eq!(output.stdout, b"recovered\n", "{told}");
}

#[test]
fn missing_memory_is_the_cause_of_a_failed_start() {
    let starved = Command::new(env!("CARGO_BIN_EXE_starved"))
        .arg("of-memory")
        .output();
    assert_recovered(&starved.unwrap());
}

/// The kernel's limit on processes applies to each user, but not to root.
#[test]
fn a_limit_on_processes_is_the_cause_of_a_failed_start() {
    if !getuid().is_root() {
        println!("skipped: only root can start a program as a user that has no process yet");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("starved");
    // Another process copies it, for the reason that `start_up.rs` gives.
    let source = env!("CARGO_BIN_EXE_starved");
    assert!(
        Command::new("cp")
            .arg(source)
            .arg(&program)
            .status()
            .unwrap()
            .success()
    );
    for path in [directory.path(), &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let starved = Command::new(&program)
        .arg("of-processes")
        .uid(40_000 + std::process::id() % 20_000)
        .current_dir("/")
        .output();
    match starved {
        Ok(output) => assert_recovered(&output),
        Err(error) => println!("skipped: no program can be another user's: {error}"),
    }
}

#[test]
fn a_worker_that_is_killed_while_it_starts_is_a_failed_start() {
    alone(|| {
        current_thread().block_on(async {
            let before = Traces::now();
            let pool = ProcessPool::builder().workers(1).build().unwrap();
            let task = pool.run_in_process(double, 21);
            // As soon as the process exists, so most likely before it is ready.
            let pid = patiently(async {
                loop {
                    if let Some(pid) = procpool_tests::children().first() {
                        return *pid;
                    }
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let watched = Watched::new(pid);
            kill(pid);
            match patiently(task).await {
                // It was ready and had not started the task, so another worker ran it.
                Ok(result) => assert_eq!(result, 42),
                Err(error) => assert!(
                    error.is_worker_start() || error.is_worker_exited(),
                    "{error:?}"
                ),
            }
            watched.ended();
            drop(watched);
            recovers(&pool).await;
            drop(pool);
            before.are_back().await;
        });
    });
}
