//! A run whose function returns an iterator: its items are made one by one, as they are wanted.

use std::any::Any;
use std::fmt;
use std::io;

use procpool_os::Trampoline;
use procpool_wire::items::take_item;
use procpool_wire::{Outcome, value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run::{ItemRun, Made, encode_item};
use crate::call::{Call, End};
use crate::channel::Inbox;
use crate::{panic, worker};

/// Makes and encodes the next item; `None` if there is none.
pub(crate) struct Maker(Box<Make>);

type Make = dyn FnMut(&mut Vec<u8>) -> Result<Option<Made>, Outcome>;

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maker").finish_non_exhaustive()
    }
}

/// The [`Trampoline`] of a `fn(A) -> I` whose result is iterated.
#[derive(Debug)]
pub enum StreamCall {}

impl<A, I> Trampoline<fn(A) -> I> for StreamCall
where
    A: DeserializeOwned + 'static,
    I: IntoIterator + 'static,
    I::Item: Serialize,
{
    fn call(function: fn(A) -> I, context: &mut dyn Any) {
        if let Some(call) = context.downcast_mut::<Call>() {
            call.begin_stream(function);
        }
    }
}

impl Call {
    /// Calls the function, as a part of the first item.
    fn begin_stream<A, I>(&mut self, function: fn(A) -> I)
    where
        A: DeserializeOwned + 'static,
        I: IntoIterator + 'static,
        I::Item: Serialize,
    {
        self.end = Some(End::Returned);
        let Some(run) = &mut self.items else {
            return;
        };
        if !run.claims.claim() {
            return;
        }
        let caught = panic::catch(|| {
            let args = take_item(&mut &run.items[..]).unwrap_or_default();
            let args = value::decode::<A>(args)
                .map_err(|error| Outcome::ArgsRefused(error.to_string()))?;
            let mut items = function(args).into_iter();
            Ok(Maker(Box::new(move |result| match items.next() {
                Some(item) => encode_item(&item, result).map(Some),
                None => Ok(None),
            })))
        });
        match caught.unwrap_or_else(|report| Err(Outcome::Panicked(report))) {
            Ok(maker) => self.stream = Some(maker),
            Err(outcome) => run.note(&outcome),
        }
    }

    /// Makes items until there are no more, or nobody wants any.
    pub(crate) fn run_stream(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        let Some(mut maker) = self.stream.take() else {
            return Ok(());
        };
        if let Some(run) = &mut self.items {
            run.make_all(&mut maker, inbox)?;
        }
        // An iterator's own `drop` may panic, and the worker outlives that.
        let _ = panic::catch(|| drop(maker));
        Ok(())
    }
}

impl ItemRun {
    /// The next item is claimed whenever this makes one.
    fn make_all(&mut self, Maker(make): &mut Maker, inbox: &mut Inbox) -> io::Result<()> {
        loop {
            let result = &mut self.result;
            let made = panic::catch(|| make(result));
            match made.unwrap_or_else(|report| Err(Outcome::Panicked(report))) {
                Ok(Some(item)) => self.tell(item)?,
                Ok(None) => return Ok(()),
                Err(outcome) => return self.fail(&outcome),
            }
            while !self.claims.claim() {
                // What was made is not to wait for somebody who waits for it.
                self.outbox.flush()?;
                if worker::is_cancelled() || !inbox.wait_to_resume()? {
                    return Ok(());
                }
            }
            if worker::is_cancelled() {
                return Ok(());
            }
        }
    }
}
