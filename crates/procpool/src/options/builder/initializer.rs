//! The functions that a worker runs before its first task.

use std::fmt;
use std::marker::PhantomData;

use procpool_worker::{BroadcastCall, InitializerCall, TryBroadcastCall, TryInitializerCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Builder;
use crate::error::EncodeError;
use crate::task::call::EncodedCall;

impl<S> Builder<S> {
    /// Creates a state in each worker by `function(arg)`, before the worker's first task. Tasks access
    /// it through [`run_with_state`](crate::ProcessPool::run_with_state). A second call replaces the
    /// first initializer.
    ///
    /// The argument is encoded once, in this call, and decoded in each worker. The state never leaves
    /// its worker and may be of any type. When the worker is replaced, or the pool shuts down, the worker
    /// drops the state and has 5 seconds to do so. A worker that is killed does not drop it.
    ///
    /// If `function` panics, the worker does not start: waiting tasks give
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) with the panic as its source.
    ///
    /// This is `initializer` of Python's `ProcessPoolExecutor`. There is an example at
    /// [`run_with_state`](crate::ProcessPool::run_with_state).
    pub fn initializer<I, T>(self, function: fn(I) -> T, arg: I) -> Builder<T>
    where
        I: Serialize + DeserializeOwned + 'static,
        T: 'static,
    {
        let limit = procpool_wire::Preparation::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(I) -> T, InitializerCall, I>(function, arg, limit);
        self.with_initializer(call)
    }

    /// Creates a state in each worker as [`initializer`](Builder::initializer) does, by a function that
    /// may fail.
    ///
    /// If it returns `Err`, the worker does not start: the source of
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) has the text of the error's `Display`.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn load(path: String) -> Result<Vec<u8>, std::io::Error> {
    ///     std::fs::read(path)
    /// }
    /// let builder = procpool::ProcessPool::builder().workers(1);
    /// let pool = builder.try_initializer(load, "no/such/file".to_owned()).build()?;
    /// let size = pool.run_with_state(|data: &mut Vec<u8>, ()| data.len(), ());
    /// assert!(size.await.unwrap_err().is_worker_start());
    /// # Ok(()) }
    /// ```
    pub fn try_initializer<I, T, E>(self, function: fn(I) -> Result<T, E>, arg: I) -> Builder<T>
    where
        I: Serialize + DeserializeOwned + 'static,
        T: 'static,
        E: fmt::Display + 'static,
    {
        let limit = procpool_wire::Preparation::MAX_ARGS_LEN;
        let call =
            EncodedCall::new::<fn(I) -> Result<T, E>, TryInitializerCall, I>(function, arg, limit);
        self.with_initializer(call)
    }

    /// Runs `function(args)` once in each worker, present and future, after the initializer and before
    /// the first task. Use it for what a process does once: set up logging, size a thread pool, fill a
    /// cache.
    ///
    /// Several broadcasts run in the order of these calls. The arguments are encoded once, in this
    /// call, and decoded in each worker. The time counts towards
    /// [`startup_timeout`](Builder::startup_timeout).
    ///
    /// If `function` panics, the worker does not start: waiting tasks give
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) with the panic as its source.
    ///
    /// [`ProcessPool::broadcast`](crate::ProcessPool::broadcast) does the same in a running pool.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::OnceLock;
    ///
    /// static LANGUAGE: OnceLock<String> = OnceLock::new();
    ///
    /// fn speak(language: String) {
    ///     LANGUAGE.set(language).expect("it runs once");
    /// }
    ///
    /// let builder = procpool::ProcessPool::builder().workers(1);
    /// let pool = builder.broadcast(speak, "Frisian".to_owned()).build()?;
    /// let language = pool.run_in_process(|()| LANGUAGE.get().cloned(), ()).await?;
    /// assert_eq!(language.as_deref(), Some("Frisian"));
    /// # Ok(()) }
    /// ```
    pub fn broadcast<A>(mut self, function: fn(A), args: A) -> Self
    where
        A: Serialize + DeserializeOwned + 'static,
    {
        let limit = procpool_wire::Preparation::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(A), BroadcastCall, A>(function, args, limit);
        self.broadcasts.push(call);
        self
    }

    /// Runs a function that may fail once in each worker, as [`broadcast`](Builder::broadcast) does.
    ///
    /// If it returns `Err`, the worker does not start: the source of
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) has the text of the error's `Display`.
    pub fn try_broadcast<A, E>(mut self, function: fn(A) -> Result<(), E>, args: A) -> Self
    where
        A: Serialize + DeserializeOwned + 'static,
        E: fmt::Display + 'static,
    {
        let limit = procpool_wire::Preparation::MAX_ARGS_LEN;
        let call =
            EncodedCall::new::<fn(A) -> Result<(), E>, TryBroadcastCall, A>(function, args, limit);
        self.broadcasts.push(call);
        self
    }

    fn with_initializer<T>(self, call: Result<EncodedCall, EncodeError>) -> Builder<T> {
        Builder {
            initializer: Some(call),
            broadcasts: self.broadcasts,
            options: self.options,
            state: PhantomData,
        }
    }
}
