//! Staying awake: the worker looks for its next task for a while before it sleeps.

mod spinner;

pub(crate) use spinner::{Spinner, spin, until_copied};
