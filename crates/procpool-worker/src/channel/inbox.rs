//! The worker's receiving end: commands from the parent.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use procpool_os::{memory, socket};
use procpool_shared::Peer;
use procpool_wire::value::attachment::Attachment;
use procpool_wire::{Command, FrameBuffer, Payload, Run};

use crate::tuning::FIRST_READ;

/// The parent passes the control page and the lifeline with its first message.
const DESCRIPTORS: usize = 2;

/// Receives commands from the parent.
#[derive(Debug)]
pub(crate) struct Inbox {
    socket: Arc<OwnedFd>,
    buffer: FrameBuffer,
    /// Commands that came while the worker waited for [`Command::Resume`].
    aside: VecDeque<Command>,
    parent: Arc<Peer>,
    /// The attachments of the next command's arguments, or why they can't be had.
    attached: Option<Result<Vec<Attachment>, String>>,
}

impl Inbox {
    pub(crate) fn new(socket: Arc<OwnedFd>, parent: Arc<Peer>) -> Self {
        Inbox {
            socket,
            buffer: FrameBuffer::new(memory::reserve),
            aside: VecDeque::new(),
            parent,
            attached: None,
        }
    }

    /// Waits for the first command, and the descriptors that come with its first byte.
    pub(crate) fn receive_first(&mut self) -> io::Result<(Command, Vec<OwnedFd>)> {
        let mut first = [0; FIRST_READ];
        let received =
            socket::receive_with_descriptors(self.socket.as_fd(), &mut first, DESCRIPTORS);
        let (len, descriptors) = received?;
        self.buffer.extend(&first[..len]);
        let command = match len {
            0 => None,
            _ => self.receive()?,
        };
        match command {
            Some(command) => Ok((command, descriptors)),
            None => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the parent closed the socket before it said anything",
            )),
        }
    }

    /// Waits for the next command; `None` when the parent has closed its end.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Command>> {
        loop {
            if let Some(command) = self.next()? {
                return Ok(Some(command));
            }
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next command, if it has arrived and is a task with small arguments, which are put into `args`.
    #[inline]
    pub(crate) fn next_small(&mut self, args: &mut Payload) -> Option<Run<()>> {
        if !self.aside.is_empty() || self.attached.is_some() {
            return None;
        }
        Run::take_small(&mut self.buffer, |run| {
            args.fill(run.args);
            run.with_args(())
        })
    }

    /// The next command, if it has arrived.
    pub(crate) fn next(&mut self) -> io::Result<Option<Command>> {
        if let Some(command) = self.aside.pop_front() {
            return Ok(Some(command));
        }
        loop {
            match self.next_in_buffer()? {
                // It was for a stream that has ended.
                Some(Command::Resume) => {}
                next => return Ok(next),
            }
        }
    }

    /// Waits until the parent says to look at the control page again. Other commands that come meanwhile are kept.
    /// Returns `false` when the parent has closed its end.
    pub(crate) fn wait_to_resume(&mut self) -> io::Result<bool> {
        loop {
            match self.next_in_buffer()? {
                Some(Command::Resume) => return Ok(true),
                Some(other) => self.aside.push_back(other),
                None if self.fill()? == 0 => return Ok(false),
                None => {}
            }
        }
    }

    fn next_in_buffer(&mut self) -> io::Result<Option<Command>> {
        while let Some(mut command) = Command::take(&mut self.buffer).map_err(invalid)? {
            let args = match &mut command {
                Command::Segments(segments) => {
                    let received = self.parent.receive(std::mem::take(segments));
                    self.attached = received.map_err(io::Error::other)?.attached;
                    continue;
                }
                Command::Run(run) => &mut run.args,
                Command::Initialize(initialize) => &mut initialize.args,
                Command::Broadcast(broadcast) => &mut broadcast.args,
                Command::Start(_) | Command::RunItems(_) | Command::Resume | Command::Stop => {
                    &mut Payload::default()
                }
            };
            if let Some(attached) = self.attached.take() {
                args.attach(attached);
            }
            return Ok(Some(command));
        }
        Ok(None)
    }

    /// The next command, if it has arrived or is in the socket.
    pub(crate) fn receive_nowait(&mut self) -> io::Result<Option<Command>> {
        loop {
            let mut room = self.buffer.room(usize::MAX);
            match socket::receive_into_nowait(self.socket.as_fd(), &mut room) {
                // The next call that waits sees the end of the stream.
                Ok(0) => return self.next(),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            // A read brings only the beginning of a large command.
            let command = self.next()?;
            if command.is_some() || self.buffer.is_empty() {
                return Ok(command);
            }
        }
    }

    /// Whether a part of a command has arrived, so that the rest is on its way.
    pub(crate) fn has_begun(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Waits in `poll`. A `recv` that blocks would also wake this process when the parent takes a result from the
    /// socket.
    fn fill(&mut self) -> io::Result<usize> {
        socket::wait_to_receive(self.socket.as_fd())?;
        let mut room = self.buffer.room(usize::MAX);
        socket::receive_into(self.socket.as_fd(), &mut room)
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use procpool_wire::{DispatchId, Encoding, Limits};

    use super::*;

    /// The parent takes a result from the socket meanwhile.
    #[test]
    fn receive_waits_for_a_command_or_the_end_of_the_stream() {
        // Only the worker's end blocks.
        let (theirs, ours) = socket::pair().unwrap();
        let ours = Arc::new(ours);
        let mut inbox = Inbox::new(Arc::clone(&ours), Peer::new(1, || {}));
        let waiting = thread::spawn(move || {
            let first = inbox.receive().unwrap();
            let end = inbox.receive().unwrap();
            (first, end)
        });
        let mut result = [0; 6];
        socket::send(&*ours, b"result").unwrap();
        assert_eq!(socket::receive(&theirs, &mut result).unwrap(), 6);
        let mut stop = Vec::new();
        Command::encode_stop(&mut stop);
        let (begin, rest) = stop.split_at(3);
        socket::send(&theirs, begin).unwrap();
        socket::send(&theirs, rest).unwrap();
        drop(theirs);
        let (first, end) = waiting.join().unwrap();
        assert!(matches!(first, Some(Command::Stop)), "{first:?}");
        assert!(end.is_none());
    }

    /// Otherwise a worker that spins would read the rest only after its spin.
    #[test]
    fn one_call_receives_a_whole_large_command_and_a_later_one_the_rest_of_a_partial_command() {
        let (ours, theirs) = socket::pair().unwrap();
        let mut inbox = Inbox::new(Arc::new(ours), Peer::new(1, || {}));
        for len in [1, 1 << 10, 64 << 10, 100 << 10] {
            let run = Run {
                dispatch_id: DispatchId { slot: 0, number: 1 },
                entry: 1,
                function: 2,
                limits: Limits::default(),
                args: Encoding::payload(&vec![7_u8; len], memory::reserve).unwrap(),
            };
            let mut frame = Vec::new();
            run.head().unwrap().put_with(&run.args, &mut frame);
            let (begin, rest) = frame.split_at(frame.len() / 2);

            socket::send(&theirs, begin).unwrap();
            assert!(inbox.receive_nowait().unwrap().is_none());
            assert!(inbox.has_begun());
            socket::send(&theirs, rest).unwrap();
            let taken = inbox.receive_nowait().unwrap();
            assert!(matches!(taken, Some(Command::Run(taken)) if taken == run));
            assert!(!inbox.has_begun());

            socket::send(&theirs, &frame).unwrap();
            assert!(inbox.receive_nowait().unwrap().is_some(), "{len}");
            assert!(inbox.receive_nowait().unwrap().is_none());
        }
    }
}
