//! The environment of a pool's workers.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::options::worker_output::WorkerOutput;

/// The environment of workers, their directory, and where their output goes.
#[derive(Debug)]
pub(crate) struct ProcessEnv {
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) env_clear: bool,
    pub(crate) current_dir: Option<PathBuf>,
    pub(crate) stdout: WorkerOutput,
    pub(crate) stderr: WorkerOutput,
}
