//! A gate at which functions in workers report that they run, and wait until they may return.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as Door;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::{Watched, patiently};

/// The test's side of a gate.
#[derive(Debug)]
pub struct Gate {
    listener: UnixListener,
    directory: TempDir,
}

/// A function that has reached the gate and waits there.
#[derive(Debug)]
pub struct Visitor {
    /// The process id of its worker.
    pub pid: u32,
    stream: UnixStream,
}

impl Gate {
    /// Returns a gate with a path of its own.
    ///
    /// # Panics
    /// If the socket can't be created.
    #[must_use]
    pub fn open() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(directory.path().join("gate")).expect("a socket");
        Gate {
            listener,
            directory,
        }
    }

    /// Returns the path, which a function needs to reach the gate.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("gate")
    }

    /// Waits for the next function that reaches the gate.
    pub async fn visitor(&self) -> Visitor {
        patiently(async {
            let (mut stream, _) = self.listener.accept().await.expect("a visitor");
            let pid = stream.read_u32().await.expect("its process id");
            Visitor { pid, stream }
        })
        .await
    }

    /// Returns whether a function has reached the gate and was not awaited.
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

    /// Waits until the function's process, and every process that inherited its connection, is dead.
    pub async fn gone(mut self) {
        let end = patiently(self.stream.read_u8()).await;
        assert!(end.is_err(), "a function that waits says nothing");
    }

    /// Returns the process, to watch its end.
    #[must_use]
    pub fn watch(&self) -> Watched {
        Watched::new(self.pid)
    }
}

/// Reaches the gate and waits until the test lets the function return; for a function in a worker. Returns its pid.
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

/// Reaches the gate as [`visit`] does, but then computes forever instead of waiting.
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
