//! Functions that tasks call.

use std::any::Any;

use procpool_os::Trampoline;
use procpool_wire::Outcome;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::CallContext;

/// The [`Trampoline`] of a plain `fn(A) -> R`: a task's entry offset points to one of its monomorphic copies.
#[derive(Debug)]
pub enum PlainCall {}

/// The [`Trampoline`] of a `fn(&mut S, A) -> R`, which is given the worker's state.
#[derive(Debug)]
pub enum StatefulCall {}

impl<A, R> Trampoline<fn(A) -> R> for PlainCall
where
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call(function: fn(A) -> R, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<CallContext>() {
            call.run(|args, _| Ok(function(args)));
        }
    }
}

impl<S, A, R> Trampoline<fn(&mut S, A) -> R> for StatefulCall
where
    S: 'static,
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call(function: fn(&mut S, A) -> R, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<CallContext>() {
            call.run(|args, state| with_state(function, state, args));
        }
    }
}

/// Calls a function with the worker's state, if that has the type that the function takes.
#[inline]
pub(crate) fn with_state<S: 'static, A, R>(
    function: fn(&mut S, A) -> R,
    state: &mut dyn Any,
    args: A,
) -> Result<R, Outcome> {
    match state.downcast_mut() {
        Some(state) => Ok(function(state, args)),
        None => Err(Outcome::NoSuchFunction(
            "it takes another state than this worker has".to_owned(),
        )),
    }
}
