//! A call that has just been encoded.

use std::sync::Arc;

use procpool_os::CallOffsets;
use procpool_wire::{Limits, Payload};

use crate::driver::pool::job::{Job, Sink};
use crate::task::call::{EncodedCall, FreshArgs};
use crate::task::cell::TaskCell;

/// A call of which the arguments are still where they were encoded.
///
/// They are moved once, to where the job is to stay. On the way from hand to hand, each of which packs them anew, a
/// processor would wait time and again for what it has just written.
#[derive(Debug)]
pub(crate) struct FreshCall<'a> {
    pub(crate) offsets: CallOffsets,
    pub(crate) args: FreshArgs<'a>,
    pub(crate) limits: Limits,
    pub(crate) cell: &'a Arc<TaskCell>,
}

impl FreshCall<'_> {
    /// The job, without its arguments.
    #[inline]
    pub(crate) fn job(&self) -> Job {
        let call = EncodedCall {
            offsets: self.offsets,
            args: Payload::default(),
        };
        Job::new(call, self.limits, Sink::Cell(Arc::clone(self.cell)))
    }

    /// Gives it those.
    #[inline]
    pub(crate) fn fill(&mut self, job: &mut Job) {
        self.args.fill(&mut job.call.args);
    }
}
