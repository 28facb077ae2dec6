//! What surrounds the workers: their name, environment, directory, and where their output goes.

use std::ffi::OsStr;
use std::path::Path;

use super::Builder;
use crate::options::worker_output::WorkerOutput;

impl<S> Builder<S> {
    /// The pool's name, in logs and in the workers' arguments, where `ps` shows it. The default is
    /// "procpool".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Sets a variable of the workers' environment, in addition to this process's own.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).env("OMP_NUM_THREADS", "1").build()?;
    /// let threads = pool.run_in_process(|()| std::env::var("OMP_NUM_THREADS").ok(), ()).await?;
    /// assert_eq!(threads.as_deref(), Some("1"));
    /// # Ok(()) }
    /// ```
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let variable = (name.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self.options.env.env.push(variable);
        self
    }

    /// Removes a variable from the workers' environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.options.env.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts the workers with an empty environment, but for what [`env`](Builder::env) sets. By
    /// default they have this process's own.
    pub fn env_clear(mut self) -> Self {
        self.options.env.env_clear = true;
        self.options.env.env.clear();
        self
    }

    /// Starts the workers in this directory. By default it is that of this process when they start.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.options.env.current_dir = Some(directory.as_ref().to_owned());
        self
    }

    /// Where the workers' standard output goes. The default is
    /// [`Inherit`](WorkerOutput::Inherit): it is this process's own.
    pub fn stdout(mut self, output: WorkerOutput) -> Self {
        self.options.env.stdout = output;
        self
    }

    /// Where the workers' standard error goes. The default is [`Forward`](WorkerOutput::Forward): to
    /// this process's own, with its end kept for
    /// [`WorkerExit::stderr_tail`](crate::WorkerExit::stderr_tail).
    pub fn stderr(mut self, output: WorkerOutput) -> Self {
        self.options.env.stderr = output;
        self
    }
}
