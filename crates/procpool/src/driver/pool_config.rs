//! The options of a pool that the driver needs.

use std::time::Duration;

use procpool_scheduler::Config;

use crate::driver::process::process_env::ProcessEnv;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::task::call::EncodedCall;

/// The options of a pool, checked.
#[derive(Debug)]
pub(crate) struct PoolConfig {
    pub(crate) name: String,
    pub(crate) env: ProcessEnv,
    pub(crate) limits: WorkerLimits,
    /// How long a worker may spin for its next task before it sleeps.
    pub(crate) spin: Duration,
    pub(crate) initializer: Option<EncodedCall>,
    /// The calls that every worker runs after the initializer, in order.
    pub(crate) broadcasts: Vec<EncodedCall>,
    pub(crate) scheduler: Config,
}
