//! Options for a new pool.

mod limits;
mod pool_options;
mod preparation;
mod process_env;
mod size;
mod turnover;

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

/// Options for a new pool; made by [`ProcessPool::builder`]. Every default suits a server.
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

// Here and not with the pool's other methods, so that a pool needs to know nothing of its builder.
impl ProcessPool {
    /// A pool with as many workers as this process may use CPUs
    /// ([`available_parallelism`](std::thread::available_parallelism), which honours cgroups and
    /// affinity), and the defaults of [`Builder`] otherwise.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Options for a new pool.
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
    /// Builds the pool on the tokio runtime around, and starts its workers.
    ///
    /// It doesn't wait for them: tasks may be submitted at once. Trouble in starting workers is told
    /// to the tasks that wait for them, as
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart).
    ///
    /// # Errors
    /// [`BuildError`], if this process never called [`init`](crate::init), an option has a value
    /// that can't be, there is no runtime with I/O around, or the system is short of descriptors.
    pub fn build(self) -> Result<ProcessPool<S>, BuildError> {
        if !procpool_worker::is_initialized() {
            return Err(BuildError::NotInitialized);
        }
        Image::current().map_err(BuildError::Image)?;
        let config = PoolConfig {
            scheduler: self.options.config()?,
            name: self.options.name,
            env: self.options.env,
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
        // The only way that tokio has to say that a runtime has no I/O driver is a panic.
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
