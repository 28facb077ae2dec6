//! A function whose result is iterated: its items are made one by one, as they are wanted.

use std::any::Any;
use std::io;

use procpool_os::Trampoline;
use procpool_wire::items::take_item;
use procpool_wire::{Outcome, value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item_maker::ItemMaker;
use super::run::ItemRun;
use crate::channel::Inbox;
use crate::{panic, worker};

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
        if let Some(run) = context.downcast_mut::<ItemRun>() {
            run.begin_stream(function);
        }
    }
}

impl ItemRun {
    /// Calls the function, as a part of the first item.
    fn begin_stream<A, I>(&mut self, function: fn(A) -> I)
    where
        A: DeserializeOwned + 'static,
        I: IntoIterator + 'static,
        I::Item: Serialize,
    {
        self.has_run = true;
        if !self.claims.claim() {
            return;
        }
        let caught = panic::catch(|| {
            let args = take_item(&mut &self.items[..]).unwrap_or_default();
            let args = value::decode::<A>(args)
                .map_err(|error| Outcome::ArgsRefused(error.to_string()))?;
            Ok(ItemMaker::new(function(args)))
        });
        match caught.unwrap_or_else(|report| Err(Outcome::Panicked(report))) {
            Ok(maker) => self.maker = Some(maker),
            Err(outcome) => self.note_failure(&outcome),
        }
    }

    /// If the function was that of a stream, makes its items until there are no more, or the parent wants no more.
    pub(crate) fn run_stream(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        let Some(mut maker) = self.maker.take() else {
            return Ok(());
        };
        self.make_all(&mut maker, inbox)?;
        // An iterator's own `drop` may panic, and the worker outlives that.
        let _ = panic::catch(|| drop(maker));
        Ok(())
    }

    /// The next item is claimed before each round.
    fn make_all(&mut self, maker: &mut ItemMaker, inbox: &mut Inbox) -> io::Result<()> {
        loop {
            let buffer = &mut self.result;
            let made = panic::catch(|| maker.make_next(buffer));
            match made.unwrap_or_else(|report| Err(Outcome::Panicked(report))) {
                Ok(Some(item)) => self.tell(item)?,
                Ok(None) => return Ok(()),
                Err(outcome) => return self.fail(&outcome),
            }
            while !self.claims.claim() {
                // The consumer may be waiting for the items that have been made.
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
