//! A place where functions in workers tell that they run, and wait to be let on.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as Door;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::{Watched, patiently};

/// The test's side.
#[derive(Debug)]
pub struct Gate {
    listener: UnixListener,
    directory: TempDir,
}

/// A function that has come to the gate and waits there.
#[derive(Debug)]
pub struct Visitor {
    /// The process that it runs in.
    pub pid: u32,
    stream: UnixStream,
}

impl Gate {
    /// A gate with a path of its own.
    ///
    /// # Panics
    /// If the system has no room for one.
    #[must_use]
    pub fn open() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(directory.path().join("gate")).expect("a socket");
        Gate {
            listener,
            directory,
        }
    }

    /// What a function needs to come here.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("gate")
    }

    /// The next function that comes.
    pub async fn visitor(&self) -> Visitor {
        patiently(async {
            let (mut stream, _) = self.listener.accept().await.expect("a visitor");
            let pid = stream.read_u32().await.expect("its process id");
            Visitor { pid, stream }
        })
        .await
    }

    /// Whether a function has come that was not awaited yet.
    ///
    /// # Panics
    /// If the listener can't be polled.
    #[must_use]
    pub fn has_visitor(&self) -> bool {
        let mut polled = [PollFd::new(&self.listener, PollFlags::IN)];
        poll(
            &mut polled,
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            }),
        )
        .expect("a poll")
            > 0
    }
}

impl Visitor {
    /// Lets the function return.
    pub async fn let_go(mut self) {
        self.stream.write_u8(1).await.expect("it waits at the gate");
    }

    /// Waits until the function's process, and every process that has its connection, is dead.
    pub async fn gone(mut self) {
        let end = patiently(self.stream.read_u8()).await;
        assert!(end.is_err(), "a function that waits says nothing");
    }

    /// The process, to see it end.
    #[must_use]
    pub fn watch(&self) -> Watched {
        Watched::new(self.pid)
    }
}

/// For a function in a worker: comes to the gate, and waits until it is let go. Returns its pid.
///
/// # Panics
/// If the gate is gone.
#[must_use]
pub fn visit(gate: PathBuf) -> u32 {
    let mut door = knock(&gate);
    let mut go = [0];
    door.read_exact(&mut go).expect("to be let go");
    std::process::id()
}

/// As [`visit`], but computes for ever instead of waiting.
pub fn visit_and_linger(gate: PathBuf) {
    let door = knock(&gate);
    loop {
        std::hint::black_box(&door);
    }
}

fn knock(gate: &Path) -> Door {
    let mut door = Door::connect(gate).expect("the gate is open");
    door.write_all(&std::process::id().to_be_bytes())
        .expect("the gate listens");
    door
}
