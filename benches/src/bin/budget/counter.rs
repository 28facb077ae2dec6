//! Valgrind, which counts.

use std::env;
use std::io;
use std::process::{Command, Stdio};

use crate::parts::Part;

/// The first argument of the process that is counted; the second is the part's name.
pub(crate) const PART: &str = "part";

/// Valgrind as it is installed.
pub(crate) struct Counter(());

impl Counter {
    /// `None` if it is not.
    pub(crate) fn find() -> Option<Self> {
        let mut version = Command::new("valgrind");
        version.arg("--version").stdout(Stdio::null());
        version.status().ok()?.success().then_some(Counter(()))
    }

    /// Instructions for each task, in the part's measured function and what that calls.
    pub(crate) fn count(&self, part: &Part) -> io::Result<f64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(format!("--toggle-collect=*parts::{}*", part.measured))
            .arg(env::current_exe()?)
            .args([PART, part.name])
            .output()?;
        let report = String::from_utf8_lossy(&output.stderr);
        let collected = report
            .lines()
            .find_map(|line| line.split_once("Collected : "))
            .and_then(|(_, number)| number.trim().parse::<f64>().ok())
            .filter(|&number| number > 0.0 && output.status.success());
        match collected {
            Some(number) => Ok(number / part.tasks as f64),
            None => Err(io::Error::other(format!("valgrind says: {report}"))),
        }
    }
}
