//! Functions that make a worker's state.

use std::any::Any;
use std::fmt::Display;

use procpool_os::Trampoline;
use serde::de::DeserializeOwned;

use super::context::CallContext;

/// The [`Trampoline`] of an initializer `fn(I) -> S`.
#[derive(Debug)]
pub enum InitializerCall {}

/// The [`Trampoline`] of an initializer `fn(I) -> Result<S, E>`.
#[derive(Debug)]
pub enum TryInitializerCall {}

impl<I, S> Trampoline<fn(I) -> S> for InitializerCall
where
    I: DeserializeOwned + 'static,
    S: 'static,
{
    fn call(function: fn(I) -> S, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<CallContext>() {
            call.initialize(|args| Ok(function(args)));
        }
    }
}

impl<I, S, E> Trampoline<fn(I) -> Result<S, E>> for TryInitializerCall
where
    I: DeserializeOwned + 'static,
    S: 'static,
    E: Display + 'static,
{
    fn call(function: fn(I) -> Result<S, E>, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<CallContext>() {
            call.initialize(|args| function(args).map_err(|error| error.to_string()));
        }
    }
}
