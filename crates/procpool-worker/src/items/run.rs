//! Runs the items of one dispatch: decodes, calls and encodes one after another.

use std::any::Any;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use procpool_os::ItemClaims;
use procpool_wire::items::take_item;
use procpool_wire::{Event, Outcome, RunItems, ScalarType, value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item_maker::ItemMaker;
use super::item_result::{ItemResult, encode};
use crate::channel::{FlushTimer, Outbox};
use crate::tuning::KEPT_ITEM_CAPACITY;
use crate::{panic, worker};

/// The items of one dispatch, and the way of their results to the parent.
#[derive(Debug)]
pub(crate) struct ItemRun {
    pub(super) claims: ItemClaims<'static>,
    /// Each item has the time limit for itself.
    clocked: bool,
    /// The type of the items, if they are bare numbers.
    column: Option<ScalarType>,
    pub(super) items: Bytes,
    /// Where the next item begins.
    next: usize,
    pub(super) outbox: Outbox,
    /// The encoded result of the current item.
    pub(super) result: Vec<u8>,
    flush_timer: FlushTimer,
    /// The function of a stream has returned this.
    pub(super) maker: Option<ItemMaker>,
    /// The worker's state.
    state: Box<dyn Any>,
    /// A function has been called with this context.
    pub(super) has_run: bool,
    /// Why nothing more can be told to the parent.
    broken: Option<io::Error>,
}

impl ItemRun {
    /// Tells the parent that the items begin.
    ///
    /// # Errors
    /// The parent can't be told, or it has named a slot that does not exist.
    pub(crate) fn begin(
        run: &RunItems,
        started: Duration,
        outbox: &Outbox,
        state: Box<dyn Any>,
    ) -> io::Result<Self> {
        let Some(claims) = worker::items_of(run.dispatch_id) else {
            return Err(invalid("the parent names a slot that is not there"));
        };
        let mut frame = Vec::new();
        Event::encode_items_began(run.dispatch_id, &mut frame);
        outbox.push_frame(&frame)?;
        Ok(ItemRun {
            claims,
            clocked: run.clocked,
            column: run.column,
            items: run.items.clone().into_whole(),
            next: 0,
            outbox: outbox.clone(),
            result: frame,
            flush_timer: FlushTimer::new(started),
            maker: None,
            state,
            has_run: false,
            broken: None,
        })
    }

    /// Whether a function of this protocol was called with this context.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run
    }

    /// Ends the run, and gives the worker's state back.
    ///
    /// # Errors
    /// The results could not be told to the parent.
    pub(crate) fn end(self) -> io::Result<Box<dyn Any>> {
        match self.broken {
            None => Ok(self.state),
            Some(error) => Err(error),
        }
    }

    /// Runs the function on all items that can be claimed.
    pub(super) fn run_all<A, R>(
        &mut self,
        mut function: impl FnMut(A, &mut dyn Any) -> Result<R, Outcome>,
    ) where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        self.has_run = true;
        loop {
            // Caught once for all items that don't panic.
            let caught = panic::catch(|| self.run_until_panic(&mut function));
            let told = match caught {
                Ok(Ok(())) => return,
                Ok(Err(error)) => Err(error),
                Err(report) => self.fail(&Outcome::Panicked(report)),
            };
            if let Err(error) = told {
                self.broken = Some(error);
                return;
            }
        }
    }

    /// Runs all items that can be claimed. It may unwind out of one of them, and can then be called again for the
    /// others.
    fn run_until_panic<A, R>(
        &mut self,
        mut function: impl FnMut(A, &mut dyn Any) -> Result<R, Outcome>,
    ) -> io::Result<()>
    where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        while self.claims.claim() {
            if self.clocked {
                worker::restart_clock();
            }
            match self.run_one(&mut function)? {
                Ok(result) => self.tell(result)?,
                Err(outcome) => self.fail(&outcome)?,
            }
            if self.result.capacity() > KEPT_ITEM_CAPACITY {
                self.result = Vec::new();
            }
        }
        Ok(())
    }

    /// Runs the next item. All of the user's values are dropped when this returns, so that a panic of their `drop`
    /// comes before the item's result is told.
    fn run_one<A, R>(
        &mut self,
        function: impl FnOnce(A, &mut dyn Any) -> Result<R, Outcome>,
    ) -> io::Result<Result<ItemResult, Outcome>>
    where
        A: DeserializeOwned + 'static,
        R: Serialize + 'static,
    {
        let args = match self.next_args()? {
            Ok(args) => args,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let returned = match function(args, &mut *self.state) {
            Ok(returned) => returned,
            Err(outcome) => return Ok(Err(outcome)),
        };
        Ok(encode(&returned, &mut self.result))
    }

    /// Decodes the arguments of the next item, and goes on to the one behind it, whatever the result is.
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
        let kind = ScalarType::of::<A>().filter(|&kind| kind == column);
        let kind = kind.ok_or_else(|| invalid("the parent sent items of another type"))?;
        let bits = kind.read(rest).ok_or_else(too_few)?;
        self.next += kind.width();
        let args = kind.value(bits);
        Ok(args.ok_or_else(|| Outcome::ArgsRefused("they are no value of their type".to_owned())))
    }

    /// Tells the parent the result of an item.
    #[inline]
    pub(super) fn tell(&mut self, result: ItemResult) -> io::Result<()> {
        match result {
            ItemResult::Scalar(kind, bits) => self.outbox.push_scalar_item(kind, bits)?,
            ItemResult::Encoded => self.outbox.push_item(&self.result)?,
        }
        self.flush_in_time()
    }

    /// Tells the parent that an item has failed.
    pub(super) fn fail(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.result.clear();
        Event::encode_item_failed(outcome, &mut self.result).map_err(io::Error::other)?;
        self.outbox.push_frame(&self.result)?;
        self.flush_in_time()
    }

    /// As [`fail`](ItemRun::fail), but keeps an error for [`end`](ItemRun::end).
    pub(super) fn note_failure(&mut self, outcome: &Outcome) {
        if let Err(error) = self.fail(outcome) {
            self.broken = Some(error);
        }
    }

    /// Writes the results that have gathered, if it is time.
    #[inline]
    fn flush_in_time(&mut self) -> io::Result<()> {
        match self.flush_timer.is_due() {
            true => self.outbox.flush(),
            false => Ok(()),
        }
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
