//! Panics in a program with `panic = "abort"`, where no panic can be caught.
//!
//! The test harness is always built to unwind. So the test builds a program with the workspace's profile
//! `abort`, which checks itself: `src/bin/aborting.rs`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use procpool_tests::Watched;

/// The program. Cargo builds it once, in a directory beside that of these tests.
static ABORTING: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--profile", "abort", "--message-format", "json"])
        .args(["--package", "procpool-tests", "--bin", "aborting"])
        .args(["--locked", "--offline", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "cargo: {}", built.status);
    let messages = String::from_utf8(built.stdout).unwrap();
    let mut executables = messages.lines().filter_map(|message| {
        let message: serde_json::Value = serde_json::from_str(message).ok()?;
        let executable = PathBuf::from(message["executable"].as_str()?);
        (message["target"]["name"] == "aborting").then_some(executable)
    });
    executables.next().expect("cargo names what it has built")
});

#[test]
fn a_panic_that_aborts_is_reported_as_a_panic_and_the_worker_is_replaced() {
    let output = Command::new(&*ABORTING)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}", output.status);
    assert_eq!(output.stdout, b"as promised\n", "{told}");
}

#[test]
fn a_parent_that_aborts_in_a_panic_leaves_no_process() {
    let mut parent = Command::new(&*ABORTING)
        .arg("parent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    let mut told = BufReader::new(parent.stdout.take().unwrap());
    told.read_line(&mut pid).unwrap();
    let worker = Watched::new(pid.trim_end().parse().unwrap());
    assert!(worker.is_alive());
    parent.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(parent.wait().unwrap().signal(), Some(6));
    worker.ended();
}
