//! The environment of the workers: name, variables, directory and output.

use std::ffi::OsStr;
use std::path::Path;

use super::Builder;
use crate::options::worker_output::WorkerOutput;

impl<S> Builder<S> {
    /// Names the pool in logs and in the workers' arguments, which `ps` shows. The default is
    /// `procpool`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Sets an environment variable of the workers. They inherit the others from this process.
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
        self.options.process_env.env.push(variable);
        self
    }

    /// Removes a variable from the workers' environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.options
            .process_env
            .env
            .push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts the workers with an empty environment, except for variables set by later calls of
    /// [`env`](Builder::env). By default they inherit the environment of this process.
    pub fn env_clear(mut self) -> Self {
        self.options.process_env.env_clear = true;
        self.options.process_env.env.clear();
        self
    }

    /// Starts the workers in this directory. By default they start in the directory that is current in this
    /// process at that moment.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.options.process_env.current_dir = Some(directory.as_ref().to_owned());
        self
    }

    /// Sets the destination of the workers' standard output. The default is
    /// [`Inherit`](WorkerOutput::Inherit): they write to that of this process.
    pub fn stdout(mut self, output: WorkerOutput) -> Self {
        self.options.process_env.stdout = output;
        self
    }

    /// Sets the destination of the workers' standard error. The default is
    /// [`Forward`](WorkerOutput::Forward): the pool forwards it to that of this process and keeps its
    /// end for [`WorkerExit::stderr_tail`](crate::WorkerExit::stderr_tail).
    ///
    /// There is an example at [`WorkerOutput`].
    pub fn stderr(mut self, output: WorkerOutput) -> Self {
        self.options.process_env.stderr = output;
        self
    }
}
