//! The messages of a parent to its worker.

use crate::fields::Fields;
use crate::frame::{Frame, FrameError};
use crate::head::{HEADER, Head};
use crate::items::RunItems;
use crate::kind::{BROADCAST, INITIALIZE, RESUME, RUN, RUN_ITEMS, SEGMENTS_DOWN, START, STOP};
use crate::segments::Segments;
use crate::{FrameBuffer, MessageError, Payload, Preparation, Run, Start, StreamError};

/// A message from the parent to the worker.
#[derive(Debug, Clone)]
pub enum Command {
    /// The first message: the parent's version and build, and how the worker sets itself up.
    Start(Start),
    /// Make the worker's state. It follows a start whose setup announces it.
    Initialize(Preparation),
    /// Run a function that every worker runs once. As many as the setup announces follow the start and the
    /// initializer, before the worker is ready.
    Broadcast(Preparation),
    /// Run a task, if its dispatch can still be claimed.
    Run(Run),
    /// Run a function on several items, each of them if it can still be claimed.
    RunItems(RunItems),
    /// Look at the control page again: more items of the running stream are wanted, or none any more.
    Resume,
    /// About shared memory: the attachments of the next command's arguments.
    Segments(Segments),
    /// Finish: drop the state and exit with code 0. Nothing follows.
    Stop,
}

impl Command {
    /// Reads the message in a frame.
    ///
    /// # Errors
    /// [`MessageError`] if the body isn't what the kind announces.
    pub fn decode(frame: Frame) -> Result<Self, MessageError> {
        let kind = frame.kind;
        let fields = Fields::of(frame);
        match kind {
            START => Start::decode(fields).map(Command::Start),
            INITIALIZE => Preparation::decode(fields).map(Command::Initialize),
            BROADCAST => Preparation::decode(fields).map(Command::Broadcast),
            RUN => Run::decode(fields).map(Command::Run),
            RUN_ITEMS => RunItems::decode(fields).map(Command::RunItems),
            RESUME => fields.end().map(|()| Command::Resume),
            SEGMENTS_DOWN => Segments::decode(fields).map(Command::Segments),
            STOP => fields.end().map(|()| Command::Stop),
            kind => Err(MessageError::UnknownKind(kind)),
        }
    }

    /// Takes the next message, or `None` while it is not whole.
    ///
    /// # Errors
    /// What is wrong with the bytes. The stream is of no further use then.
    pub fn take(buffer: &mut FrameBuffer) -> Result<Option<Self>, StreamError> {
        let small = Run::take_small(buffer, |run| run.with_args(Payload::from(run.args)));
        if let Some(run) = small {
            return Ok(Some(Command::Run(run)));
        }
        match buffer.next_frame()? {
            Some(frame) => Ok(Some(Command::decode(frame)?)),
            None => Ok(None),
        }
    }

    /// Appends a [`Command::Start`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the setup is beyond what a frame may hold.
    pub fn encode_start(start: &Start, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let body = &start.encode()[..];
        Head::new(START, [HEADER], body)?.put_with(body, out);
        Ok(())
    }

    /// Appends a [`Command::Resume`].
    pub fn encode_resume(out: &mut Vec<u8>) {
        Head::alone(RESUME, [HEADER]).put(out);
    }

    /// Appends a [`Command::Stop`].
    pub fn encode_stop(out: &mut Vec<u8>) {
        Head::alone(STOP, [HEADER]).put(out);
    }
}
