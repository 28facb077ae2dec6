//! The context of one call: the arguments before it, the result after it, and the worker's state.

use std::any::Any;

use procpool_os::memory;
use procpool_wire::{Encoding, Finished, Outcome, PanicReport, Payload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::panic;

/// The input and the output of a call, without the types of its function.
#[derive(Debug)]
pub(crate) struct CallContext {
    args: Payload,
    /// A result that is large or has attachments.
    result: Payload,
    /// Any other result, where it was encoded.
    small: Encoding,
    end: Option<End>,
    /// The initializer's result, for all later calls.
    state: Box<dyn Any>,
}

/// How a call ended.
#[derive(Debug)]
enum End {
    /// The result is in [`CallContext::small`].
    Small,
    /// The result is in [`CallContext::result`].
    Returned,
    /// There is no result.
    Failed(Outcome),
}

/// The encoded result of a call.
#[derive(Debug)]
pub(crate) enum CallResult<'a> {
    Small(&'a [u8]),
    Payload(&'a Payload),
}

/// Why an initializer or a broadcast has not prepared the worker for its tasks.
#[derive(Debug)]
pub(crate) enum Unprepared {
    Failed(String),
    Panicked(PanicReport),
}

impl Default for CallContext {
    fn default() -> Self {
        CallContext {
            args: Payload::default(),
            result: Payload::default(),
            small: Encoding::new(),
            end: None,
            state: Box::new(()),
        }
    }
}

impl CallContext {
    /// Prepares for a call with these arguments.
    pub(crate) fn begin(&mut self, args: Payload) {
        self.args = args;
        self.begin_with_args();
    }

    /// The place for the arguments of the next call.
    pub(crate) fn args_mut(&mut self) -> &mut Payload {
        &mut self.args
    }

    /// Prepares for a call whose arguments are [in place](CallContext::args_mut).
    #[inline]
    pub(crate) fn begin_with_args(&mut self) {
        self.result.clear();
        self.end = None;
    }

    /// The result of the last call, if the function returned one that can be sent.
    #[inline]
    pub(crate) fn result(&self) -> Option<CallResult<'_>> {
        match self.end {
            Some(End::Small) => self.small.small().map(CallResult::Small),
            Some(End::Returned) => Some(CallResult::Payload(&self.result)),
            Some(End::Failed(_)) | None => None,
        }
    }

    /// Drops the result, which has been sent.
    #[inline]
    pub(crate) fn drop_result(&mut self) {
        self.result.clear();
    }

    /// The outcome of a call that has no [`result`](CallContext::result).
    pub(crate) fn take_failure(&mut self) -> Outcome {
        match self.end.take() {
            Some(End::Failed(outcome)) => outcome,
            Some(End::Small | End::Returned) | None => wrong_entry(),
        }
    }

    /// Ends a call whose offsets named no function.
    pub(crate) fn refuse(&mut self, why: String) {
        self.end = Some(End::Failed(Outcome::NoSuchFunction(why)));
    }

    /// Whether the function that was just called has prepared the worker.
    pub(crate) fn prepared(&mut self) -> Result<(), Unprepared> {
        match self.end.take() {
            Some(End::Small | End::Returned) => Ok(()),
            Some(End::Failed(Outcome::Panicked(report))) => Err(Unprepared::Panicked(report)),
            Some(End::Failed(
                Outcome::ArgsRefused(why)
                | Outcome::ResultRefused(why)
                | Outcome::NoSuchFunction(why),
            )) => Err(Unprepared::Failed(why)),
            Some(End::Failed(Outcome::Returned(_))) | None => {
                Err(Unprepared::Failed(WRONG_ENTRY.to_owned()))
            }
        }
    }

    /// Lends the worker's state to a run of several items.
    pub(crate) fn take_state(&mut self) -> Box<dyn Any> {
        std::mem::replace(&mut self.state, Box::new(()))
    }

    /// A run of several items has ended, and gives the state back.
    pub(crate) fn end_items(&mut self, state: Box<dyn Any>, failure: Option<Outcome>) {
        self.begin(Payload::default());
        self.state = state;
        self.end = Some(failure.map_or(End::Returned, End::Failed));
    }

    /// Drops the state, at the worker's clean end. A panic of its `drop` changes nothing any more.
    pub(crate) fn drop_state(&mut self) {
        let state = self.take_state();
        let _ = panic::catch(|| drop(state));
    }

    /// Runs an initializer, and keeps its result as the worker's state.
    pub(super) fn initialize<I, S>(&mut self, function: impl FnOnce(I) -> Result<S, String>)
    where
        I: DeserializeOwned + 'static,
        S: 'static,
    {
        self.prepare(function, |call, state| call.state = Box::new(state));
    }

    /// Runs a broadcast, which has no result.
    pub(super) fn broadcast<A>(&mut self, function: impl FnOnce(A) -> Result<(), String>)
    where
        A: DeserializeOwned + 'static,
    {
        self.prepare(function, |_, ()| {});
    }

    fn prepare<I, T>(
        &mut self,
        function: impl FnOnce(I) -> Result<T, String>,
        keep: impl FnOnce(&mut Self, T),
    ) where
        I: DeserializeOwned + 'static,
    {
        let args = std::mem::take(&mut self.args);
        let caught = panic::catch(|| {
            let args = args.decode::<I>().map_err(|error| error.to_string())?;
            function(args)
        });
        self.end = Some(match caught {
            Ok(Ok(made)) => {
                keep(self, made);
                End::Returned
            }
            Ok(Err(why)) => End::Failed(Outcome::ArgsRefused(why)),
            Err(report) => End::Failed(Outcome::Panicked(report)),
        });
    }

    /// Runs a task's function.
    pub(super) fn run<A, R>(&mut self, function: impl FnOnce(A, &mut dyn Any) -> Result<R, Outcome>)
    where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        let (args, result, small) = (&mut self.args, &mut self.result, &mut self.small);
        let state = &mut *self.state;
        // All of the user's code is in here: `Deserialize`, the function, `Serialize`, and `Drop`.
        let caught = panic::catch(|| {
            let decoded = args.take::<A>();
            args.clear();
            let args = decoded.map_err(|error| Outcome::ArgsRefused(error.to_string()))?;
            encode(function(args, state)?, small, result)
        });
        self.end = Some(match caught {
            Ok(Ok(end)) => end,
            Ok(Err(outcome)) => End::Failed(outcome),
            Err(report) => {
                self.args = Payload::default();
                End::Failed(Outcome::Panicked(report))
            }
        });
    }
}

/// The entry has not called a function with the context that it was given.
const WRONG_ENTRY: &str = "the entry does not belong to this protocol";

pub(crate) fn wrong_entry() -> Outcome {
    Outcome::NoSuchFunction(WRONG_ENTRY.to_owned())
}

/// Encodes a result to one of the two places. The returned end says to which.
fn encode<R: Serialize + 'static>(
    result: R,
    small: &mut Encoding,
    payload: &mut Payload,
) -> Result<End, Outcome> {
    match Payload::of_bytes(result) {
        Ok(bytes) => *payload = bytes,
        Err(result) => {
            small.clear();
            let encoded = small.encode(&result, memory::reserve);
            encoded.map_err(|error| Outcome::ResultRefused(error.to_string()))?;
            if small.small().is_some() {
                return Ok(End::Small);
            }
            small.fill(payload);
        }
    }
    match payload.len() > Finished::MAX_RESULT_LEN {
        true => Err(Outcome::ResultRefused(format!(
            "it takes {} bytes, the limit is {}",
            payload.len(),
            Finished::MAX_RESULT_LEN
        ))),
        false => Ok(End::Returned),
    }
}
