//! How to start a worker, and the start.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;

use crate::birth::{Birth, Program};
use crate::process::WorkerProcess;
use crate::stdio::duplicate_high;
use crate::strings::Strings;

/// How to start a worker.
#[derive(Debug)]
pub struct SpawnSpec {
    /// What process listings show as the program's name.
    pub arg0: OsString,
    /// The arguments after that.
    pub args: Vec<OsString>,
    /// Changes of the environment: set to a value, or removed.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Whether to start out from an empty environment instead of the parent's.
    pub env_clear: bool,
    /// The directory to start in, instead of the parent's.
    pub current_dir: Option<PathBuf>,
    /// The worker's standard input: its end of the [socket pair](crate::socket::pair).
    pub stdin: OwnedFd,
    /// The worker's standard output.
    pub stdout: OutputTo,
    /// The worker's standard error.
    pub stderr: OutputTo,
}

/// Where one of a worker's output streams goes.
#[derive(Debug)]
pub enum OutputTo {
    /// To what the parent has.
    Inherited,
    /// Nowhere.
    Null,
    /// To a pipe of which the parent has the other end.
    Piped,
    /// To this.
    File(OwnedFd),
}

impl From<OwnedFd> for OutputTo {
    fn from(file: OwnedFd) -> Self {
        OutputTo::File(file)
    }
}

impl SpawnSpec {
    /// A worker with that standard input, the parent's environment, directory and output.
    #[must_use]
    pub fn new(arg0: impl Into<OsString>, stdin: OwnedFd) -> SpawnSpec {
        SpawnSpec {
            arg0: arg0.into(),
            args: Vec::new(),
            env: Vec::new(),
            env_clear: false,
            current_dir: None,
            stdin,
            stdout: OutputTo::Inherited,
            stderr: OutputTo::Inherited,
        }
    }

    /// Starts the executable of this very process as a worker, in a process group of its own.
    ///
    /// It is `/proc/self/exe` that is started, so the same build even if the file was replaced or
    /// deleted. It doesn't wait until the program is loaded: the process is there when this returns,
    /// some 50 µs later. If it then can't become the program, it ends, and
    /// [`WorkerProcess::start_error`] tells why.
    ///
    /// All signals are blocked in it, until it [unblocks](crate::signals::unblock_all) them.
    ///
    /// # Errors
    ///
    /// What the kernel says: out of processes, descriptors or memory.
    /// [`io::ErrorKind::InvalidInput`] for a zero byte in a name, value or path. No process is left
    /// then.
    pub fn spawn(self) -> io::Result<WorkerProcess> {
        let mut paths = Strings::default();
        paths.push(&["/proc/self/exe".as_ref()])?;
        if let Some(directory) = &self.current_dir {
            paths.push(&[directory.as_os_str()])?;
        }
        let mut args = Strings::default();
        for argument in std::iter::once(&self.arg0).chain(&self.args) {
            args.push(&[argument])?;
        }
        let (stdout, out) = self.stdout.open()?;
        let (stderr, err) = self.stderr.open()?;
        let program = Program {
            paths,
            args,
            env: environment(self.env_clear, self.env)?,
            streams: [Some(out_of_the_way(self.stdin)?), out, err],
        };
        Ok(WorkerProcess::new(Birth::give(program)?, stdout, stderr))
    }
}

impl OutputTo {
    /// The parent's end, and the worker's.
    fn open(self) -> io::Result<(Option<OwnedFd>, Option<OwnedFd>)> {
        let worker = match self {
            OutputTo::Inherited => return Ok((None, None)),
            OutputTo::Null => {
                rustix::fs::open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?
            }
            OutputTo::Piped => {
                let (parent, worker) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
                rustix::io::ioctl_fionbio(&parent, true)?;
                return Ok((Some(parent), Some(out_of_the_way(worker)?)));
            }
            OutputTo::File(file) => file,
        };
        Ok((None, Some(out_of_the_way(worker)?)))
    }
}

/// A descriptor that is none of the three that it is to replace one of: in a parent without standard
/// streams it may be.
fn out_of_the_way(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    match descriptor.as_raw_fd() > 2 {
        true => Ok(descriptor),
        false => duplicate_high(descriptor.as_fd()),
    }
}

fn environment(is_empty: bool, changes: Vec<(OsString, Option<OsString>)>) -> io::Result<Strings> {
    let mut variables: Vec<(OsString, OsString)> = match is_empty {
        true => Vec::new(),
        false => std::env::vars_os().collect(),
    };
    for (name, value) in changes {
        variables.retain(|(other, _)| *other != name);
        variables.extend(value.map(|value| (name, value)));
    }
    let mut env = Strings::default();
    for (name, value) in &variables {
        env.push(&[name, OsStr::new("="), value])?;
    }
    Ok(env)
}
