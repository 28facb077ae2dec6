//! What a parent says to its worker.

use bytes::BufMut;

use crate::broadcast::{BROADCAST, Broadcast};
use crate::fields::{Body, Fields};
use crate::frame::{self, Frame, FrameError};
use crate::items::{RUN_ITEMS, RunItems};
use crate::segments::{self, Segments};
use crate::{FrameBuffer, Limits, MessageError, Payload, Start, StreamError, Ticket};

const START: u8 = 1;
pub(crate) const RUN: u8 = 2;
const STOP: u8 = 3;
const INITIALIZE: u8 = 4;
const RESUME: u8 = 7;
const FLUSH: u8 = 9;

/// A message from the parent to the worker.
#[derive(Debug, Clone)]
pub enum Command {
    /// The first message of all: who the parent is, and how the worker shall be set up.
    Start(Start),
    /// Make the worker's state; comes right after a start whose setup announces it.
    Initialize(Initialize),
    /// Run a function that every worker runs once. As many as the setup announces come after the start and
    /// the initializer, before the worker is ready.
    Broadcast(Broadcast),
    /// Run a function, if its ticket can still be claimed.
    Run(Run),
    /// Run a function on some items, those of them that can still be claimed.
    RunItems(RunItems),
    /// Look at the control page again: items of the stream that runs are wanted, or none any more.
    Resume,
    /// Write the results that are held back: what comes next takes long.
    Flush,
    /// Of shared memory, for the next command with arguments.
    Segments(Segments),
    /// Finish: drop the state and exit with code 0. Nothing follows.
    Stop,
}

/// The function that makes a worker's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialize {
    /// Offset of the function that decodes, calls and keeps the state.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// The encoded arguments.
    pub args: Payload,
}

/// One task, sent to one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where on the control page the worker claims it, and by what number.
    pub ticket: Ticket,
    /// Offset of the function that decodes, calls and encodes.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// What the task may use.
    pub limits: Limits,
    /// The encoded arguments.
    pub args: Payload,
}

impl Command {
    /// Reads the message in a frame.
    ///
    /// # Errors
    /// [`MessageError`] if the body isn't what the kind announces.
    pub fn decode(frame: Frame) -> Result<Self, MessageError> {
        let kind = frame.kind;
        if kind == segments::DOWN {
            return Segments::decode(frame).map(Command::Segments);
        }
        let mut fields = Fields::of(frame);
        match kind {
            START => Start::decode(fields).map(Command::Start),
            RUN => Run::decode(fields).map(Command::Run),
            RUN_ITEMS => RunItems::decode(fields).map(Command::RunItems),
            INITIALIZE => {
                let (entry, function) = (fields.u64()?, fields.u64()?);
                Ok(Command::Initialize(Initialize {
                    entry,
                    function,
                    args: fields.payload(),
                }))
            }
            BROADCAST => Broadcast::decode(fields).map(Command::Broadcast),
            RESUME => fields.end().map(|()| Command::Resume),
            FLUSH => fields.end().map(|()| Command::Flush),
            STOP => fields.end().map(|()| Command::Stop),
            kind => Err(MessageError::UnknownKind(kind)),
        }
    }

    /// Takes the next message, or `None` while it is not whole.
    ///
    /// # Errors
    /// What is wrong with the bytes. The stream is of no further use then.
    pub fn take(buffer: &mut FrameBuffer) -> Result<Option<Self>, StreamError> {
        if let Some(run) = buffer.take_short(RUN, Run::decode_short) {
            return Ok(Some(Command::Run(run?)));
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
        let body = start.encode();
        out.put_slice(&frame::header(START, body.len())?);
        out.put_slice(&body);
        Ok(())
    }

    /// Appends a [`Command::Resume`].
    pub fn encode_resume(out: &mut Vec<u8>) {
        out.put_slice(&[RESUME, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Appends a [`Command::Flush`].
    pub fn encode_flush(out: &mut Vec<u8>) {
        out.put_slice(&[FLUSH, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Appends a [`Command::Stop`].
    pub fn encode_stop(out: &mut Vec<u8>) {
        out.put_slice(&[STOP, 0, 0, 0, 0, 0, 0, 0]);
    }
}

impl Initialize {
    /// Bytes of the frame before its arguments.
    pub const HEAD_LEN: usize = frame::HEADER_LEN + 16;

    /// Most bytes that the arguments may take.
    pub const MAX_ARGS_LEN: usize = frame::MAX_BODY_LEN - 16;

    /// The frame up to the arguments, which follow it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the arguments are beyond [`Initialize::MAX_ARGS_LEN`].
    #[inline]
    pub fn head(&self) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        let mut head = [0; Self::HEAD_LEN];
        let mut out = &mut head[..];
        out.put_slice(&frame::leading_header(INITIALIZE, 16, &self.args)?);
        out.put_u64_le(self.entry);
        out.put_u64_le(self.function);
        Ok(head)
    }
}

impl Run {
    /// Bytes of a run's frame before its arguments.
    pub const HEAD_LEN: usize = frame::HEADER_LEN + Self::FIXED_LEN;

    /// Most bytes that the arguments of a task may take.
    pub const MAX_ARGS_LEN: usize = frame::MAX_BODY_LEN - Self::FIXED_LEN;

    const FIXED_LEN: usize = Ticket::LEN + 16 + Limits::LEN;

    fn decode_short(body: &[u8]) -> Option<Result<Self, MessageError>> {
        Some(Self::decode(Fields::of_slice(body)))
    }

    fn decode<B: Body>(mut fields: Fields<B>) -> Result<Self, MessageError> {
        let ticket = Ticket::decode(&mut fields)?;
        let (entry, function) = (fields.u64()?, fields.u64()?);
        let limits = Limits::decode(&mut fields)?;
        Ok(Run {
            ticket,
            entry,
            function,
            limits,
            args: fields.payload(),
        })
    }

    /// The frame up to the arguments, which follow it in the stream.
    ///
    /// It is apart from them so that large arguments needn't be copied to be sent.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the arguments are beyond [`Run::MAX_ARGS_LEN`].
    #[inline]
    pub fn head(&self) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        let mut head = [0; Self::HEAD_LEN];
        let mut out = &mut head[..];
        out.put_slice(&frame::leading_header(RUN, Self::FIXED_LEN, &self.args)?);
        self.ticket.encode(&mut out);
        out.put_u64_le(self.entry);
        out.put_u64_le(self.function);
        self.limits.encode(&mut out);
        Ok(head)
    }
}
