//! One round: a pool, a storm, an end, and the checks afterwards.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use procpool::{ProcessPool, ShutdownReport, TaskError};
use procpool_tests::{Traces, children, patiently};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::judge::judge;
use crate::killer::kill_on;
use crate::plan::{Finale, Plan};
use crate::processes::ended;
use crate::record::{self, Run};
use crate::rng::Rng;
use crate::storm::{End, Storm, Story, Submitter, lock};
use crate::tally::Tally;

/// How long tasks are still submitted after the end has started.
const AFTERTHOUGHT: Duration = Duration::from_millis(20);

/// Runs one round. Its seed determines all of it but the system's scheduling.
pub(crate) fn run(seed: u64) -> Result<Tally, Vec<String>> {
    let mut rng = Rng::new(seed);
    let storm = Storm::new(Plan::new(&mut rng));
    println!("chaos: round {seed}: {:?}", storm.plan);
    let directory = tempfile::tempdir().expect("a directory");
    record::create(directory.path());
    let before = Traces::now();

    let over = AtomicBool::new(false);
    let (stories, toll) = thread::scope(|scope| {
        let killer = {
            let (storm, rng, over) = (&storm, rng.fork(), &over);
            scope.spawn(move || kill_on(storm, rng, over))
        };
        let raged = catch_unwind(AssertUnwindSafe(|| rage(&storm, rng, directory.path())));
        over.store(true, Ordering::Release);
        let stories = raged.unwrap_or_else(|_| {
            storm.fail("the round panicked, as told on stderr".to_owned());
            Vec::new()
        });
        (
            stories,
            killer.join().expect("the killer goes on to the end"),
        )
    });
    check_nothing_is_left(&storm, &before);
    check_handles(&storm);
    let mut tally = Tally {
        rounds: 1,
        toll,
        ..Tally::default()
    };
    let finale = format!("{:?}", storm.plan.finale);
    let name = finale.split('(').next().unwrap_or_default();
    tally.finales.insert(name.to_owned(), 1);
    match record::read(directory.path()) {
        Ok(runs) => check_stories(&storm, &stories, &runs, &mut tally),
        Err(trouble) => storm.fail(trouble),
    }
    match storm.failures() {
        failures if failures.is_empty() => Ok(tally),
        failures => Err(failures),
    }
}

/// Builds the pool, runs the submitters, and ends the pool. Returns after the pool is gone and every task has
/// been checked.
fn rage(storm: &Storm, mut rng: Rng, directory: &Path) -> Vec<Story> {
    let runtime = storm.plan.runtime();
    let pool = {
        let _entered = runtime.enter();
        storm.plan.pool.build(directory).expect("a pool")
    };
    let (done, all_done) = mpsc::channel(1);
    thread::scope(|scope| {
        let submitters: Vec<_> = (0..storm.plan.submitters)
            .map(|_| {
                let submitter = Submitter {
                    storm,
                    pool: pool.clone(),
                    runtime: runtime.handle().clone(),
                    rng: rng.fork(),
                    _done: done.clone(),
                };
                scope.spawn(|| submitter.run())
            })
            .collect();
        drop(done);
        runtime.block_on(async { sleep(storm.plan.length).await });
        storm.ending.store(true, Ordering::Release);
        scope.spawn(|| {
            thread::sleep(AFTERTHOUGHT);
            storm.over.store(true, Ordering::Release);
        });
        let report = catch_unwind(AssertUnwindSafe(|| end(storm, runtime, pool, all_done)));
        let mut stories = Vec::new();
        for submitter in submitters {
            match submitter.join() {
                Ok(some) => stories.extend(some),
                Err(_) => storm.fail("a submitter panicked, as told on stderr".to_owned()),
            }
        }
        match report {
            Ok(Some(report)) => check_report(storm, &report, &stories),
            Ok(None) => {}
            Err(_) => storm.fail("the end panicked, as told on stderr".to_owned()),
        }
        stories
    })
}

/// Ends the pool, and the runtime too.
fn end(
    storm: &Storm,
    runtime: Runtime,
    pool: ProcessPool,
    mut all_done: mpsc::Receiver<Infallible>,
) -> Option<ShutdownReport> {
    let finale = storm.plan.finale;
    match finale {
        Finale::RuntimeDropped => drop(runtime),
        Finale::RuntimeShutDown(limit) => runtime.shutdown_timeout(limit),
        Finale::RuntimeInBackground => runtime.shutdown_background(),
        _ => {
            let report = runtime.block_on(async {
                let report = patiently(finish(finale, &pool)).await;
                let promises = matches!(
                    finale,
                    Finale::Shutdown
                        | Finale::ShutdownTimeout(_)
                        | Finale::Terminate
                        | Finale::TerminateShutdown
                );
                let left = children();
                if promises && !left.is_empty() {
                    storm.fail(format!("after {finale:?} there still is {left:?}"));
                }
                drop(pool);
                // The runtime lives until the pool has ended by itself.
                patiently(async {
                    all_done.recv().await;
                    while !children().is_empty() {
                        sleep(Duration::from_millis(1)).await;
                    }
                })
                .await;
                report
            });
            drop(runtime);
            return report;
        }
    }
    None
}

async fn finish(finale: Finale, pool: &ProcessPool) -> Option<ShutdownReport> {
    match finale {
        Finale::Close => pool.close(),
        Finale::Shutdown => pool.shutdown().await,
        Finale::ShutdownForgotten => {
            let forgotten = timeout(Duration::ZERO, pool.shutdown()).await;
            drop(forgotten);
        }
        Finale::ShutdownTimeout(grace) => return Some(pool.shutdown_timeout(grace).await),
        Finale::Terminate => return Some(pool.terminate().await),
        Finale::TerminateShutdown => {
            let (_, report) = tokio::join!(pool.shutdown(), async {
                sleep(Duration::from_millis(3)).await;
                pool.terminate().await
            });
            return Some(report);
        }
        Finale::LastHandle
        | Finale::RuntimeDropped
        | Finale::RuntimeShutDown(_)
        | Finale::RuntimeInBackground => {}
    }
    None
}

/// Checks that there are no more processes, zombies, descriptors, threads and shared memory than before.
fn check_nothing_is_left(storm: &Storm, before: &Traces) {
    let left = ended(std::process::id(), thread::sleep);
    if !left.is_empty() {
        storm.fail(format!("processes are left: {left:?}"));
    }
    for _ in 0..6000 {
        if Traces::now() == *before {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let now = Traces::now();
    storm.fail(format!(
        "left behind: there was {before:?}, there is {now:?}"
    ));
}

/// Checks that every task is finished, including those that are not awaited.
fn check_handles(storm: &Storm) {
    for (task, handle) in lock(&storm.handles).iter() {
        if !handle.is_finished() || handle.abort_if_queued() {
            storm.fail(format!("task {task} was never resolved"));
        }
    }
}

fn check_report(storm: &Storm, report: &ShutdownReport, stories: &[Story]) {
    let broken_off = stories
        .iter()
        .filter(|story| story.accepted && matches!(story.end, End::Failed(TaskError::PoolClosed)));
    let (seen, told) = (broken_off.count(), report.abandoned_tasks());
    if seen > told {
        storm.fail(format!(
            "{seen} tasks were broken off, the report says {told}"
        ));
    }
}

fn check_stories(
    storm: &Storm,
    stories: &[Story],
    runs: &HashMap<u64, Vec<Run>>,
    tally: &mut Tally,
) {
    for story in stories {
        let of_task = runs.get(&story.task).map_or(&[][..], Vec::as_slice);
        match judge(&storm.plan, story, of_task) {
            Ok(end) => *tally.ends.entry(end).or_default() += 1,
            Err(what) => storm.fail(format!("{what}: {story:?}, runs {of_task:?}")),
        }
        if story.intent.deed.is_deadly() {
            tally.suicides += of_task.len() as u64;
        }
    }
    let known: HashSet<_> = stories.iter().map(|story| story.task).collect();
    for task in runs.keys().filter(|task| !known.contains(task)) {
        storm.fail(format!("task {task} ran, and was never submitted"));
    }
    let pids: HashSet<_> = runs.values().flatten().map(|run| run.pid).collect();
    tally.workers += pids.len();
    tally.tasks += stories.len() as u64;
    tally.runs += runs.values().map(Vec::len).sum::<usize>() as u64;
}
