//! How to start a worker, and the start.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::pipe::PipeFlags;

use crate::process::worker_process::WorkerProcess;

/// How to start a worker.
#[derive(Debug)]
pub struct SpawnSpec {
    /// The program's name as process listings show it.
    pub arg0: OsString,
    /// The arguments after that.
    pub args: Vec<OsString>,
    /// Changes of the environment, in order: each sets a variable to a value or removes it.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Whether the worker starts with an empty environment instead of the parent's.
    pub env_clear: bool,
    /// The worker's working directory, instead of the parent's.
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
    /// To the parent's own stream.
    Inherited,
    /// Nowhere.
    Null,
    /// To a pipe. The parent has the read end.
    Piped,
    /// To this file.
    File(OwnedFd),
}

impl From<OwnedFd> for OutputTo {
    fn from(file: OwnedFd) -> Self {
        OutputTo::File(file)
    }
}

impl SpawnSpec {
    /// Describes a worker with this standard input and with the parent's environment, directory and output.
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

    /// Starts the executable of this process as a worker that leads a process group of its own.
    ///
    /// The executable is opened as `/proc/self/exe`: the worker runs the same build, also if the file was
    /// replaced or deleted. Under Valgrind, where that is Valgrind's own executable, it is opened by its path. The call returns when the kernel has loaded the executable.
    ///
    /// The standard library spawns with `posix_spawn` here, which copies no page tables, so the time does not
    /// grow with the parent's memory. The worker inherits the calling thread's signal mask and
    /// [unblocks](crate::signals::unblock_all) all signals itself.
    ///
    /// # Errors
    ///
    /// The kernel's error if processes, descriptors or memory are short, if the directory does not exist, or if
    /// the executable can't be opened (`/proc` is not mounted).
    /// [`io::ErrorKind::InvalidInput`] for a zero byte in a name, value or path. No process is left then.
    pub fn spawn(self) -> io::Result<WorkerProcess> {
        let (stdout, out) = self.stdout.open()?;
        let (stderr, err) = self.stderr.open()?;
        let mut command = Command::new(program());
        command
            .arg0(&self.arg0)
            .args(&self.args)
            .process_group(0)
            .stdin(self.stdin)
            .stdout(out)
            .stderr(err);
        if self.env_clear {
            command.env_clear();
        }
        for (name, value) in self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = self.current_dir {
            command.current_dir(directory);
        }
        WorkerProcess::new(command.spawn()?, stdout, stderr)
    }
}

/// The path of this process's executable.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let link = Path::new(OWN_EXECUTABLE);
        match path_under_valgrind(link) {
            Ok(Some(path)) => path,
            Ok(None) | Err(_) => link.to_owned(),
        }
    })
}

const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// Where the program's executable is, if `link` leads to another file than it says.
///
/// Valgrind runs a program within a process whose executable is Valgrind's. It shows the program its own path
/// when it reads the link, and does nothing about other uses of the link.
fn path_under_valgrind(link: &Path) -> io::Result<Option<PathBuf>> {
    let path = fs::read_link(link)?;
    // Fails if the file was deleted, and the path says so.
    let (shown, real) = (fs::metadata(&path)?, fs::metadata(link)?);
    let is_same = (shown.dev(), shown.ino()) == (real.dev(), real.ino());
    Ok((!is_same).then_some(path))
}

impl OutputTo {
    /// The parent's end of the pipe, if there is one, and the worker's stream.
    fn open(self) -> io::Result<(Option<OwnedFd>, Stdio)> {
        Ok(match self {
            OutputTo::Inherited => (None, Stdio::inherit()),
            OutputTo::Null => (None, Stdio::null()),
            OutputTo::Piped => {
                let (parent, worker) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
                rustix::io::ioctl_fionbio(&parent, true)?;
                (Some(parent), worker.into())
            }
            OutputTo::File(file) => (None, file.into()),
        })
    }
}
