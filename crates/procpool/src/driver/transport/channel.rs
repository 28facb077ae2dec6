//! The parent's end of a worker's socket, in two halves.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::BufMut;
use parking_lot::Mutex;
use procpool_os::socket;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::runtime::is_rt_shutdown_err;

/// Has the current runtime watch a nonblocking socket.
///
/// It does not use `UnixStream`. For that, the runtime also watches whether the socket is writable, so the kernel would wake this
/// process a second time for each task, when the worker reads from the socket. Here, the runtime watches for writability only
/// while the socket is full. It does so through a second descriptor of the socket, since it can watch each descriptor only once.
///
/// To tokio both halves are ends of a pipe, which is its only type that is watched in one direction. They are used only for waiting
/// and reading.
///
/// # Errors
/// Out of descriptors or memory.
pub(crate) fn open(socket: OwnedFd) -> io::Result<(Sender, Receiver)> {
    let (writer, spare) = (socket.try_clone()?, socket.try_clone()?);
    let sender = Sender {
        writer,
        spare: Mutex::new(Some(spare)),
    };
    let reader = pipe::Receiver::from_owned_fd_unchecked(socket)?;
    Ok((sender, Receiver(Some(reader))))
}

/// The receiving half, watched by the runtime. It has no socket while that is [lent](Receiver::lend).
#[derive(Debug)]
pub(crate) struct Receiver(Option<pipe::Receiver>);

impl Receiver {
    /// Receives the available bytes, as far as they fit into the buffer. If there are none, the task is woken when bytes arrive or the
    /// other end is closed.
    ///
    /// A read that does not fill the buffer has emptied the socket, so the next call waits without a system call.
    ///
    /// # Errors
    /// As [`socket::receive`].
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut dyn BufMut,
    ) -> Poll<io::Result<usize>> {
        let Some(socket) = &mut self.0 else {
            return Poll::Pending;
        };
        match pin!(socket.read_buf(buffer)).poll(cx) {
            // The task will not be polled again.
            Poll::Ready(Err(error)) if is_rt_shutdown_err(&error) => Poll::Pending,
            received => received,
        }
    }

    /// Receives the available bytes, even if the runtime has not noticed them yet.
    ///
    /// # Errors
    /// As [`socket::receive`]; [`io::ErrorKind::WouldBlock`] if there is nothing.
    pub(crate) fn receive_now(&self, mut buffer: &mut dyn BufMut) -> io::Result<usize> {
        match &self.0 {
            Some(socket) => socket::receive_into_nowait(socket.as_fd(), &mut buffer),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Lends the socket to a thread that waits outside of the runtime. The runtime does not watch it meanwhile, since each
    /// write of the worker would wake it. Nothing is received here until the socket is [back](Self::take_back).
    ///
    /// # Errors
    /// The socket is already lent.
    pub(crate) fn lend(&mut self) -> io::Result<OwnedFd> {
        let socket = self.0.take().ok_or(io::ErrorKind::NotFound)?;
        socket.into_nonblocking_fd()
    }

    /// Takes back the socket that was [lent](Self::lend), and has the current runtime watch it.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn take_back(&mut self, socket: OwnedFd) -> io::Result<()> {
        self.0 = Some(pipe::Receiver::from_owned_fd_unchecked(socket)?);
        Ok(())
    }
}

/// The sending half, which never blocks.
#[derive(Debug)]
pub(crate) struct Sender {
    writer: OwnedFd,
    /// For [`writable`](Sender::writable). It is created in advance, since the process may be out of descriptors later.
    spare: Mutex<Option<OwnedFd>>,
}

impl Sender {
    /// Sends as many bytes of these pieces as the socket takes.
    ///
    /// # Errors
    /// As [`socket::send`].
    pub(crate) fn send(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match pieces {
            [piece] => socket::send(&self.writer, piece),
            _ => socket::send_vectored(&self.writer, pieces),
        }
    }

    /// Shuts down receiving. The bytes in the socket can still be read, and the stream ends after them.
    pub(crate) fn end_receiving(&self) {
        // It fails if the socket is shut down already.
        let _ = socket::shut_down_receiving(&self.writer);
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

/// Has the runtime watch for room, and gives the descriptor back when it is dropped.
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
    use std::future::poll_fn;

    use procpool_os::socket::{pair, receive_nowait};

    use super::*;

    async fn receive(receiver: &mut Receiver, received: &mut Vec<u8>, most: usize) -> usize {
        let mut room = received.limit(most);
        let len = poll_fn(|cx| receiver.poll_receive(cx, &mut room)).await;
        len.unwrap()
    }

    #[tokio::test]
    async fn everything_is_received_however_it_is_cut() {
        let (ours, theirs) = pair().unwrap();
        let (_sender, mut ours) = open(ours).unwrap();
        for round in 0..100_u8 {
            let sent = vec![round; 1000];
            socket::send(&theirs, &sent).unwrap();
            let mut received = Vec::new();
            while received.len() < sent.len() {
                let len = receive(&mut ours, &mut received, 300).await;
                assert!(0 < len && len <= 300);
            }
            assert_eq!(received, sent);
        }
        drop(theirs);
        assert_eq!(receive(&mut ours, &mut Vec::new(), 1).await, 0);
    }

    /// Bytes that come after a short read wake the task that waits.
    #[tokio::test]
    async fn nothing_is_missed_after_a_short_read() {
        let (ours, theirs) = pair().unwrap();
        let (_sender, mut ours) = open(ours).unwrap();
        for round in 0..1000_usize {
            let mut received = Vec::new();
            let later = async {
                if round % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                socket::send(&theirs, b"three").unwrap();
            };
            tokio::join!(receive(&mut ours, &mut received, 1 << 16), later);
            assert_eq!(received, b"three");
        }
    }

    #[tokio::test]
    async fn a_full_socket_has_room_again_when_something_was_taken_out() {
        let (ours, theirs) = pair().unwrap();
        let (ours, _receiver) = open(ours).unwrap();
        for _ in 0..3 {
            while ours.send(&[IoSlice::new(&[7; 1 << 16])]).is_ok() {}
            let mut bytes = vec![0; 1 << 16];
            let emptied = async {
                tokio::task::yield_now().await;
                while receive_nowait(&theirs, &mut bytes).is_ok() {}
            };
            let (room, ()) = tokio::join!(ours.writable(), emptied);
            room.unwrap();
            ours.send(&[IoSlice::new(b"more")]).unwrap();
        }
    }
}
