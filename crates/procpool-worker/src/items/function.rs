//! Functions that run on several items.

use std::any::Any;

use procpool_os::Trampoline;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run::ItemRun;
use crate::call::with_state;

/// The [`Trampoline`] of a plain `fn(A) -> R` that runs on several items.
#[derive(Debug)]
pub enum PlainItems {}

/// The [`Trampoline`] of a `fn(&mut S, A) -> R` that runs on several items, with the worker's state.
#[derive(Debug)]
pub enum StatefulItems {}

impl<A, R> Trampoline<fn(A) -> R> for PlainItems
where
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call(function: fn(A) -> R, context: &mut dyn Any) {
        if let Some(run) = context.downcast_mut::<ItemRun>() {
            run.run_all(|args, _| Ok(function(args)));
        }
    }
}

impl<S, A, R> Trampoline<fn(&mut S, A) -> R> for StatefulItems
where
    S: 'static,
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call(function: fn(&mut S, A) -> R, context: &mut dyn Any) {
        if let Some(run) = context.downcast_mut::<ItemRun>() {
            run.run_all(|args, state| with_state(function, state, args));
        }
    }
}
