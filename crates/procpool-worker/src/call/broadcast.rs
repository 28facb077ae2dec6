//! Functions that every worker runs once.

use std::any::Any;
use std::fmt::Display;

use procpool_os::Trampoline;
use serde::de::DeserializeOwned;

use super::context::CallContext;

/// The [`Trampoline`] of a broadcast `fn(A)`.
#[derive(Debug)]
pub enum BroadcastCall {}

/// The [`Trampoline`] of a broadcast `fn(A) -> Result<(), E>`.
#[derive(Debug)]
pub enum TryBroadcastCall {}

impl<A> Trampoline<fn(A)> for BroadcastCall
where
    A: DeserializeOwned + 'static,
{
    fn call(function: fn(A), context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<CallContext>() {
            call.broadcast(|args| {
                function(args);
                Ok(())
            });
        }
    }
}

impl<A, E> Trampoline<fn(A) -> Result<(), E>> for TryBroadcastCall
where
    A: DeserializeOwned + 'static,
    E: Display + 'static,
{
    fn call(function: fn(A) -> Result<(), E>, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<CallContext>() {
            call.broadcast(|args| function(args).map_err(|error| error.to_string()));
        }
    }
}
