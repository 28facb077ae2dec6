//! A worker by hand: a process that computes and returns bytes, and nothing around it.

use std::env;
use std::ffi::OsStr;
use std::hint::black_box;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{self, Child};

use crate::companion;
use crate::cpu;

/// The first argument of its process.
const MARKER: &str = "--procpool-bench-bare-worker";

/// A process that is told how long to compute and how many bytes to return. Dropping it kills the process.
#[derive(Debug)]
pub struct BareWorker(Child);

/// Turns this process into such a worker if it was started as one; returns at once otherwise.
pub(crate) fn init() {
    if env::args_os().nth(1).as_deref() == Some(OsStr::new(MARKER)) {
        match work() {
            Ok(()) => process::exit(0),
            Err(error) => {
                eprintln!("the bare worker: {error}");
                process::exit(1)
            }
        }
    }
}

impl BareWorker {
    /// Starts the process, and gives the socket to it, whose calls block.
    ///
    /// # Panics
    /// If the system is short of something.
    #[must_use]
    pub fn start() -> (Self, UnixStream) {
        Self::try_start().expect("the bare worker should start")
    }

    fn try_start() -> io::Result<(Self, UnixStream)> {
        let (process, parent) = companion::start(&[MARKER])?;
        Ok((BareWorker(process), parent))
    }

    /// Has the process at the other end compute for so many [steps](cpu::steps) and fill `result`.
    ///
    /// # Errors
    /// It is gone.
    pub fn call(mut socket: &UnixStream, steps: u64, result: &mut [u8]) -> io::Result<()> {
        let task = [steps, result.len() as u64].map(u64::to_ne_bytes);
        socket.write_all(task.as_flattened())?;
        socket.read_exact(result)
    }
}

impl Drop for BareWorker {
    fn drop(&mut self) {
        // If it can't be killed or waited for, it isn't there.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn work() -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut task = [[0; size_of::<u64>()]; 2];
    loop {
        match socket.read_exact(task.as_flattened_mut()) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let [steps, len] = task.map(u64::from_ne_bytes);
        black_box(cpu::burn(steps));
        socket.write_all(&vec![7; len as usize])?;
    }
}
