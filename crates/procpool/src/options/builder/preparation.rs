//! What a worker does before its first task.

use std::fmt;
use std::marker::PhantomData;

use procpool_wire::{Broadcast, Initialize};
use procpool_worker::{BroadcastCall, InitializerCall, TryBroadcastCall, TryInitializerCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Builder;
use crate::error::EncodeError;
use crate::task::call::EncodedCall;

impl<S> Builder<S> {
    /// Makes a state in each worker, before its first task, by `function(arg)`; tasks get it by
    /// [`run_with_state`](crate::ProcessPool::run_with_state). It replaces an initializer that was set before.
    ///
    /// The argument is encoded here, once, and decoded in each worker. The state itself never leaves
    /// its worker, and may be of any type. It is dropped when the worker stops at the pool's shutdown,
    /// or is replaced, for which it has 5 seconds; not when the worker is killed.
    ///
    /// A panic fails the worker's start: tasks that wait get
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) with the panic as its source.
    pub fn initializer<I, T>(self, function: fn(I) -> T, arg: I) -> Builder<T>
    where
        I: Serialize + DeserializeOwned + 'static,
        T: 'static,
    {
        let limit = Initialize::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(I) -> T, InitializerCall, I>(function, arg, limit);
        self.with_initializer(call)
    }

    /// As [`initializer`](Builder::initializer), for a function that may fail: an `Err` fails the
    /// worker's start, and is in the source of
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) as the text that its `Display` gives.
    pub fn try_initializer<I, T, E>(self, function: fn(I) -> Result<T, E>, arg: I) -> Builder<T>
    where
        I: Serialize + DeserializeOwned + 'static,
        T: 'static,
        E: fmt::Display + 'static,
    {
        let limit = Initialize::MAX_ARGS_LEN;
        let call =
            EncodedCall::new::<fn(I) -> Result<T, E>, TryInitializerCall, I>(function, arg, limit);
        self.with_initializer(call)
    }

    /// Runs `function(args)` once in each worker, after the initializer and before its first task: in
    /// those that the pool starts with, and in each that comes later. For what a process does once,
    /// and that is no state to be lent to tasks: logging, a thread pool's size, a cache to be filled.
    ///
    /// Several run in the order in which they are given here. The arguments are encoded here, once,
    /// and decoded in each worker. It counts as a part of the worker's start, for
    /// [`startup_timeout`](Builder::startup_timeout) too.
    ///
    /// A panic fails the worker's start: tasks that wait get
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) with the panic as its source.
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
        let limit = Broadcast::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(A), BroadcastCall, A>(function, args, limit);
        self.broadcasts.push(call);
        self
    }

    /// As [`broadcast`](Builder::broadcast), for a function that may fail: an `Err` fails the worker's
    /// start, and is in the source of [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) as the
    /// text that its `Display` gives.
    pub fn try_broadcast<A, E>(mut self, function: fn(A) -> Result<(), E>, args: A) -> Self
    where
        A: Serialize + DeserializeOwned + 'static,
        E: fmt::Display + 'static,
    {
        let limit = Broadcast::MAX_ARGS_LEN;
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
