//! The private socket pair between the parent and one worker.
//!
//! A pair has no name and no path, so no other process can connect to it. Descriptors can be sent over it as
//! well. The call that receives the first byte of such a message gets the descriptors, and a plain
//! [`receive`] of that byte *discards* them. So both sides must agree at which point of the stream they
//! use [`receive_with_descriptors`], and not read past it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use bytes::BufMut;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
    sockopt,
};

/// How many descriptors one message may carry.
pub const MAX_DESCRIPTORS: usize = 16;

/// The most bytes to copy in one system call: 256 KiB, which takes 50 to 100 µs.
///
/// Many server kernels (`CONFIG_PREEMPT_NONE`) do not preempt a thread that copies inside of a system call, so
/// that a larger copy would keep other threads from the processor for longer.
pub const MAX_COPY: usize = 256 << 10;

/// Each direction holds some 4 MiB unread, if the system allows it.
///
/// A payload of that size is then sent in one write. With the usual 208 KiB the two sides
/// would wake each other for every piece.
const BUFFER_BYTES: usize = 4 << 20;

/// Makes a connected pair of stream sockets: the parent's end and the worker's end.
///
/// Both are close-on-exec. The parent's end is nonblocking, the worker's end blocks.
///
/// # Errors
///
/// The kernel's error: out of descriptors or memory.
///
/// ```
/// use procpool_os::socket;
///
/// let (parent, worker) = socket::pair()?;
/// assert_eq!(socket::send(&parent, b"task")?, 4);
/// let mut bytes = [0; 16];
/// assert_eq!(socket::receive(&worker, &mut bytes)?, 4);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (parent, worker) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::io::ioctl_fionbio(&parent, true)?;
    for end in [&parent, &worker] {
        // Only the sender's buffer counts on a unix socket. A smaller one makes it slower.
        let _smaller_is_fine = sockopt::set_socket_send_buffer_size(end, BUFFER_BYTES);
    }
    Ok((parent, worker))
}

/// Sends bytes, and returns how many were taken.
///
/// # Errors
///
/// [`io::ErrorKind::WouldBlock`] on a full nonblocking socket; [`io::ErrorKind::BrokenPipe`] if the
/// other end is closed, without a `SIGPIPE`.
pub fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    let sent = retry_on_intr(|| rustix::net::send(&socket, bytes, SendFlags::NOSIGNAL))?;
    Ok(sent)
}

/// Sends several pieces as if they were one, and returns how many bytes were taken.
///
/// At most 1024 pieces are sent, the kernel's limit.
///
/// # Errors
///
/// As [`send`].
pub fn send_vectored(socket: impl AsFd, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    const IOV_MAX: usize = 1024;
    let pieces = &pieces[..pieces.len().min(IOV_MAX)];
    let mut nothing = SendAncillaryBuffer::default();
    let sent =
        retry_on_intr(|| rustix::net::sendmsg(&socket, pieces, &mut nothing, SendFlags::NOSIGNAL))?;
    Ok(sent)
}

/// Sends two pieces of memory as if they were one, and returns how many bytes were taken.
///
/// The memory may be written meanwhile, also by other processes: no reference to it is made, and the kernel copies
/// whatever is there.
///
/// # Errors
///
/// As [`send`].
///
/// # Safety
///
/// The pieces must lie in memory that is mapped and can be read.
pub(crate) unsafe fn send_memory(
    socket: BorrowedFd<'_>,
    pieces: [(*const u8, usize); 2],
) -> io::Result<usize> {
    let mut vectors = pieces.map(|(start, len)| libc::iovec {
        iov_base: start.cast_mut().cast(),
        iov_len: len,
    });
    // SAFETY: all fields of the header are numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = vectors.len() as _;
    loop {
        // SAFETY: the header and the vectors are locals; the kernel reads the memory that they point to, which the
        // caller says can be read.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) };
        match usize::try_from(sent) {
            Ok(sent) => return Ok(sent),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}

/// Sends bytes together with copies of the descriptors, and returns how many bytes were taken.
///
/// The descriptors are sent with the first byte: when one byte was taken, they are sent.
///
/// # Errors
///
/// As [`send`]; [`io::ErrorKind::InvalidInput`] for more than [`MAX_DESCRIPTORS`], or for
/// descriptors without a byte to carry them.
pub fn send_with_descriptors(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    if descriptors.len() > MAX_DESCRIPTORS {
        return invalid("too many descriptors for one message");
    }
    if bytes.is_empty() && !descriptors.is_empty() {
        return invalid("descriptors can't be sent without a byte");
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fits =
        descriptors.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    debug_assert!(fits, "the buffer has room for as many as were checked");
    let pieces = [IoSlice::new(bytes)];
    let sent = retry_on_intr(|| {
        rustix::net::sendmsg(&socket, &pieces, &mut ancillary, SendFlags::NOSIGNAL)
    })?;
    Ok(sent)
}

/// Receives bytes; zero means that the other end is closed.
///
/// # Errors
///
/// [`io::ErrorKind::WouldBlock`] if a nonblocking socket has nothing;
/// [`io::ErrorKind::ConnectionReset`] if the other end was closed with bytes unread.
pub fn receive(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<usize> {
    receive_flagged(socket.as_fd(), bytes, RecvFlags::empty())
}

/// Receives into the buffer's spare room, without filling it with zeroes first. Zero means
/// that the other end is closed, or that there is no room.
///
/// # Errors
///
/// As [`receive`].
pub fn receive_into(socket: impl AsFd, buffer: &mut impl BufMut) -> io::Result<usize> {
    receive_into_flagged(socket, buffer, RecvFlags::empty())
}

/// As [`receive_into`], but never blocks, also on a blocking socket: it receives bytes that are there already.
///
/// # Errors
///
/// As [`receive`]; [`io::ErrorKind::WouldBlock`] if there is nothing.
pub fn receive_into_nowait(socket: impl AsFd, buffer: &mut impl BufMut) -> io::Result<usize> {
    receive_into_flagged(socket, buffer, RecvFlags::DONTWAIT)
}

fn receive_into_flagged(
    socket: impl AsFd,
    buffer: &mut impl BufMut,
    flags: RecvFlags,
) -> io::Result<usize> {
    let room = buffer.chunk_mut();
    // SAFETY: `recv` only writes to it, so it makes no initialized byte uninitialized.
    let room = unsafe { room.as_uninit_slice_mut() };
    let received = retry_on_intr(|| {
        let received = rustix::net::recv(&socket, &mut *room, flags);
        received.map(|(_, len)| len)
    })?;
    // SAFETY: the kernel has initialized that many bytes at the front of the room.
    unsafe { buffer.advance_mut(received) };
    Ok(received)
}

/// Receives bytes that are there already, and never blocks, also on a blocking socket.
///
/// # Errors
///
/// As [`receive`]; [`io::ErrorKind::WouldBlock`] if there is nothing.
pub fn receive_nowait(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<usize> {
    receive_flagged(socket.as_fd(), bytes, RecvFlags::DONTWAIT)
}

fn receive_flagged(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    flags: RecvFlags,
) -> io::Result<usize> {
    let (_, received) = retry_on_intr(|| rustix::net::recv(socket, &mut *bytes, flags))?;
    Ok(received)
}

/// Waits until there are bytes to receive, or the other end is closed.
///
/// A thread that waits in [`receive`] is woken as well when the *other* side takes bytes out of the socket, since that
/// makes room to send. A thread that waits here is not.
///
/// # Errors
///
/// The kernel's error: out of memory.
pub fn wait_to_receive(socket: impl AsFd) -> io::Result<()> {
    let mut watched = [PollFd::new(&socket, PollFlags::IN)];
    retry_on_intr(|| poll(&mut watched, None))?;
    Ok(())
}

/// Ends the stream of received bytes. Bytes that are in the socket can still be received, and then it is as if the other
/// end were closed. A thread that waits for bytes is woken.
///
/// # Errors
///
/// The kernel's error; none is known for a socket of a [`pair`].
pub fn shut_down_receiving(socket: impl AsFd) -> io::Result<()> {
    rustix::net::shutdown(socket, Shutdown::Read)?;
    Ok(())
}

/// Receives bytes and up to `max` descriptors, which are close-on-exec.
///
/// # Errors
///
/// As [`receive`]; [`io::ErrorKind::InvalidData`] if more descriptors came than `max` or than
/// [`MAX_DESCRIPTORS`], or if the process is out of descriptors. The received descriptors are closed then, and
/// the stream can't be trusted any more.
pub fn receive_with_descriptors(
    socket: impl AsFd,
    bytes: &mut [u8],
    max: usize,
) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = retry_on_intr(|| {
        let mut pieces = [IoSliceMut::new(&mut *bytes)];
        rustix::net::recvmsg(
            &socket,
            &mut pieces,
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        )
    })?;
    let mut descriptors = Vec::new();
    for part in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = part {
            descriptors.extend(passed);
        }
    }
    if message.flags.contains(ReturnFlags::CTRUNC) || descriptors.len() > max {
        let what = "more descriptors came with a message than can be taken";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok((message.bytes, descriptors))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{ErrorKind, Read, Write};

    use rustix::io::FdFlags;

    use super::*;

    fn is_close_on_exec(descriptor: impl AsFd) -> bool {
        rustix::io::fcntl_getfd(descriptor)
            .unwrap()
            .contains(FdFlags::CLOEXEC)
    }

    fn is_nonblocking(descriptor: impl AsFd) -> bool {
        let flags = rustix::fs::fcntl_getfl(descriptor).unwrap();
        flags.contains(rustix::fs::OFlags::NONBLOCK)
    }

    #[test]
    fn the_parents_end_never_blocks_and_both_are_close_on_exec() {
        let (parent, worker) = pair().unwrap();
        assert!(is_nonblocking(&parent) && !is_nonblocking(&worker));
        assert!(is_close_on_exec(&parent) && is_close_on_exec(&worker));
        let mut bytes = [0; 4];
        assert_eq!(
            receive(&parent, &mut bytes).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        assert_eq!(
            receive_nowait(&worker, &mut bytes).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let full = loop {
            if let Err(error) = send(&parent, &[0; 1 << 16]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn the_buffers_are_raised_as_far_as_the_system_allows() {
        let (parent, worker) = pair().unwrap();
        let limit = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap();
        let limit: usize = limit.trim().parse().unwrap();
        // The kernel doubles the value, to include its own bookkeeping.
        let expected = 2 * BUFFER_BYTES.min(limit);
        for end in [&parent, &worker] {
            assert_eq!(sockopt::socket_send_buffer_size(end).unwrap(), expected);
        }
    }

    #[test]
    fn a_closed_end_is_an_error_to_the_sender_and_an_end_to_the_receiver() {
        let (parent, worker) = pair().unwrap();
        send(&parent, b"last").unwrap();
        drop(parent);
        let mut bytes = [0; 8];
        assert_eq!(receive(&worker, &mut bytes).unwrap(), 4);
        assert_eq!(receive(&worker, &mut bytes).unwrap(), 0);
        assert_eq!(
            send(&worker, b"late").unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    }

    #[test]
    fn many_pieces_are_sent_as_one_up_to_the_kernels_limit() {
        let (parent, worker) = pair().unwrap();
        let pieces = vec![IoSlice::new(b"ab"); 3000];
        assert_eq!(send_vectored(&parent, &pieces[..3]).unwrap(), 6);
        assert_eq!(send_vectored(&parent, &pieces).unwrap(), 2048);
        assert_eq!(send_vectored(&parent, &[]).unwrap(), 0);
        let mut bytes = [0; 4096];
        assert_eq!(receive(&worker, &mut bytes).unwrap(), 2054);
        assert!(bytes[..2054].chunks(2).all(|piece| piece == b"ab"));
    }

    #[test]
    fn descriptors_are_sent_with_the_first_byte_and_are_close_on_exec() {
        let (parent, worker) = pair().unwrap();
        let (read_end, write_end) = rustix::pipe::pipe().unwrap();
        let passed = [read_end.as_fd(), write_end.as_fd()];
        assert_eq!(send_with_descriptors(&parent, b"two", &passed).unwrap(), 3);
        drop((read_end, write_end));
        send(&parent, b"none").unwrap();

        let mut bytes = [0; 1];
        let (count, descriptors) = receive_with_descriptors(&worker, &mut bytes, 2).unwrap();
        assert_eq!((count, descriptors.len()), (1, 2));
        assert!(descriptors.iter().all(is_close_on_exec));
        let (count, rest) = receive_with_descriptors(&worker, &mut [0; 16], 2).unwrap();
        assert!(rest.is_empty());
        assert!(count == 2 || count == 6);

        let mut ends = descriptors.into_iter().map(File::from);
        let (mut reader, mut writer) = (ends.next().unwrap(), ends.next().unwrap());
        writer.write_all(b"through").unwrap();
        drop(writer);
        let mut through = String::new();
        reader.read_to_string(&mut through).unwrap();
        assert_eq!(through, "through");
    }

    #[test]
    fn more_descriptors_than_expected_are_refused_and_closed() {
        for (sent, max) in [(1, 0), (2, 1), (MAX_DESCRIPTORS, MAX_DESCRIPTORS - 1)] {
            let (parent, worker) = pair().unwrap();
            let (read_end, write_end) = rustix::pipe::pipe().unwrap();
            let passed = vec![write_end.as_fd(); sent];
            send_with_descriptors(&parent, b"x", &passed).unwrap();
            let refused = receive_with_descriptors(&worker, &mut [0; 1], max).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidData);
            // The pipe ends only if no copy of its write end was kept.
            drop(write_end);
            assert_eq!(File::from(read_end).read(&mut [0; 1]).unwrap(), 0);
        }
    }

    #[test]
    fn descriptors_without_a_byte_and_too_many_descriptors_are_refused() {
        let (parent, _worker) = pair().unwrap();
        let many = [parent.as_fd(); MAX_DESCRIPTORS + 1];
        for (bytes, descriptors) in [(&b"x"[..], &many[..]), (b"", &many[..1])] {
            let refused = send_with_descriptors(&parent, bytes, descriptors).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(send_with_descriptors(&parent, b"plain", &[]).unwrap(), 5);
    }
}
