//! A run of several items: decode, run and encode one after another, and tell of each by itself.

use std::any::Any;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use procpool_os::{ItemClaims, Trampoline};
use procpool_wire::items::take_item;
use procpool_wire::{Event, Outcome, Payload, Plain, RunItems, frame, value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{Call, End};
use crate::channel::FlushTimer;
use crate::channel::Outbox;
use crate::{panic, worker};

/// A result's buffer that grew past this is given back after the item: 64 KiB.
const KEPT_CAPACITY: usize = 64 * 1024;

/// The items that are still to be run, and where what comes of them goes.
#[derive(Debug)]
pub(crate) struct ItemRun {
    pub(crate) claims: ItemClaims<'static>,
    clocked: bool,
    /// Of what type the items are, if they are bare numbers.
    column: Option<Plain>,
    pub(crate) items: Bytes,
    /// Where the next one begins.
    next: usize,
    pub(crate) outbox: Outbox,
    /// The encoded result of the item that runs.
    pub(crate) result: Vec<u8>,
    flush_timer: FlushTimer,
    /// Why nothing more can be told to the parent.
    broken: Option<io::Error>,
}

/// The [`Trampoline`] of a plain `fn(A) -> R` that is run on several items.
#[derive(Debug)]
pub enum PlainItems {}

/// The [`Trampoline`] of a `fn(&mut S, A) -> R` that is run on several items, with the worker's state.
#[derive(Debug)]
pub enum StatefulItems {}

impl<A, R> Trampoline<fn(A) -> R> for PlainItems
where
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    fn call(function: fn(A) -> R, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<Call>() {
            call.run_items(|args, _| Ok(function(args)));
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
        if let Some(call) = context.downcast_mut::<Call>() {
            call.run_items(|args, state| match state.downcast_mut() {
                Some(state) => Ok(function(state, args)),
                None => Err(Outcome::NoSuchFunction(
                    "it takes another state than this worker has".to_owned(),
                )),
            });
        }
    }
}

impl Call {
    /// Makes ready for several items, and says so to the parent.
    pub(crate) fn begin_items(
        &mut self,
        run: &RunItems,
        started: Duration,
        outbox: &Outbox,
    ) -> io::Result<()> {
        self.begin(Payload::default());
        let Some(claims) = worker::items_of(run.dispatch_id) else {
            return Err(invalid("the parent names a slot that is not there"));
        };
        let mut frame = Vec::new();
        Event::encode_items_began(run.dispatch_id, &mut frame);
        outbox.push_frame(&frame)?;
        self.items = Some(ItemRun {
            claims,
            clocked: run.clocked,
            column: run.column,
            items: run.items.clone().into_whole(),
            next: 0,
            outbox: outbox.clone(),
            result: frame,
            flush_timer: FlushTimer::new(started),
            broken: None,
        });
        Ok(())
    }

    /// All items that could be claimed have been run.
    ///
    /// # Errors
    /// What came of them could not be told to the parent.
    pub(crate) fn end_items(&mut self) -> io::Result<()> {
        match self.items.take().and_then(|run| run.broken) {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    fn run_items<A, R>(&mut self, mut function: impl FnMut(A, &mut dyn Any) -> Result<R, Outcome>)
    where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        let Some(run) = &mut self.items else {
            return;
        };
        let state = &mut *self.state;
        loop {
            // Caught once for all items that don't panic.
            let caught = panic::catch(|| run.all(|args| function(args, state)));
            let told = match caught {
                Ok(done) => done,
                Err(report) => run.fail(&Outcome::Panicked(report)).map(|()| false),
            };
            match told {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    run.broken = Some(error);
                    break;
                }
            }
        }
        self.end = Some(End::Returned);
    }
}

impl ItemRun {
    /// Runs all items that can be claimed. True when none is left; it may also unwind out of one of
    /// them, and be called again for those after it.
    fn all<A, R>(&mut self, mut function: impl FnMut(A) -> Result<R, Outcome>) -> io::Result<bool>
    where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        while self.claims.claim() {
            if self.clocked {
                worker::restart_clock();
            }
            match self.one(&mut function)? {
                Ok(made) => self.tell(made)?,
                Err(outcome) => self.fail(&outcome)?,
            }
            if self.result.capacity() > KEPT_CAPACITY {
                self.result = Vec::new();
            }
        }
        Ok(true)
    }

    /// Runs the next item, and says where its result is. All that is the user's is dropped when this
    /// returns, so that whatever panics does so before anything is told of the item.
    fn one<A, R>(
        &mut self,
        function: impl FnOnce(A) -> Result<R, Outcome>,
    ) -> io::Result<Result<Made, Outcome>>
    where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        let args = match self.next_args()? {
            Ok(args) => args,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let returned = match function(args) {
            Ok(returned) => returned,
            Err(outcome) => return Ok(Err(outcome)),
        };
        Ok(encode_item(&returned, &mut self.result))
    }

    /// Takes the arguments of the next item. That one is over then, whatever it does.
    #[inline]
    fn next_args<A: DeserializeOwned + 'static>(&mut self) -> io::Result<Result<A, Outcome>> {
        let mut rest = self.items.get(self.next..).ok_or_else(too_few)?;
        let Some(column) = self.column else {
            let item = take_item(&mut rest).ok_or_else(too_few)?;
            self.next = self.items.len() - rest.len();
            let args = value::decode(item);
            return Ok(args.map_err(|error| Outcome::ArgsRefused(error.to_string())));
        };
        // The same executable has sent them.
        let kind = Plain::of::<A>().filter(|&kind| kind == column);
        let kind = kind.ok_or_else(|| invalid("the parent sent items of another type"))?;
        let bits = kind.read(rest).ok_or_else(too_few)?;
        self.next += kind.width();
        let args = kind.value(bits);
        Ok(args.ok_or_else(|| Outcome::ArgsRefused("they are no value of their type".to_owned())))
    }

    /// Tells what an item has returned.
    #[inline]
    pub(crate) fn tell(&mut self, made: Made) -> io::Result<()> {
        match made {
            Made::Plain(kind, bits) => self.outbox.push_plain_item(kind, bits)?,
            Made::Encoded => self.outbox.push_item(&self.result)?,
        }
        self.flush_in_time()
    }

    /// As [`fail`](ItemRun::fail); a failure to tell is told at the end.
    pub(crate) fn note(&mut self, outcome: &Outcome) {
        if let Err(error) = self.fail(outcome) {
            self.broken = Some(error);
        }
    }

    pub(crate) fn fail(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.result.clear();
        Event::encode_item_failed(outcome, &mut self.result).map_err(io::Error::other)?;
        self.outbox.push_frame(&self.result)?;
        self.flush_in_time()
    }

    /// No result is held back for long while others are added to it.
    #[inline]
    pub(crate) fn flush_in_time(&mut self) -> io::Result<()> {
        match self.flush_timer.is_due() {
            true => self.outbox.flush(),
            false => Ok(()),
        }
    }
}

/// What an item has returned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Made {
    /// This number.
    Plain(Plain, u64),
    /// What is in the buffer.
    Encoded,
}

/// Encodes a result, which a frame is to have room for.
#[inline]
pub(crate) fn encode_item<R: Serialize + 'static>(
    result: &R,
    out: &mut Vec<u8>,
) -> Result<Made, Outcome> {
    if let Some(kind) = Plain::of::<R>() {
        return Ok(Made::Plain(kind, Plain::bits(result)));
    }
    out.clear();
    match value::encode(result, out) {
        Ok(()) if out.len() <= frame::MAX_BODY_LEN => Ok(Made::Encoded),
        Ok(()) => Err(Outcome::ResultRefused(format!(
            "it takes {} bytes, the limit is {}",
            out.len(),
            frame::MAX_BODY_LEN
        ))),
        Err(error) => Err(Outcome::ResultRefused(error.to_string())),
    }
}

#[cold]
fn too_few() -> io::Error {
    invalid("the parent sent fewer items than it offered")
}

#[cold]
fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
