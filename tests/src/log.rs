//! A file in which functions in workers leave a line each.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The test's side: what has happened in workers, in order, also in those that are dead by now.
#[derive(Debug)]
pub struct Log(TempDir);

impl Log {
    /// An empty log with a path of its own.
    ///
    /// # Panics
    /// If the system has no room for one.
    #[must_use]
    pub fn open() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        File::create(directory.path().join("log")).expect("a file");
        Log(directory)
    }

    /// What a function needs to write here.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// All lines that were left so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lines(&self.path())
    }
}

/// For a function in a worker: leaves a line, at once and as a whole.
///
/// # Panics
/// If the log is gone.
pub fn note(log: &Path, line: &str) {
    let mut file = File::options().append(true).open(log).expect("the log");
    file.write_all(format!("{line}\n").as_bytes())
        .expect("the log takes a line");
}

/// All lines that were left so far; for a function in a worker, and [`Log::lines`].
///
/// # Panics
/// If the log is gone.
#[must_use]
pub fn lines(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).expect("the log is text");
    text.lines().map(str::to_owned).collect()
}
