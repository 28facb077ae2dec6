//! Runs the Python lines of the guide, if python3 is installed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, thread};

use procpool_tests::Watched;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::document::{self, Block, Section, sections};

/// The oldest version that runs rows which name none.
const OLDEST: (u32, u32) = (3, 9);
/// The last output of a script.
const DONE: &str = "the row is done";
/// The number of scripts that run at the same time.
const AT_A_TIME: usize = 2;

/// Prints the public names of a class, one on each line.
pub(crate) fn names_of(class: &str) -> Option<Vec<String>> {
    version()?;
    let script = format!(
        "import asyncio, concurrent.futures, multiprocessing.pool\n\
         print(*(name for name in dir({class}) if name[0] != '_'))"
    );
    let output = Command::new("python3")
        .arg("-c")
        .arg(script)
        .output()
        .expect("python3");
    let names = String::from_utf8(output.stdout).expect("names");
    Some(names.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn the_python_lines_of_the_guide_run() {
    let Some(version) = version() else {
        println!("skipped: there is no python3");
        return;
    };
    let text = document::text();
    let sections = sections(&text);
    let rows: Vec<(&Section, &Block)> = sections
        .iter()
        .flat_map(|section| {
            section
                .blocks_in("python")
                .into_iter()
                .map(move |b| (section, b))
        })
        .collect();
    let (preludes, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|(section, _)| section.title == document::PRELUDE);
    let (_, prelude) = preludes.first().expect("what the lines stand on");
    let directory = tempfile::tempdir().expect("a folder");
    let failures: Vec<String> = thread::scope(|scope| {
        let chunks = (0..AT_A_TIME).map(|first| {
            let mine = rows.iter().skip(first).step_by(AT_A_TIME);
            let folder = directory.path();
            scope.spawn(move || {
                let fail = |(section, block): &(&Section, &Block)| {
                    let file = folder.join(format!("row{}.py", block.lines.start));
                    let needs = needed(section, block);
                    fs::write(&file, script(&prelude.text, &block.text)).expect("a script");
                    let told = if needs <= version {
                        run(&file)
                    } else {
                        // At least it can be parsed.
                        println!("{}: not run, for want of Python {needs:?}", section.title);
                        compile(&file)
                    };
                    told.err().map(|told| format!("{}:\n{told}", section.title))
                };
                mine.filter_map(fail).collect::<Vec<_>>()
            })
        });
        let chunks: Vec<_> = chunks.collect();
        chunks
            .into_iter()
            .flat_map(|chunk| chunk.join().expect("no panic"))
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn version() -> Option<(u32, u32)> {
    let output = Command::new("python3").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    parsed(text.trim().strip_prefix("Python ")?)
}

fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Returns the version that a row's block requires; the row's text must name it.
fn needed(section: &Section, block: &Block) -> (u32, u32) {
    if block.note.is_empty() {
        return OLDEST;
    }
    assert!(
        section.prose.contains(&format!("Python {}", block.note)),
        "{}: it needs Python {}, and doesn't say so",
        section.title,
        block.note
    );
    parsed(&block.note).expect("a version behind `python`")
}

/// Returns a program that runs a row as a user would write it: definitions at the top level, the rest in a
/// function that only the first process calls.
fn script(prelude: &str, lines: &str) -> String {
    let (mut defined, mut body) = (String::new(), String::new());
    let mut in_definition = false;
    for line in lines.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            in_definition = ["def ", "async def ", "@"]
                .iter()
                .any(|d| line.starts_with(d));
        }
        let (to, indent) = if in_definition {
            (&mut defined, "")
        } else {
            (&mut body, "    ")
        };
        writeln!(to, "{indent}{line}").expect("a string");
    }
    let mut main = String::new();
    if lines.contains("executor.") || lines.contains("(executor") {
        main += "    executor = ProcessPoolExecutor(max_workers=2)\n";
    }
    if lines.contains("pool.") {
        main += "    pool = multiprocessing.Pool(2)\n";
    }
    // The row's own functions await nothing.
    let (row, call) = match body.contains("await ") {
        true => ("async def", "asyncio.run(row())"),
        false => ("def", "row()"),
    };
    // Does not wait for processes that hang on purpose; they are killed from outside.
    format!(
        "{prelude}\n{defined}\n{row} row():\n{body}\n\
         if __name__ == \"__main__\":\n{main}    {call}\n    \
         print({DONE:?}, flush=True)\n    os._exit(0)\n"
    )
}

/// Runs a script in a process group of its own, and leaves no process of it behind.
fn run(script: &Path) -> Result<(), String> {
    // A file, since a remaining process would keep a pipe open.
    let mut told = tempfile::tempfile().expect("a file");
    let shared = |file: &File| Stdio::from(file.try_clone().expect("a descriptor"));
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::null())
        .stdout(shared(&told))
        .stderr(shared(&told))
        .process_group(0)
        .spawn()
        .expect("python3");
    let group = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process");
    let watched = Watched::new(child.id());
    let ended = std::panic::catch_unwind(|| watched.ended());
    // Its number is not reused until it is reaped.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait().expect("a child");
    let mut text = String::new();
    told.rewind().expect("a file");
    told.read_to_string(&mut text).expect("text");
    match ended {
        Ok(()) if status.success() && text.contains(DONE) => Ok(()),
        Ok(()) => Err(format!("{status}\n{text}")),
        Err(_) => Err(format!("it hangs\n{text}")),
    }
}

fn compile(script: &Path) -> Result<(), String> {
    let output = Command::new("python3")
        .args([
            "-c",
            "import sys; compile(open(sys.argv[1]).read(), 'row', 'exec')",
        ])
        .arg(script)
        .output()
        .expect("python3");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
