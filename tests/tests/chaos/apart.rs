//! A process for the storm, and a parent that observes it.

use std::collections::VecDeque;
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio, exit};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpid, kill_process,
    set_child_subreaper, setrlimit, setsid, wait,
};

use crate::processes;

/// The environment variable that marks the process of the storm.
const APART: &str = "PROCPOOL_CHAOS_APART";

/// The longest time without a line from the storm. A round waits at most a minute for each of its ends.
const SILENCE: Duration = Duration::from_secs(200);

/// The number of last lines that are shown if the storm fails.
const KEPT_LINES: usize = 200;

/// Runs `storm` in a process of its own, which is the test executable again. Shows its lines that begin with
/// "chaos:" and are not about a single round. The process has a session of its own, in which every process
/// that it ever started can be found. If it fails or is silent for too long, its last lines are shown.
///
/// # Panics
/// If the storm fails.
pub(crate) fn apart(test: &str, storm: fn()) {
    if env::var_os(APART).is_some() {
        enter();
        return storm();
    }
    // Orphans become children of this process and are reaped here; init might not do that.
    set_child_subreaper(Some(getpid())).expect("a process may take care of its descendants");
    let mut child = Command::new(env::current_exe().expect("a test is an executable"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(APART, "1")
        // Thousands of functions panic, and a backtrace takes time.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a test can be started again");
    let lines = lines_of(&mut child);
    let mut said = VecDeque::new();
    let status = look_after(&child, &lines, &mut said);
    let left = processes::ended(child.id(), |pause| {
        reap(&child);
        thread::sleep(pause);
    });
    let passed = status.is_some_and(|status| status.exit_status() == Some(0));
    assert!(
        passed && left.is_empty(),
        "the storm ended with {status:?} (none: it hung), and left {left:?}; it said:\n{}",
        said.make_contiguous().join("\n")
    );
}

fn enter() {
    setsid().expect("a process that was just started leads no group");
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Thousands of workers abort.
    setrlimit(Resource::Core, none).expect("less is always allowed");
    thread::spawn(|| {
        // Nothing is ever sent; the end of this pipe shows that the parent is gone.
        let _ = io::stdin().read(&mut [0]);
        exit(1);
    });
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let stdout: Option<Box<dyn Read + Send>> = child.stdout.take().map(|out| Box::new(out) as _);
    let stderr: Option<Box<dyn Read + Send>> = child.stderr.take().map(|err| Box::new(err) as _);
    for output in [stdout, stderr].into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                // The workers' output arrives here, too, and is dropped.
                if !line.starts_with("flood") && sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

/// Waits until the storm has ended; `None` if it had to be killed.
fn look_after(
    child: &Child,
    lines: &Receiver<String>,
    said: &mut VecDeque<String>,
) -> Option<WaitStatus> {
    let mut last_word = Instant::now();
    loop {
        match lines.recv_timeout(Duration::from_millis(10)) {
            Ok(line) => {
                if line.starts_with("chaos:") {
                    last_word = Instant::now();
                }
                keep(line, said);
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(10)),
        }
        if let Some(status) = reap(child) {
            // Its last lines are on their way. The pipe stays open if a process that it left holds it.
            while let Ok(line) = lines.recv_timeout(Duration::from_secs(1)) {
                keep(line, said);
            }
            return Some(status);
        }
        if last_word.elapsed() > SILENCE {
            let _ = kill_process(Pid::from_child(child), Signal::KILL);
            return None;
        }
    }
}

fn keep(line: String, said: &mut VecDeque<String>) {
    if line.starts_with("chaos:") && !line.starts_with("chaos: round") {
        // Not by `println!`, whose output the test harness captures.
        let _ = writeln!(io::stderr(), "{line}");
    }
    said.push_back(line);
    if said.len() > KEPT_LINES {
        said.pop_front();
    }
}

/// Reaps every process that has ended, and returns the outcome of the storm if it is among them.
fn reap(child: &Child) -> Option<WaitStatus> {
    let mut storm = None;
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == Pid::from_child(child) => storm = Some(status),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return storm,
        }
    }
}
