//! One call: decode the arguments, run the function, encode the result or keep it as the state.

use std::any::Any;
use std::fmt::Display;

use procpool_os::{Trampoline, memory};
use procpool_wire::{Encoding, Finished, Outcome, PanicReport, Payload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::items::ItemRun;
use crate::items::Maker;
use crate::panic;

/// What goes into a call and what comes out of it, whatever the types of the function are.
#[derive(Debug)]
pub(crate) struct Call {
    args: Payload,
    /// One that is large, or has something beside it.
    result: Payload,
    /// One that is neither, where it was encoded.
    small: Encoding,
    pub(crate) end: Option<End>,
    /// The run of several items that this is the call for, if it is.
    pub(crate) items: Option<ItemRun>,
    /// What makes the items of that run one by one, if they are not there beforehand.
    pub(crate) stream: Option<Maker>,
    /// What the initializer made, for all later calls.
    pub(crate) state: Box<dyn Any>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Its result is [small](CallResult::Small).
    Small,
    Returned,
    Otherwise(Outcome),
}

/// What a function has returned, encoded.
#[derive(Debug)]
pub(crate) enum CallResult<'a> {
    Small(&'a [u8]),
    Payload(&'a Payload),
}

impl CallResult<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            CallResult::Small(bytes) => bytes.len(),
            CallResult::Payload(payload) => payload.len(),
        }
    }
}

/// Why what was to prepare the worker for its tasks has not.
#[derive(Debug)]
pub(crate) enum Unprepared {
    Failed(String),
    Panicked(PanicReport),
}

/// The [`Trampoline`] of a plain `fn(A) -> R`: its monomorphic copies are what a task's entry offset
/// points to.
#[derive(Debug)]
pub enum PlainCall {}

/// The [`Trampoline`] of a `fn(&mut S, A) -> R`, which is given the worker's state.
#[derive(Debug)]
pub enum StatefulCall {}

/// The [`Trampoline`] of an initializer `fn(I) -> S`.
#[derive(Debug)]
pub enum InitializerCall {}

/// The [`Trampoline`] of an initializer `fn(I) -> Result<S, E>`.
#[derive(Debug)]
pub enum TryInitializerCall {}

impl<A, R> Trampoline<fn(A) -> R> for PlainCall
where
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call(function: fn(A) -> R, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<Call>() {
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
        if let Some(call) = context.downcast_mut::<Call>() {
            call.run(|args, state| match state.downcast_mut() {
                Some(state) => Ok(function(state, args)),
                None => Err(Outcome::NoSuchFunction(
                    "it takes another state than this worker has".to_owned(),
                )),
            });
        }
    }
}

impl<I, S> Trampoline<fn(I) -> S> for InitializerCall
where
    I: DeserializeOwned + 'static,
    S: 'static,
{
    fn call(function: fn(I) -> S, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<Call>() {
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
        if let Some(call) = context.downcast_mut::<Call>() {
            call.initialize(|args| function(args).map_err(|error| error.to_string()));
        }
    }
}

impl Default for Call {
    fn default() -> Self {
        Call {
            args: Payload::default(),
            result: Payload::default(),
            small: Encoding::new(),
            end: None,
            items: None,
            stream: None,
            state: Box::new(()),
        }
    }
}

impl Call {
    /// Makes ready for a task.
    pub(crate) fn begin(&mut self, args: Payload) {
        self.args = args;
        self.begin_with_args();
    }

    /// Where the arguments of the next task are to be.
    pub(crate) fn args_mut(&mut self) -> &mut Payload {
        &mut self.args
    }

    /// As [`begin`](Call::begin), of a task whose arguments [are there](Call::args_mut).
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
            Some(End::Otherwise(_)) | None => None,
        }
    }

    /// Drops the result, which has been sent.
    #[inline]
    pub(crate) fn drop_result(&mut self) {
        self.result.clear();
    }

    /// What came of a call that has no [`result`](Call::result).
    pub(crate) fn take_failure(&mut self) -> Outcome {
        match self.end.take() {
            Some(End::Otherwise(outcome)) => outcome,
            Some(End::Small | End::Returned) | None => {
                Outcome::NoSuchFunction("the entry does not belong to this protocol".to_owned())
            }
        }
    }

    /// The offsets named no function.
    pub(crate) fn refuse(&mut self, why: String) {
        self.end = Some(End::Otherwise(Outcome::NoSuchFunction(why)));
    }

    /// Whether what was just called has prepared the worker as it was to.
    pub(crate) fn prepared(&mut self) -> Result<(), Unprepared> {
        match self.end.take() {
            Some(End::Small | End::Returned) => Ok(()),
            Some(End::Otherwise(Outcome::Panicked(report))) => Err(Unprepared::Panicked(report)),
            Some(End::Otherwise(
                Outcome::ArgsRefused(why)
                | Outcome::ResultRefused(why)
                | Outcome::NoSuchFunction(why),
            )) => Err(Unprepared::Failed(why)),
            Some(End::Otherwise(Outcome::Returned(_))) | None => Err(Unprepared::Failed(
                "the entry does not belong to this protocol".to_owned(),
            )),
        }
    }

    /// Drops the state, at the worker's clean end. A panic of its `drop` changes nothing any more.
    pub(crate) fn drop_state(&mut self) {
        let state = std::mem::replace(&mut self.state, Box::new(()));
        let _ = panic::catch(|| drop(state));
    }

    fn initialize<I, S>(&mut self, function: impl FnOnce(I) -> Result<S, String>)
    where
        I: DeserializeOwned + 'static,
        S: 'static,
    {
        self.prepare(function, |call, state| call.state = Box::new(state));
    }

    /// Runs a broadcast, of which nothing is kept.
    pub(crate) fn broadcast<A>(&mut self, function: impl FnOnce(A) -> Result<(), String>)
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
            Ok(Err(why)) => End::Otherwise(Outcome::ArgsRefused(why)),
            Err(report) => End::Otherwise(Outcome::Panicked(report)),
        });
    }

    fn run<A, R>(&mut self, function: impl FnOnce(A, &mut dyn Any) -> Result<R, Outcome>)
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
            Ok(Err(outcome)) => End::Otherwise(outcome),
            Err(report) => {
                self.args = Payload::default();
                End::Otherwise(Outcome::Panicked(report))
            }
        });
    }
}

/// Encodes what a function has returned: to one of the two, as the end says.
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
