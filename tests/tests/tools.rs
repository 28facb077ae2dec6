//! A program with a pool works under a debugger, under Valgrind and under QEMU's user mode.
#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::process::{Command, Stdio};

/// Runs `tool` on the program and returns its output, or `None` where the tool is not installed.
fn output_under(tool: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(tool);
    command
        .args(arguments)
        .arg(env!("CARGO_BIN_EXE_traced"))
        .stdin(Stdio::null());
    match command.output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some(String::from_utf8_lossy(&text).into_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: {tool} is not installed");
            None
        }
        Err(error) => panic!("{tool} can't be started: {error}"),
    }
}

fn assert_right(output: &str) {
    assert!(output.contains("all results were right"), "{output}");
}

/// The line of the program at which the debugger stops.
fn landmark() -> usize {
    let source = include_str!("../src/bin/traced.rs");
    let body = source
        .lines()
        .position(|line| line.contains("black_box(number)"));
    body.expect("the landmark") + 1
}

#[test]
fn gdb_stops_at_a_breakpoint_each_time_also_after_a_pool_was_built() {
    let script = format!(
        "break traced.rs:{}\ncommands\nsilent\nprintf \"at the landmark\\n\"\ncontinue\nend\nrun\n",
        landmark()
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), script).expect("a script");
    let path = file.path().to_str().expect("a name in UTF-8");
    let Some(output) = output_under("gdb", &["--batch", "--nx", "-x", path]) else {
        return;
    };
    assert_right(&output);
    assert_eq!(output.matches("at the landmark").count(), 5, "{output}");
}

#[test]
fn valgrind_runs_a_program_with_a_pool() {
    let arguments = ["--quiet"];
    if let Some(output) = output_under("valgrind", &arguments) {
        assert_right(&output);
    }
}

#[test]
fn valgrind_runs_the_workers_too() {
    let arguments = ["--quiet", "--trace-children=yes"];
    if let Some(output) = output_under("valgrind", &arguments) {
        assert_right(&output);
    }
}

#[test]
fn qemu_runs_a_program_with_a_pool() {
    let tool = format!("qemu-{}", std::env::consts::ARCH);
    if let Some(output) = output_under(&tool, &[]) {
        assert_right(&output);
    }
}
