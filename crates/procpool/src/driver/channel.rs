//! The parent's end of a worker's socket.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use bytes::BufMut;
use parking_lot::Mutex;
use procpool_os::socket;
use tokio::net::unix::pipe;

/// A socket whose reader waits in the runtime, and whose writers never wait.
///
/// It is no `UnixStream`: that has the runtime watch for room to write too. Whenever the worker took something
/// out of the socket, the kernel would tell of that room, and so wake this process a second time for
/// each task. Room is watched for only while it is missing, through a second descriptor of the same socket, since a
/// descriptor can be watched once.
///
/// To tokio both are ends of a pipe, which is what it watches in one direction, and of which nothing is used but
/// waiting and reading.
#[derive(Debug)]
pub(crate) struct Channel {
    reader: pipe::Receiver,
    writer: OwnedFd,
    /// For who waits for room: had beforehand, since then there may be no descriptor to be had.
    spare: Mutex<Option<OwnedFd>>,
}

impl Channel {
    /// Has the runtime around watch a nonblocking socket.
    ///
    /// # Errors
    /// Out of descriptors or memory.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        let (writer, spare) = (socket.try_clone()?, socket.try_clone()?);
        Ok(Channel {
            reader: pipe::Receiver::from_owned_fd_unchecked(socket)?,
            writer,
            spare: Mutex::new(Some(spare)),
        })
    }

    /// Receives what is there, as far as there is room in the buffer, once the runtime has seen that
    /// something is.
    ///
    /// # Errors
    /// As [`socket::receive`].
    pub(crate) fn receive(&self, mut buffer: &mut dyn BufMut) -> io::Result<usize> {
        self.reader.try_read_buf(&mut buffer)
    }

    /// As [`receive`](Channel::receive), whatever the runtime has seen.
    ///
    /// # Errors
    /// As [`socket::receive`].
    pub(crate) fn receive_now(&self, mut buffer: &mut dyn BufMut) -> io::Result<usize> {
        socket::receive_into_nowait(&self.writer, &mut buffer)
    }

    /// Sends what the socket takes.
    ///
    /// # Errors
    /// As [`socket::send`].
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        socket::send(&self.writer, bytes)
    }

    /// Sends what the socket takes of several pieces.
    ///
    /// # Errors
    /// As [`socket::send`].
    pub(crate) fn send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        socket::send_vectored(&self.writer, pieces)
    }

    /// Waits until there is something to receive, or the other end is closed.
    ///
    /// # Errors
    /// The runtime is stopping.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.reader.readable().await
    }

    /// Waits until there is room to send, or the other end is closed.
    ///
    /// # Errors
    /// The runtime is stopping, or out of memory.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        let spare = self.spare.lock().take();
        let descriptor = spare.map_or_else(|| self.writer.try_clone(), Ok)?;
        let watch = RoomWatch {
            sender: Some(pipe::Sender::from_owned_fd_unchecked(descriptor)?),
            spare: &self.spare,
        };
        match &watch.sender {
            Some(sender) => sender.writable().await,
            None => Ok(()),
        }
    }
}

/// Has the runtime watch for room, and gives the descriptor back.
struct RoomWatch<'a> {
    sender: Option<pipe::Sender>,
    spare: &'a Mutex<Option<OwnedFd>>,
}

impl Drop for RoomWatch<'_> {
    fn drop(&mut self) {
        let sender = self.sender.take();
        if let Some(Ok(descriptor)) = sender.map(pipe::Sender::into_nonblocking_fd) {
            *self.spare.lock() = Some(descriptor);
        }
    }
}

#[cfg(test)]
mod tests {
    use procpool_os::socket::{pair, receive_nowait};

    use super::*;

    #[tokio::test]
    async fn everything_is_received_however_it_is_cut() {
        let (ours, theirs) = pair().unwrap();
        let ours = Channel::new(ours).unwrap();
        for round in 0..100_u8 {
            let sent = vec![round; 1000];
            socket::send(&theirs, &sent).unwrap();
            let mut received = Vec::new();
            while received.len() < sent.len() {
                ours.readable().await.unwrap();
                let mut room = bytes::BufMut::limit(&mut received, 300);
                match ours.receive(&mut room) {
                    Ok(len) => assert!(0 < len && len <= 300),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
            assert_eq!(received, sent);
        }
        drop(theirs);
        ours.readable().await.unwrap();
        assert_eq!(ours.receive(&mut Vec::with_capacity(1)).unwrap(), 0);
    }

    #[tokio::test]
    async fn a_full_socket_has_room_again_when_something_was_taken_out() {
        let (ours, theirs) = pair().unwrap();
        let ours = Channel::new(ours).unwrap();
        for _ in 0..3 {
            while ours.send(&[7; 1 << 16]).is_ok() {}
            let mut bytes = vec![0; 1 << 16];
            let emptied = async {
                tokio::task::yield_now().await;
                while receive_nowait(&theirs, &mut bytes).is_ok() {}
            };
            let (room, ()) = tokio::join!(ours.writable(), emptied);
            room.unwrap();
            ours.send(b"more").unwrap();
        }
    }
}
