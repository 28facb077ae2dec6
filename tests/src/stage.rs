//! A script that a worker plays instead of working.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use procpool::{Builder, ProcessPool};
use tempfile::TempDir;

use crate::{Watched, patiently};

/// A directory for a script that the first worker of a pool plays. All later workers work normally.
///
/// The workers run the executable that creates the stage. Before its `main`, that must call
/// [`Stage::enter`].
#[derive(Debug)]
pub struct Stage {
    script: &'static str,
    directory: TempDir,
}

impl Stage {
    /// Becomes an ordinary worker, or calls `play` with the script in the pool's name and the directory of the
    /// stage. Returns in a process that is no worker.
    ///
    /// # Panics
    /// In a worker of a pool that has no stage.
    pub fn enter(play: fn(&str, &Path) -> !) {
        let mut arguments = std::env::args().skip(1);
        if arguments.next().as_deref() == Some("--procpool-worker") {
            let name = arguments.next().expect("the pool's name");
            let (script, directory) = name.rsplit_once(' ').expect("a script and a directory");
            // The worker that creates the file is the first.
            if let Ok(mut file) = File::create_new(Path::new(directory).join("first")) {
                writeln!(file, "{}", std::process::id()).expect("room for a number");
                play(script, Path::new(directory));
            }
        }
        procpool::init();
    }

    /// Returns a stage for this script.
    ///
    /// # Panics
    /// If no directory can be created.
    #[must_use]
    pub fn of(script: &'static str) -> Self {
        let directory = tempfile::tempdir().expect("a place for a directory");
        Stage { script, directory }
    }

    /// Returns the builder of a pool with one worker, which plays.
    pub fn builder(&self) -> Builder {
        let name = format!("{} {}", self.script, self.directory.path().display());
        ProcessPool::builder().workers(1).name(name)
    }

    /// Builds the pool of [`builder`](Self::builder).
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn pool(&self) -> ProcessPool {
        self.builder().build().expect("a pool should start")
    }

    /// Returns the worker that plays, after it has started to.
    ///
    /// # Panics
    /// If it has not started.
    #[must_use]
    pub fn impostor(&self) -> Watched {
        Watched::new(self.number("first").expect("it has begun"))
    }

    /// Waits until the worker that plays has stopped itself by SIGSTOP.
    pub async fn impostor_is_stopped(&self) {
        let is_stopped = || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.number("first")?));
            let status = status.ok()?;
            let mut lines = status.lines();
            let state = lines.find_map(|line| line.strip_prefix("State:"))?;
            Some(state.trim().starts_with('T'))
        };
        patiently(async {
            while is_stopped() != Some(true) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Returns the process that the worker [leaves behind](crate::Impostor::bequeath), after it has written its number.
    pub async fn heir(&self) -> Watched {
        patiently(async {
            loop {
                match self.number("heir") {
                    Some(number) => return Watched::new(number),
                    None => tokio::task::yield_now().await,
                }
            }
        })
        .await
    }

    /// Returns the process whose number is the first line of this file.
    fn number(&self, file: &str) -> Option<u32> {
        let told = fs::read_to_string(self.directory.path().join(file)).ok()?;
        told.strip_suffix('\n')?.parse().ok()
    }
}
