//! The worker's reading end: commands from the parent.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use bytes::BytesMut;
use procpool_os::socket;
use procpool_wire::{Command, frame};

/// Bytes that one read may bring: 64 KiB. The buffer of a larger message is given back after it.
const READ_LEN: usize = 64 * 1024;

/// The parent passes the control page and the lifeline with its first message.
const DESCRIPTORS: usize = 2;

/// Commands, as they come from the parent; reading blocks.
#[derive(Debug)]
pub(crate) struct Inbox {
    socket: Arc<OwnedFd>,
    buffer: BytesMut,
}

impl Inbox {
    pub(crate) fn new(socket: Arc<OwnedFd>) -> Self {
        Inbox {
            socket,
            buffer: BytesMut::with_capacity(READ_LEN),
        }
    }

    /// The first command, with the descriptors that come with its first byte.
    pub(crate) fn receive_first(&mut self) -> io::Result<(Command, Vec<OwnedFd>)> {
        self.buffer.resize(READ_LEN, 0);
        let received =
            socket::receive_with_descriptors(self.socket.as_fd(), &mut self.buffer, DESCRIPTORS);
        let (len, descriptors) = received?;
        self.buffer.truncate(len);
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

    /// The next command, or `None` when the parent has closed its end.
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

    /// The next command, if it is here already.
    pub(crate) fn next(&mut self) -> io::Result<Option<Command>> {
        match frame::take(&mut self.buffer).map_err(invalid)? {
            Some(frame) => Command::decode(frame).map_err(invalid).map(Some),
            None => Ok(None),
        }
    }

    /// The next command, if it is here or in the socket.
    pub(crate) fn receive_nowait(&mut self) -> io::Result<Option<Command>> {
        self.make_room();
        match socket::receive_into_nowait(self.socket.as_fd(), &mut self.buffer) {
            // The end of the stream is seen by who waits for more.
            Ok(_) => self.next(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.make_room();
        socket::receive_into(self.socket.as_fd(), &mut self.buffer)
    }

    fn make_room(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > READ_LEN {
            self.buffer = BytesMut::with_capacity(READ_LEN);
        }
        self.buffer.reserve(READ_LEN / 4);
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
