//! The builder of a pool.

mod initializer;
mod lifecycle;
mod limits;
mod pool_options;
mod process_env;
mod size;

use std::fmt;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use procpool_os::Image;

use crate::driver::{self, OpenPool, PoolConfig};
use crate::error::{BuildError, EncodeError};
use crate::pool::process_pool::ProcessPool;
use crate::task::call::EncodedCall;
use pool_options::Options;

/// Builds a pool with options of its own; created by [`ProcessPool::builder`].
///
/// The defaults suit a server: as many workers as processors, an unlimited queue, no limits.
///
/// ```
/// # use std::time::Duration;
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = procpool::ProcessPool::builder()
///     .workers(2)
///     .startup_timeout(Duration::from_secs(5))
///     .name("thumbnails")
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder<S = ()> {
    options: Options,
    initializer: Option<Result<EncodedCall, EncodeError>>,
    broadcasts: Vec<Result<EncodedCall, EncodeError>>,
    state: PhantomData<fn(S)>,
}

// These methods are here, so that `process_pool` does not import its builder.
impl ProcessPool {
    /// Builds a pool with the default options of [`Builder`] on the current tokio runtime.
    ///
    /// It has as many workers as this process may use processors
    /// ([`available_parallelism`](std::thread::available_parallelism), which honours cgroups and CPU
    /// affinity).
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Returns a builder with the default options.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            options: Options::new(),
            initializer: None,
            broadcasts: Vec::new(),
            state: PhantomData,
        }
    }
}

impl<S> Builder<S> {
    /// Builds the pool on the current tokio runtime and starts its workers.
    ///
    /// It does not wait for the workers; tasks may be submitted at once. If a worker can't start,
    /// the waiting tasks give [`TaskError::WorkerStart`](crate::TaskError::WorkerStart).
    ///
    /// # Errors
    /// - [`BuildError::NotInitialized`] if this process never called [`init`](crate::init).
    /// - [`BuildError::Workers`] or [`BuildError::Option`] if an option has an impossible value.
    /// - [`BuildError::Runtime`] if this is no tokio runtime, or one without I/O.
    /// - [`BuildError::System`] if the system refused a file descriptor.
    /// - [`BuildError::Initializer`] or [`BuildError::Broadcast`] if such a call can't be encoded.
    /// - [`BuildError::Image`] if the running executable can't be read.
    pub fn build(self) -> Result<ProcessPool<S>, BuildError> {
        if !procpool_worker::is_initialized() {
            return Err(BuildError::NotInitialized);
        }
        Image::current().map_err(BuildError::Image)?;
        let config = PoolConfig {
            scheduler: self.options.config()?,
            name: self.options.name,
            env: self.options.process_env,
            limits: self.options.limits,
            spin: self.options.spin,
            initializer: self
                .initializer
                .transpose()
                .map_err(BuildError::Initializer)?,
            broadcasts: self
                .broadcasts
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(BuildError::Broadcast)?,
        };
        if let Err(error) = tokio::runtime::Handle::try_current() {
            return Err(BuildError::Runtime(error.to_string()));
        }
        // Tokio reports a runtime without an I/O driver only by a panic.
        match panic::catch_unwind(AssertUnwindSafe(|| driver::start(config))) {
            Ok(Ok(core)) => Ok(ProcessPool::from_open(Arc::new(OpenPool::new(core)))),
            Ok(Err(error)) => Err(BuildError::System(error)),
            Err(_) => Err(BuildError::Runtime(
                "call `enable_io()` or `enable_all()` on its builder".to_owned(),
            )),
        }
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
