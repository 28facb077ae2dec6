//! A running function loses against a deadline, a signal, a time limit, and is gone for good.
//!
//! What it shows: dropping a [`Task`](procpool::Task) cancels it, so `select!` and `timeout` mean what
//! they say. The functions here compute for ever and never look up; each tells the parent in which
//! process it runs, and the example asserts that this very process disappears. With
//! `spawn_blocking` each would hold its thread, and a core, until the program ends.
//!
//! ```console
//! $ cargo run --release --example select_timeout
//! ```
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use procpool::ProcessPool;
use procpool_examples::{Arrival, Meeting, arrive, workers_at_once};
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

const WORKERS: usize = 2;
const LIMIT: Duration = Duration::from_millis(500);

#[procpool::main]
async fn main() -> anyhow::Result<()> {
    let pool = ProcessPool::builder().workers(WORKERS).build()?;
    let meeting = Meeting::open().await?;

    select_against_a_deadline(&pool, &meeting).await?;
    select_against_ctrl_c(&pool, &meeting).await?;
    timeout_around_a_task(&pool, &meeting).await?;
    time_limit_of_the_pool(&pool, &meeting).await?;
    abort_by_a_handle(&pool, &meeting).await?;
    detached(&pool, &meeting).await?;

    workers_at_once(&pool, WORKERS).await?;
    println!("after all this     both workers of the pool are there and run");
    pool.shutdown().await;
    Ok(())
}

/// `select!` drops the branches that lose, and with the task goes its process.
async fn select_against_a_deadline(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    tokio::select! {
        result = task => bail!("a function without an end has ended: {result:?}"),
        () = sleep(LIMIT) => {}
    }
    report_gone("select!, deadline", running).await
}

/// Ctrl-C reaches the parent alone, never the workers; what it means is the parent's decision.
async fn select_against_ctrl_c(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let mut ctrl_c = signal(SignalKind::interrupt())?;
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    // In place of a person at the keyboard.
    kill_process(getpid(), Signal::INT)?;
    tokio::select! {
        result = task => bail!("a function without an end has ended: {result:?}"),
        signal = ctrl_c.recv() => signal.context("no signal can come any more")?,
    }
    report_gone("select!, Ctrl-C", running).await
}

/// tokio's own `timeout` works as with any future; its clock starts now, queueing included.
async fn timeout_around_a_task(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    ensure!(
        timeout(LIMIT, task).await.is_err(),
        "a function without an end has ended"
    );
    report_gone("tokio's timeout", running).await
}

/// The pool's limit counts the run alone: neither the queue nor the start of a worker is charged.
async fn time_limit_of_the_pool(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let task = pool
        .with_timeout(LIMIT)
        .run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    match task.await {
        Err(error) if error.is_timed_out() => {}
        other => bail!("not a time-out: {other:?}"),
    }
    report_gone("with_timeout", running).await
}

/// A handle aborts from anywhere; who awaits the task learns of it.
async fn abort_by_a_handle(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    task.abort_handle().abort();
    match task.await {
        Err(error) if error.is_cancelled() => {}
        other => bail!("not cancelled: {other:?}"),
    }
    report_gone("abort_handle", running).await
}

/// The other way round: `detach` gives up the result, and the function runs to its end.
async fn detached(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    pool.run_in_process(wait_and_answer, meeting.address())
        .detach();
    let mut running = meeting.arrival().await?;
    let answer = running.ask(b'?').await?;
    ensure!(answer == b'!', "the detached function answered {answer}");
    println!(
        "{:<18} worker {:>7} went on without its task",
        "detach",
        running.pid()
    );
    Ok(())
}

async fn report_gone(what: &str, running: Arrival) -> anyhow::Result<()> {
    let (pid, since) = (running.pid(), Instant::now());
    running
        .gone()
        .await
        .with_context(|| format!("{what}: worker {pid}"))?;
    println!(
        "{what:<18} worker {pid:>7} was gone {:.1?} later",
        since.elapsed()
    );
    Ok(())
}

/// Asks nobody whether it should stop.
fn compute_for_ever(meeting: SocketAddr) -> Result<u64, String> {
    let _line = arrive(meeting).map_err(|error| error.to_string())?;
    let mut number: u64 = 0;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

fn wait_and_answer(meeting: SocketAddr) -> Result<(), String> {
    let answer = || -> io::Result<()> {
        let mut line = arrive(meeting)?;
        let mut question = [0];
        line.read_exact(&mut question)?;
        line.write_all(b"!")
    };
    answer().map_err(|error| error.to_string())
}
