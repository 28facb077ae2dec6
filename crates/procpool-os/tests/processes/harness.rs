//! Runs the tests one after the other, and looks for leaks after each.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

/// A test's name and its function.
pub(crate) type Test = (&'static str, fn());

/// Nothing here takes a second. A test that takes so long hangs.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// Accepts the options of the usual harness that a test runner needs: `--list`, `--exact`, filters.
pub(crate) fn run(tests: &[Test]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let is_chosen = |name: &str| {
        let fits = |filter: &&String| match has("--exact") {
            true => name == *filter,
            false => name.contains(*filter),
        };
        filters.is_empty() || filters.iter().any(fits)
    };
    // None is ignored, and a runner may ask for those alone.
    let chosen = tests
        .iter()
        .filter(|(name, _)| is_chosen(name) && !has("--ignored"));
    if has("--list") {
        chosen.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let results: Vec<bool> = chosen.map(|(name, test)| passes(name, *test)).collect();
    let passed = results.iter().filter(|passed| **passed).count();
    println!("{passed} passed, {} failed", results.len() - passed);
    match passed == results.len() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn passes(name: &'static str, test: fn()) -> bool {
    let (done, is_done) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if is_done.recv_timeout(HANG) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("test {name} hangs");
            std::process::exit(1);
        }
    });
    let before = open_descriptors();
    let passed = catch_unwind(test).is_ok();
    drop(done);
    guard.join().unwrap();
    let leaks = leaks(&before);
    println!(
        "test {name} ... {}",
        if passed && leaks.is_empty() {
            "ok"
        } else {
            "FAILED"
        }
    );
    leaks
        .iter()
        .for_each(|leak| println!("    it leaves {leak}"));
    passed && leaks.is_empty()
}

fn leaks(before: &[String]) -> Vec<String> {
    let after = open_descriptors();
    let mut leaks: Vec<String> = after
        .into_iter()
        .filter(|now| !before.contains(now))
        .collect();
    let any_child = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    if !matches!(any_child, Err(Errno::CHILD)) {
        leaks.push("a child".into());
    }
    leaks
}

fn open_descriptors() -> Vec<String> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let describe = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        // The descriptor of this very listing is gone by now.
        let target = std::fs::read_link(&path).ok()?;
        Some(format!("{} -> {}", path.display(), target.display()))
    };
    let mut open: Vec<String> = entries
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(describe)
        .collect();
    open.sort();
    open
}
