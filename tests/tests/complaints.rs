//! Complaints of users of other process pools, with one short test for each. The tests of each subject
//! cover more.
//!
//! This executable is its own bad worker: depending on the pool's name, a worker calls `init()` late or
//! never. So there is no `#[procpool::test]` in this file.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use procpool::{ProcessPool, Task, TaskError, TaskOptions, TaskState, WorkerExit, WorkerOutput};
use procpool_os::limits::resident_memory;
use procpool_tests::{
    Gate, Log, Manner, Side, Step, Trap, Watched, alone, children, kill, note, open_descriptors,
    patiently, visit, visit_and_linger,
};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getrlimit, kill_process, kill_process_group, setrlimit,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

procpool_os::before_main!(become_a_worker_if_told_to);

const SLOW_START: Duration = Duration::from_millis(900);

fn become_a_worker_if_told_to() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--procpool-worker") {
        let name = arguments.next().expect("the pool's name");
        match name.split_once(' ') {
            Some(("slow", _)) => thread::sleep(SLOW_START),
            Some(("never", log)) => {
                note(log.as_ref(), "a start");
                process::exit(7);
            }
            _ => {}
        }
    }
    procpool::init();
}

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder().workers(workers).build().unwrap()
}

fn double(x: u64) -> u64 {
    x * 2
}

async fn pid(pool: &ProcessPool) -> u32 {
    let pid = pool.run_in_process(|()| process::id(), ());
    patiently(pid).await.unwrap()
}

fn die((): ()) {
    process::abort()
}

#[track_caller]
fn exit<R: std::fmt::Debug>(end: Result<R, TaskError>) -> WorkerExit {
    match end {
        Err(TaskError::WorkerExited(exit)) => exit,
        other => panic!("its worker was to die: {other:?}"),
    }
}

#[tokio::test]
async fn complaint_01_one_death_does_not_kill_every_future() {
    let pool = pool_of(2);
    let task = |number: u64| match number {
        77 => process::abort(),
        number => number * 2,
    };
    let tasks = (0..200).map(|number| pool.run_in_process(task, number));
    let ends = patiently(join_all(tasks)).await;
    for (number, end) in (0..).zip(ends) {
        match number {
            77 => assert_eq!(exit(end).signal(), Some(6)),
            number => assert_eq!(end.unwrap(), number * 2),
        }
    }
}

#[tokio::test]
async fn complaint_02_the_task_of_a_killed_worker_does_not_hang() {
    let (pool, gate) = (pool_of(1), Gate::open());
    let task = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    kill(visitor.pid);
    let exit = exit(patiently(task).await);
    assert_eq!((exit.pid(), exit.signal()), (visitor.pid, Some(9)));
}

#[tokio::test]
async fn complaint_03_a_worker_that_dies_holding_locks_blocks_nobody() {
    fn lock_all(gate: PathBuf) -> u32 {
        let _locks = (std::io::stdout().lock(), std::io::stderr().lock());
        let file = File::open(gate.parent().unwrap()).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        visit(gate)
    }
    let (pool, gate) = (pool_of(2), Gate::open());
    let first = pool.run_in_process(lock_all, gate.path());
    let holder = gate.visitor().await;
    // There is one lock of the file, and the second worker waits for it.
    let second = pool.run_in_process(lock_all, gate.path());
    kill(holder.pid);
    exit(patiently(first).await);
    let heir = gate.visitor().await;
    assert_ne!(heir.pid, holder.pid);
    // The pool itself shares nothing, so the replacement runs tasks while all that is held.
    assert_ne!(pid(&pool).await, heir.pid);
    heir.let_go().await;
    patiently(second).await.unwrap();
}

#[tokio::test]
async fn complaint_04_a_death_while_a_large_argument_is_sent_blocks_nothing() {
    let pool = pool_of(1);
    let first = pid(&pool).await;
    let worker = Pid::from_raw(first.try_into().unwrap()).unwrap();
    // The worker has stopped reading, so the argument fills the socket and waits.
    kill_process(worker, Signal::STOP).unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{first}/stat")).unwrap();
    patiently(async {
        while !stat().contains(") T ") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let argument = vec![1_u8; 32 << 20];
    let task = pool.run_in_process(|bytes: Vec<u8>| (bytes.len(), process::id()), argument);
    assert_ne!(task.state(), TaskState::Finished);
    kill(first);
    let (len, second) = patiently(task).await.unwrap();
    assert_eq!(len, 32 << 20);
    assert_ne!(second, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_05_a_shutdown_during_submits_cancellations_and_replacements_loses_no_task() {
    for _ in 0..5 {
        let pool = ProcessPool::builder()
            .workers(2)
            .max_tasks_per_worker(20)
            .build()
            .unwrap();
        let users: Vec<_> = (0..4)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let mut kept = Vec::new();
                    for number in 0..200 {
                        let task = pool.run_in_process(double, number);
                        match number % 4 {
                            0 => drop(task),
                            1 => {
                                task.abort();
                                kept.push((number, task));
                            }
                            _ => kept.push((number, task)),
                        }
                        tokio::task::yield_now().await;
                    }
                    ends_of(kept).await
                })
            })
            .collect();
        patiently(pool.run_in_process(double, 1)).await.unwrap();
        let (a, b) = (pool.clone(), pool.clone());
        patiently(async { tokio::join!(a.shutdown(), b.shutdown()) }).await;
        for user in users {
            assert_eq!(patiently(user).await.unwrap(), 150);
        }
    }
}

/// Awaits each task, which must end in a way that a shutdown allows; returns their number.
async fn ends_of(tasks: Vec<(u64, Task<u64>)>) -> usize {
    let mut count = 0;
    for (number, task) in tasks {
        match patiently(task).await {
            Ok(doubled) => assert_eq!(doubled, number * 2),
            Err(error) => assert!(error.is_pool_closed() || error.is_cancelled(), "{error:?}"),
        }
        count += 1;
    }
    count
}

#[tokio::test]
async fn complaint_06_replacing_workers_by_count_does_not_deadlock() {
    let pool = ProcessPool::builder()
        .workers(2)
        .max_tasks_per_worker(1)
        .build()
        .unwrap();
    let tasks = (0..60).map(|_| pool.run_in_process(|()| process::id(), ()));
    let pids = patiently(try_join_all(tasks)).await.unwrap();
    assert_eq!(BTreeSet::from_iter(pids).len(), 60);
    // With no, one, or two workers used up, and one task more than workers.
    for count in [1, 2, 3, 5] {
        let tasks = (0..count).map(|number| pool.run_in_process(double, number));
        patiently(try_join_all(tasks)).await.unwrap();
    }
    patiently(pool.shutdown()).await;
}

#[tokio::test]
async fn complaint_07_a_cancelled_task_does_not_keep_running() {
    let (pool, gate) = (pool_of(1), Gate::open());
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    drop(task);
    visitor.gone().await;
    assert_eq!(
        patiently(pool.run_in_process(double, 21)).await.unwrap(),
        42
    );
}

#[tokio::test]
async fn complaint_08_a_task_cancelled_in_the_queue_never_starts() {
    fn work(args: (PathBuf, u32)) -> u32 {
        let (log, number) = args;
        note(&log, &number.to_string());
        number
    }
    let (pool, log) = (pool_of(2), Log::open());
    // Known to be short, so many of them are prefetched by a worker.
    let submit = |number| pool.run_in_process(work, (log.path(), number));
    patiently(try_join_all((10_000..10_200).map(submit)))
        .await
        .unwrap();
    let mut never = BTreeSet::new();
    for round in 0..20 {
        let tasks: Vec<_> = (0..100)
            .map(|number| submit(round * 100 + number))
            .collect();
        for (number, task) in (0..).zip(&tasks) {
            if number % 3 != 0 && task.abort_handle().abort_if_queued() {
                never.insert(round * 100 + number);
            }
        }
        for (number, end) in (0..).zip(patiently(join_all(tasks)).await) {
            match end {
                Ok(number) => assert!(!never.contains(&number)),
                Err(error) => {
                    assert!(error.is_cancelled(), "{error:?}");
                    assert!(never.contains(&(round * 100 + number)));
                }
            }
        }
    }
    assert!(!never.is_empty(), "nothing was in the queue");
    patiently(pool.shutdown()).await;
    let ran: BTreeSet<u32> = log
        .lines()
        .iter()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(ran.intersection(&never).count(), 0);
    assert_eq!(ran.len() + never.len(), 2_200);
}

#[tokio::test]
async fn complaint_09_a_worker_whose_task_timed_out_does_not_keep_computing() {
    let (pool, gate) = (pool_of(1), Gate::open());
    let limited = pool.with_timeout(Duration::from_millis(300));
    let task = limited.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    let worker = visitor.watch();
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_timed_out(), "{error:?}");
    worker.ended();
    // And it is reaped.
    patiently(async {
        while children().contains(&visitor.pid) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_ne!(pid(&pool).await, visitor.pid);
}

#[tokio::test]
async fn complaint_10_a_value_that_cannot_be_encoded_fails_its_own_task() {
    let pool = pool_of(1);
    let worker = pid(&pool).await;
    for side in [Side::Parent, Side::Worker] {
        for step in [Step::Serialize, Step::Deserialize] {
            for manner in [Manner::Error, Manner::Panic] {
                let there_and_back =
                    pool.run_in_process(|trap: Trap| trap, Trap::set(side, step, manner));
                let good = pool.run_in_process(double, 21);
                let error = patiently(there_and_back).await.unwrap_err();
                assert!(
                    error.is_encode() || error.is_decode() || error.is_panicked(),
                    "{error:?}"
                );
                assert_eq!(patiently(good).await.unwrap(), 42);
            }
        }
    }
    assert_eq!(
        pid(&pool).await,
        worker,
        "not even the worker had to be replaced"
    );
}

#[tokio::test]
async fn complaint_11_a_failing_initializer_is_not_retried_without_pauses() {
    fn fail(log: PathBuf) -> Result<(), String> {
        note(&log, "a start");
        Err("there is no model".to_owned())
    }
    let log = Log::open();
    let builder = ProcessPool::builder().workers(1);
    let pool = builder.try_initializer(fail, log.path()).build().unwrap();
    assert_backs_off(&pool, &log, "there is no model").await;

    // The same is true of a `main` that never reaches `init()`.
    let log = Log::open();
    let name = format!("never {}", log.path().display());
    let pool = ProcessPool::builder().workers(1).name(name);
    assert_backs_off(&pool.build().unwrap(), &log, "exited with code 7").await;
}

async fn assert_backs_off(pool: &ProcessPool<impl Sized>, log: &Log, why: &str) {
    let began = Instant::now();
    for _ in 0..4 {
        let error = patiently(pool.run_in_process(double, 21)).await;
        let error = error.unwrap_err();
        assert!(error.is_worker_start(), "{error:?}");
        let cause = error.source().unwrap().to_string();
        assert!(cause.ends_with(why), "{cause}");
    }
    // The pauses before the second, third and fourth start double: 100, 200 and 400 milliseconds. Further
    // starts have pauses, too. The first start may have been before this loop.
    let attempts = log.lines().len() as u32;
    let pauses: u32 = (2..attempts).map(|pause| 100 << (pause - 1).min(4)).sum();
    let took = began.elapsed();
    assert!(attempts >= 4, "{attempts} attempts");
    assert!(
        took >= Duration::from_millis(pauses.into()),
        "{attempts} attempts in {took:?}"
    );
}

#[tokio::test]
async fn complaint_12_endless_submits_use_bounded_memory() {
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .workers(1)
        .queue_capacity(10)
        .build()
        .unwrap();
    let running = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let submit = |_| pool.run_in_process(|bytes: Vec<u8>| bytes.len(), vec![1; 1 << 20]);
    let tasks: Vec<_> = (0..100).map(submit).collect();
    visitor.let_go().await;
    patiently(running).await.unwrap();
    let ends = patiently(join_all(tasks)).await;
    let (accepted, refused): (Vec<_>, Vec<_>) = ends.into_iter().partition(Result::is_ok);
    assert_eq!((accepted.len(), refused.len()), (10, 90));
    assert!(
        refused
            .into_iter()
            .all(|end| end.unwrap_err().is_queue_full())
    );
}

/// The number of them in this process.
static BURDENS: AtomicUsize = AtomicUsize::new(0);

/// A large value that is counted.
#[derive(Serialize, Deserialize)]
#[serde(from = "String")]
struct Burden(String);

impl From<String> for Burden {
    fn from(text: String) -> Self {
        BURDENS.fetch_add(1, Ordering::Relaxed);
        Burden(text)
    }
}

impl Drop for Burden {
    fn drop(&mut self) {
        BURDENS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn complaint_13_arguments_and_results_are_not_kept_alive() {
    const LARGE: usize = 40 << 20;
    fn keep_and_return((burden, gate): (Burden, PathBuf)) -> Burden {
        let _ = visit(gate);
        burden
    }
    alone(|| {
        runtime().block_on(async {
            let pool = pool_of(1);
            let worker = pid(&pool).await;
            let memory = |pid| resident_memory(pid).unwrap();
            let before = [process::id(), worker].map(memory);
            for _ in 0..3 {
                let gate = Gate::open();
                let burden = Burden::from("x".repeat(LARGE));
                let task = pool.run_in_process(keep_and_return, (burden, gate.path()));
                assert_eq!(
                    BURDENS.load(Ordering::Relaxed),
                    0,
                    "it was dropped in the call"
                );
                let visitor = gate.visitor().await;
                // While the function has its argument, the worker has no second one in encoded form.
                let grown = memory(worker).saturating_sub(before[1]);
                assert!(grown < LARGE as u64 * 3 / 2, "{grown} bytes");
                visitor.let_go().await;
                let result = patiently(task).await.unwrap();
                assert_eq!(result.0.len(), LARGE);
                assert_eq!(
                    BURDENS.load(Ordering::Relaxed),
                    1,
                    "the result is the caller's"
                );
            }
            assert_eq!(BURDENS.load(Ordering::Relaxed), 0);
            let in_worker = pool.run_in_process(|()| BURDENS.load(Ordering::Relaxed), ());
            assert_eq!(patiently(in_worker).await.unwrap(), 0);
            // The encoded arguments are freed, too.
            let after = [process::id(), worker].map(memory);
            let grown = [0, 1].map(|side| after[side].saturating_sub(before[side]));
            let large = LARGE as u64;
            assert!(
                grown[0] < large / 2 && grown[1] < large / 2,
                "{grown:?} bytes"
            );
        });
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A lock that a thread of the parent holds while workers start.
static HELD: Mutex<()> = Mutex::new(());

#[tokio::test]
async fn complaint_14_a_lock_that_a_thread_holds_is_free_in_a_new_worker() {
    let (hold, held) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _locks = (HELD.lock().unwrap(), std::io::stdout().lock());
        hold.send(()).unwrap();
        released.recv().unwrap_err()
    });
    held.recv().unwrap();
    let pool = pool_of(2);
    let lock = |()| {
        let _lock = HELD.lock().unwrap();
        let _stdout = std::io::stdout().lock();
        thread::spawn(process::id).join().unwrap()
    };
    let first = patiently(pool.run_in_process(lock, ())).await.unwrap();
    // Also in a replacement.
    kill(first);
    for _ in 0..20 {
        let pid = patiently(pool.run_in_process(lock, ())).await.unwrap();
        assert_ne!(pid, first);
    }
    drop(release);
    thread.join().unwrap();
}

#[test]
fn complaint_15_workers_outlive_the_thread_that_started_them() {
    alone(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            // An idle blocking thread ends at once.
            .thread_keep_alive(Duration::from_millis(1))
            .enable_all()
            .build()
            .unwrap();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let at_first = threads();
        let handle = runtime.handle().clone();
        let on_a_thread = thread::spawn(move || {
            let _entered = handle.enter();
            let pool = pool_of(1);
            (handle.block_on(pid(&pool)), pool)
        });
        let (first, one) = on_a_thread.join().unwrap();
        runtime.block_on(async {
            let handle = runtime.handle().clone();
            let on_a_blocking_thread = tokio::task::spawn_blocking(move || {
                let pool = pool_of(1);
                (handle.block_on(pid(&pool)), pool)
            });
            let (second, other) = patiently(on_a_blocking_thread).await.unwrap();
            patiently(async {
                while threads() > at_first {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let workers = [Watched::new(first), Watched::new(second)];
            assert!(workers.iter().all(Watched::is_alive));
            assert_eq!([pid(&one).await, pid(&other).await], [first, second]);
        });
    });
}

/// A program whose worker computes in four threads and has a child.
struct Program {
    process: Child,
    input: ChildStdin,
    output: BufReader<process::ChildStdout>,
    worker: Watched,
    child: Watched,
}

impl Program {
    fn that(ends: &str, worker: &str) -> Self {
        use std::os::unix::process::CommandExt;
        let mut process = Command::new(env!("CARGO_BIN_EXE_doomed"))
            .args([ends, worker])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut pids = String::new();
        output.read_line(&mut pids).unwrap();
        let (worker, child) = pids.trim_end().split_once(' ').unwrap();
        Program {
            process,
            input,
            output,
            worker: Watched::new(worker.parse().unwrap()),
            child: Watched::new(child.parse().unwrap()),
        }
    }

    fn leaves_no_process(mut self) -> Option<i32> {
        let status = self.process.wait().unwrap();
        self.worker.ended();
        self.child.ended();
        status.code()
    }
}

#[test]
fn complaint_15_a_parent_that_is_killed_leaves_no_orphans() {
    let mut program = Program::that("return", "computing");
    assert!(program.worker.is_alive() && program.child.is_alive());
    program.process.kill().unwrap();
    assert_eq!(program.leaves_no_process(), None);
}

#[tokio::test]
async fn complaint_16_grandchildren_do_not_survive() {
    fn have_child(gate: PathBuf) {
        let child = Command::new("sleep")
            .arg("1000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let pid = child.unwrap().id().to_string();
        std::fs::write(gate.parent().unwrap().join("child"), pid).unwrap();
        let _ = visit(gate);
        die(());
    }
    let pool = pool_of(1);
    // Its worker dies, or its task is cancelled.
    for dies in [true, false] {
        let gate = Gate::open();
        let task = pool.run_in_process(have_child, gate.path());
        let visitor = gate.visitor().await;
        let pid = std::fs::read_to_string(gate.path().parent().unwrap().join("child"));
        let child = Watched::new(pid.unwrap().parse().unwrap());
        assert!(child.is_alive());
        match dies {
            true => {
                visitor.let_go().await;
                exit(patiently(task).await);
            }
            false => drop(task),
        }
        child.ended();
    }
}

#[test]
fn complaint_17_one_interrupt_is_enough() {
    let mut program = Program::that("interrupted", "idle");
    let group = Pid::from_raw(program.process.id().try_into().unwrap());
    // As a terminal does at a Ctrl-C. The program's worker does not get the signal and keeps working.
    kill_process_group(group.unwrap(), Signal::INT).unwrap();
    let mut still = String::new();
    program.output.read_line(&mut still).unwrap();
    assert!(still.trim_end().parse::<u32>().is_ok(), "{still}");
    drop(program.input.flush());
    assert_eq!(program.leaves_no_process(), Some(0));
}

#[tokio::test]
async fn complaint_18_output_neither_blocks_a_worker_nor_gets_into_the_protocol() {
    fn chatter((): ()) -> u64 {
        // Much more than a pipe holds, and bytes that look like a frame.
        let noise = [vec![0_u8; 4096], vec![255; 4096]].concat();
        for _ in 0..256 {
            std::io::stdout().write_all(&noise).unwrap();
            std::io::stderr().write_all(&noise).unwrap();
        }
        42
    }
    for output in [WorkerOutput::Trace, WorkerOutput::Null] {
        let pool = ProcessPool::builder()
            .workers(1)
            .stdout(output)
            .stderr(output);
        let pool = pool.build().unwrap();
        for _ in 0..3 {
            assert_eq!(
                patiently(pool.run_in_process(chatter, ())).await.unwrap(),
                42
            );
        }
    }
}

#[tokio::test]
async fn complaint_19_an_error_says_which_worker_died_and_how() {
    let pool = pool_of(1);
    let worker = pid(&pool).await;
    let dying = |()| {
        eprint!("out of luck");
        die(());
    };
    let death = exit(patiently(pool.run_in_process(dying, ())).await);
    assert_eq!((death.pid(), death.signal()), (worker, Some(6)));
    assert_eq!(death.stderr_tail(), "out of luck");
    let text = format!("worker {worker} was killed by signal 6 (SIGABRT)");
    assert_eq!(death.to_string(), text);
    let worker = pid(&pool).await;
    let leaving = |()| -> () { process::exit(3) };
    let death = exit(patiently(pool.run_in_process(leaving, ())).await);
    assert_eq!((death.pid(), death.code()), (worker, Some(3)));
}

#[tokio::test]
async fn complaint_20_a_time_limit_shorter_than_a_workers_start_works() {
    let began = Instant::now();
    let pool = ProcessPool::builder()
        .workers(1)
        .name("slow 1")
        .build()
        .unwrap();
    let limited = pool.with_timeout(SLOW_START - Duration::from_millis(200));
    let tasks = (0..3).map(|number| limited.run_in_process(double, number));
    assert_eq!(patiently(try_join_all(tasks)).await.unwrap(), [0, 2, 4]);
    assert!(began.elapsed() >= SLOW_START, "the start was not slow");
}

#[tokio::test]
async fn complaint_21_a_worker_in_its_grace_gets_no_other_task() {
    fn wind_up((gate, log): (PathBuf, PathBuf)) {
        let _ = visit(gate);
        assert!(procpool::worker::is_cancelled());
        note(&log, "the first is done");
    }
    let (pool, gate, log) = (pool_of(1), Gate::open(), Log::open());
    let patient = pool.with(TaskOptions::new().grace(Duration::from_secs(600)));
    let first = patient.run_in_process(wind_up, (gate.path(), log.path()));
    let visitor = gate.visitor().await;
    first.abort();
    assert!(patiently(first).await.unwrap_err().is_cancelled());
    let second = pool.run_in_process(|log: PathBuf| note(&log, "the second begins"), log.path());
    assert_eq!(second.state(), TaskState::Queued);
    visitor.let_go().await;
    patiently(second).await.unwrap();
    assert_eq!(log.lines(), ["the first is done", "the second begins"]);
}

#[test]
fn complaint_22_a_hundred_thousand_calls_at_once_need_no_descriptor_each() {
    alone(|| {
        let original = getrlimit(Resource::Nofile);
        // The default of most systems.
        let current = original
            .maximum
            .map_or(Some(1024), |most| Some(most.min(1024)));
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current,
                ..original
            },
        )
        .unwrap();
        runtime().block_on(async {
            let pool = pool_of(2);
            pid(&pool).await;
            let before = open_descriptors().len();
            let tasks: Vec<_> = (0..100_000)
                .map(|number| pool.run_in_process(double, number))
                .collect();
            // The second worker may already have been starting.
            assert!(open_descriptors().len() < before + 32);
            let doubled = patiently(try_join_all(tasks)).await.unwrap();
            assert!(
                doubled
                    .into_iter()
                    .eq((0..100_000).map(|number| number * 2))
            );
        });
    });
}
