//! A script that a worker plays instead of to work.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use procpool::{Builder, ProcessPool};
use tempfile::TempDir;

use crate::{Watched, patiently};

/// Where a script is played, by the first worker of a pool. All later ones are honest.
///
/// The executable that sets the stage is the one whose workers play: before its `main` it calls
/// [`Stage::enter`].
#[derive(Debug)]
pub struct Stage {
    script: &'static str,
    directory: TempDir,
}

impl Stage {
    /// Becomes an honest worker, or has `play` play the script that the pool's name tells; returns in a process that
    /// is no worker. `play` is given a directory, too, which the stage has.
    ///
    /// # Panics
    /// In a worker of a pool that is no stage's.
    pub fn enter(play: fn(&str, &Path) -> !) {
        let mut arguments = std::env::args().skip(1);
        if arguments.next().as_deref() == Some("--procpool-worker") {
            let name = arguments.next().expect("the pool's name");
            let (script, directory) = name.rsplit_once(' ').expect("a script and a directory");
            // Whoever makes the file is the first.
            if let Ok(mut file) = File::create_new(Path::new(directory).join("first")) {
                writeln!(file, "{}", std::process::id()).expect("room for a number");
                play(script, Path::new(directory));
            }
        }
        procpool::init();
    }

    /// A stage for this script.
    ///
    /// # Panics
    /// Out of room for a directory.
    #[must_use]
    pub fn of(script: &'static str) -> Self {
        let directory = tempfile::tempdir().expect("a place for a directory");
        Stage { script, directory }
    }

    /// A pool of one worker, which plays.
    pub fn builder(&self) -> Builder {
        let name = format!("{} {}", self.script, self.directory.path().display());
        ProcessPool::builder().workers(1).name(name)
    }

    /// As [`builder`](Self::builder), built.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn pool(&self) -> ProcessPool {
        self.builder().build().expect("a pool should start")
    }

    /// The worker that plays, once it has begun to.
    ///
    /// # Panics
    /// If it has not.
    #[must_use]
    pub fn impostor(&self) -> Watched {
        Watched::new(self.number("first").expect("it has begun"))
    }

    /// Waits until the worker that plays has stopped itself.
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

    /// The process that the worker [leaves behind](crate::Impostor::bequeath), once it has told its number.
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

    /// Of the process that has written it, and a line's end, to this file.
    fn number(&self, file: &str) -> Option<u32> {
        let told = fs::read_to_string(self.directory.path().join(file)).ok()?;
        told.strip_suffix('\n')?.parse().ok()
    }
}
