//! Stops running functions by a deadline, a signal and a time limit.
//!
//! It shows that dropping a [`Task`](procpool::Task) cancels it, so `select!` and `timeout` stop the
//! function, too. The functions here compute forever and never check for cancellation. Each reports its
//! process id to the parent, and the example asserts that this process disappears. With
//! `spawn_blocking` each would use its thread, and a processor, until the program ends.
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
    println!("afterwards         both workers of the pool are running");
    pool.shutdown().await;
    Ok(())
}

/// Loses against a deadline in `select!`, which drops the other branch and so cancels the task.
async fn select_against_a_deadline(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    tokio::select! {
        result = task => bail!("an endless function returned: {result:?}"),
        () = sleep(LIMIT) => {}
    }
    report_gone("select!, deadline", running).await
}

/// Loses against Ctrl-C, which only the parent receives; the parent decides what it means.
async fn select_against_ctrl_c(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let mut ctrl_c = signal(SignalKind::interrupt())?;
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    // The example sends the signal itself.
    kill_process(getpid(), Signal::INT)?;
    tokio::select! {
        result = task => bail!("an endless function returned: {result:?}"),
        signal = ctrl_c.recv() => signal.context("the signal stream has ended")?,
    }
    report_gone("select!, Ctrl-C", running).await
}

/// Loses against tokio's `timeout`, which counts from the call and includes the time in the queue.
async fn timeout_around_a_task(pool: &ProcessPool, meeting: &Meeting) -> anyhow::Result<()> {
    let task = pool.run_in_process(compute_for_ever, meeting.address());
    let running = meeting.arrival().await?;
    ensure!(
        timeout(LIMIT, task).await.is_err(),
        "an endless function returned"
    );
    report_gone("tokio's timeout", running).await
}

/// Loses against the pool's time limit, which counts only the running time.
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

/// Is aborted by a handle; the task then gives an error.
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

/// Runs on without its task, by `detach`.
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

/// Computes forever without checking for cancellation.
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
