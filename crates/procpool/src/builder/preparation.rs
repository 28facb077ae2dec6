//! What a worker does before its first task.

use std::fmt;
use std::marker::PhantomData;

use procpool_wire::Initialize;
use procpool_worker::{InitializerCall, TryInitializerCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Builder;
use crate::call::EncodedCall;
use crate::error::EncodeError;

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

    fn with_initializer<T>(self, call: Result<EncodedCall, EncodeError>) -> Builder<T> {
        Builder {
            initializer: Some(call),
            options: self.options,
            state: PhantomData,
        }
    }
}
