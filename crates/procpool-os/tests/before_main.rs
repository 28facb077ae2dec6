//! A function before `main`, in a crate that forbids unsafe code and whose `main` is the harness's.

#![forbid(unsafe_code)]

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn early() {
    RUNS.fetch_add(1, Ordering::Relaxed);
    let arguments: Vec<String> = std::env::args().collect();
    let Some(what) = arguments
        .get(1)
        .and_then(|first| first.strip_prefix("early-"))
    else {
        return;
    };
    match what {
        "exit" => {
            println!("{}", arguments[2]);
            eprintln!("{}", std::env::var("PROCPOOL_OS_TEST").unwrap_or_default());
            let sum = std::thread::spawn(|| 3 + 4).join().unwrap_or_default();
            let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(())));
            std::process::exit(if caught.is_err() { sum } else { 1 });
        }
        "panic" => panic!("on purpose"),
        "pipe" => {
            // Its standard output is closed at the other end.
            let mut written = Ok(());
            while written.is_ok() {
                written = std::io::Write::write_all(&mut std::io::stdout(), &[b'\n'; 4096]);
            }
            std::process::exit(9);
        }
        _ => {}
    }
}

procpool_os::before_main!(early);

macro_rules! by_another_macro {
    ($function:path) => {
        ::procpool_os::before_main!($function);
    };
}

fn this_binary(what: &str, argument: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command
        .args([what, argument])
        .env("PROCPOOL_OS_TEST", "seen");
    command
}

fn output(what: &str, argument: &str) -> Output {
    let started = this_binary(what, argument).output();
    started.expect("the binary of this test can be started again")
}

#[test]
fn it_runs_once_for_each_expansion_also_within_a_function() {
    procpool_os::before_main!(self::early);
    by_another_macro!(crate::early);
    assert_eq!(RUNS.load(Ordering::Relaxed), 3);
}

#[test]
fn in_it_a_program_can_do_what_it_can_in_main() {
    let output = output("early-exit", "an argument");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.stdout, b"an argument\n");
    assert_eq!(output.stderr, b"seen\n");
}

#[test]
fn when_it_returns_main_runs() {
    let output = output("early-nothing", "--list");
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.contains("0 tests, 0 benchmarks"), "{listed}");
}

#[test]
fn when_it_panics_the_process_exits_and_main_does_not_run() {
    let output = output("early-panic", "--list");
    assert_eq!(output.status.code(), Some(101));
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("on purpose")
    );
}

#[test]
fn a_broken_pipe_is_an_error_there_and_not_a_signal() {
    let mut command = this_binary("early-pipe", "");
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(9));
}
