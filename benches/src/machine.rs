//! Where and when figures were taken.

use std::fmt;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;

/// What one has to know to read a figure; its `Display` is one line.
#[derive(Clone, Debug)]
pub struct Machine {
    commit: String,
    cpus: usize,
    load_before: String,
}

impl Machine {
    /// To be called before the measurement, for the load that is there without it.
    #[must_use]
    pub fn observe() -> Self {
        Machine {
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            cpus: thread::available_parallelism().map_or(1, Into::into),
            load_before: load(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "commit {}, {} CPUs, load average (1, 5, 15 min) {} before and {} after",
            self.commit,
            self.cpus,
            self.load_before,
            load()
        )
    }
}

/// Abbreviated, and marked if the measured sources differ from it. `None` outside of a checkout.
fn commit() -> Option<String> {
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(match changed.is_empty() {
        true => commit,
        false => format!("{commit} with changes"),
    })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = text.split_whitespace().take(3).collect();
    match load.is_empty() {
        true => "unknown".to_owned(),
        false => load.join(" "),
    }
}
