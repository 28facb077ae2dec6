//! A program that ends as its first argument says, while its worker is in the state that the second one
//! names. Before that it prints the process ids of its worker and of the worker's child.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, stdin};
use std::process::{Command, Stdio, exit};
use std::thread;

use procpool::{ProcessPool, TaskState};
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::yield_now;

#[procpool::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let way = arguments.next().ok_or("how to end?")?;
    let state = arguments.next().ok_or("what shall the worker do?")?;

    let pool = ProcessPool::builder().workers(1).build()?;
    let (worker, child) = pool.run_in_process(|()| have_child(), ()).await?;
    // From here on it catches the signal.
    let mut interrupts = signal(SignalKind::interrupt())?;
    match state.as_str() {
        "idle" => {}
        "computing" => {
            let task = pool.run_in_process(compute, ());
            while task.state() != TaskState::Running {
                yield_now().await;
            }
            task.detach();
        }
        "stopped" => stop(worker)?,
        _ => return Err("idle, computing or stopped".into()),
    }
    println!("{worker} {child}");
    if way == "interrupted" {
        interrupts.recv().await;
        let (still, _) = pool.run_in_process(|()| have_child(), ()).await?;
        println!("{still}");
        return Ok(());
    }
    // Until the test has seen the processes.
    stdin().read_exact(&mut [0])?;
    match way.as_str() {
        "return" => Ok(()),
        "exit" => exit(3),
        "panic" => panic!("as it was told to"),
        "abort" => std::process::abort(),
        "kill" => {
            kill_process(getpid(), Signal::KILL)?;
            Ok(())
        }
        "leak" => {
            std::mem::forget(pool);
            Ok(())
        }
        _ => Err("return, exit, panic, abort, kill or leak".into()),
    }
}

fn have_child() -> (u32, u32) {
    let child = Command::new("sleep")
        .arg("1000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let pid = child.id();
    std::mem::forget(child);
    (std::process::id(), pid)
}

fn compute((): ()) {
    for _ in 0..3 {
        thread::spawn(|| loop_for_ever(()));
    }
    loop_for_ever(())
}

fn loop_for_ever(nothing: ()) {
    loop {
        std::hint::black_box(&nothing);
    }
}

fn stop(worker: u32) -> Result<(), Box<dyn Error>> {
    let worker = Pid::from_raw(worker.try_into()?).ok_or("no process")?;
    Ok(kill_process(worker, Signal::STOP)?)
}
