//! The least that a round trip to another process can cost on this machine.
//!
//! The process is this program started again, as procpool's workers are. It blocks in `read` on a
//! socket with the same buffers, and writes back what it has read. There are no frames, no encoding,
//! no decisions. The parent's end is a socket of tokio's.

use std::env;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net;
use std::process::{self, Child};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::companion;
use crate::tiny::increment;
use crate::workload::Elsewhere;

/// The first argument of the floor's process; the second is the length of its messages.
const MARKER: &str = "--procpool-bench-floor";

/// A socket to a process that echoes messages of one length. Dropping it ends the process.
#[derive(Debug)]
pub struct Floor {
    socket: UnixStream,
    // After the socket, which tells it to end: fields are dropped in this order.
    process: Reaped,
}

/// A process that is waited for when this is dropped.
#[derive(Debug)]
struct Reaped(Child);

/// Turns this process into the floor's if it was started as one; returns at once otherwise.
///
/// # Panics
/// If it was started as one by hand, without a length.
pub(crate) fn init() {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(MARKER)) {
        return;
    }
    let len = arguments.next().and_then(|len| len.to_str()?.parse().ok());
    match echo_messages(len.expect("the marker should be followed by a length")) {
        Ok(()) => process::exit(0),
        Err(error) => {
            eprintln!("the floor's process: {error}");
            process::exit(1)
        }
    }
}

impl Floor {
    /// Its name in criterion's ids and in the tables.
    pub const NAME: &'static str = "floor";

    /// Starts the process, for messages of `len` bytes.
    ///
    /// # Panics
    /// Outside of a tokio runtime, or if the system is short of something.
    #[must_use]
    pub fn start(len: usize) -> Self {
        Self::try_start(len).expect("the floor's process should start")
    }

    fn try_start(len: usize) -> io::Result<Self> {
        let (process, parent) = companion::start(&[MARKER, &len.to_string()])?;
        parent.set_nonblocking(true)?;
        Ok(Floor {
            socket: UnixStream::from_std(parent)?,
            process: Reaped(process),
        })
    }

    /// Sends a message, and waits until it is back in the same memory.
    ///
    /// # Panics
    /// If the process is gone.
    pub async fn exchange(&mut self, message: &mut [u8]) {
        let exchanged = async {
            self.socket.write_all(message).await?;
            self.socket.read_exact(message).await
        };
        exchanged.await.expect("the floor's process should answer");
    }

    /// The process's number.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// Waits until the process has closed the socket.
    ///
    /// # Panics
    /// If it says something instead.
    pub async fn ended(&mut self) {
        let read = self.socket.read(&mut [0]).await;
        assert!(
            !read.is_ok_and(|len| len > 0),
            "the floor's process should be gone"
        );
    }
}

impl Elsewhere for Floor {
    async fn increment(&mut self, number: u64) -> u64 {
        let mut message = number.to_ne_bytes();
        self.exchange(&mut message).await;
        increment(u64::from_ne_bytes(message))
    }

    async fn echo(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        self.exchange(&mut bytes).await;
        bytes
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // If it can't be waited for, it isn't there.
        let _ = self.0.wait();
    }
}

fn echo_messages(len: usize) -> io::Result<()> {
    let mut socket = net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut message = vec![0; len];
    loop {
        match socket.read_exact(&mut message) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        socket.write_all(&message)?;
    }
}
