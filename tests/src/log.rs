//! A file to which functions in workers append lines.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The test's side: the lines of all workers in order, including workers that are dead.
#[derive(Debug)]
pub struct Log(TempDir);

impl Log {
    /// Returns an empty log with a path of its own.
    ///
    /// # Panics
    /// If the file can't be created.
    #[must_use]
    pub fn open() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        File::create(directory.path().join("log")).expect("a file");
        Log(directory)
    }

    /// Returns the path, which a function needs to write a line.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// Returns all lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lines(&self.path())
    }
}

/// Appends a line atomically; for a function in a worker.
///
/// # Panics
/// If the log is gone.
pub fn note(log: &Path, line: &str) {
    let mut file = File::options().append(true).open(log).expect("the log");
    file.write_all(format!("{line}\n").as_bytes())
        .expect("the log takes a line");
}

/// Returns all lines so far; for a function in a worker, and for [`Log::lines`].
///
/// # Panics
/// If the log is gone.
#[must_use]
pub fn lines(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).expect("the log is text");
    text.lines().map(str::to_owned).collect()
}
