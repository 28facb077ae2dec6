//! What is still to be written to one worker.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use procpool_wire::{Command, Payload, SmallRun};
use smallvec::SmallVec;

use crate::driver::channel::Sender;

/// Payloads up to this many bytes are copied next to the headers around them, so that one write
/// carries many of them; larger ones are written from where they are: 8 KiB.
const COPIED: usize = 8 * 1024;

/// A buffer that grew past this is given back once it is written: 64 KiB.
const KEPT_CAPACITY: usize = 64 * 1024;

/// Parts of one write; a system takes at least 16 (`IOV_MAX`, POSIX), and more don't help here.
const PARTS: usize = 16;

/// As many bytes are written before other runtime tasks get their turn: 2 MiB, which takes some tenths of a
/// millisecond. The caller of a function writes no more of its arguments than that.
const BYTES_IN_A_ROW: usize = 2 << 20;

/// Frames that wait for the socket, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// What goes before `small`.
    parts: VecDeque<Bytes>,
    small: Vec<u8>,
    small_written: usize,
    /// The socket takes nothing now, or has been given much at once; whoever waits for it to be writable goes on.
    blocked: bool,
    /// The worker's end is closed; nothing will be written any more.
    broken: bool,
}

impl Outbox {
    pub(crate) fn push(&mut self, head: &[u8], payload: &Payload) {
        if self.broken {
            return;
        }
        self.small.extend_from_slice(head);
        let (prefix, bytes) = (payload.prefix(), payload.bytes());
        if !prefix.is_empty() {
            self.small.extend_from_slice(&prefix);
        }
        if bytes.len() <= COPIED {
            self.small.extend_from_slice(bytes);
        } else {
            let mut before = Bytes::from(std::mem::take(&mut self.small));
            before.advance(std::mem::take(&mut self.small_written));
            self.parts.extend([before, payload.to_bytes()]);
        }
    }

    /// As [`push`](Outbox::push), of a small task; false if it is not small.
    #[inline]
    pub(crate) fn push_small(&mut self, run: &SmallRun<'_>) -> bool {
        let Some(head) = run.head().filter(|_| run.args.len() <= COPIED) else {
            return false;
        };
        if !self.broken {
            self.small.reserve(size_of_val(&head) + run.args.len());
            for word in head {
                self.small.extend_from_slice(&word.to_le_bytes());
            }
            self.small.extend_from_slice(run.args);
        }
        true
    }

    pub(crate) fn push_resume(&mut self) {
        if !self.broken {
            Command::encode_resume(&mut self.small);
        }
    }

    pub(crate) fn push_flush(&mut self) {
        if !self.broken {
            Command::encode_flush(&mut self.small);
        }
    }

    pub(crate) fn push_stop(&mut self) {
        if !self.broken {
            Command::encode_stop(&mut self.small);
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Writes what the socket takes, if that is not too much. Tells whether someone must now wait for it to take more.
    pub(crate) fn flush(&mut self, socket: &Sender) -> bool {
        match self.blocked {
            true => false,
            false => self.write(socket),
        }
    }

    /// The socket is writable again.
    pub(crate) fn resume(&mut self, socket: &Sender) {
        self.blocked = false;
        self.write(socket);
    }

    fn write(&mut self, socket: &Sender) -> bool {
        let mut sum = 0;
        while !self.is_empty() {
            if sum >= BYTES_IN_A_ROW {
                self.blocked = true;
                return true;
            }
            match self.write_once(socket, BYTES_IN_A_ROW - sum) {
                Ok(written) => {
                    self.advance(written);
                    sum += written;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return true;
                }
                // The worker is gone or going; its end will be seen where it is waited for.
                Err(_) => {
                    *self = Outbox {
                        broken: true,
                        ..Outbox::default()
                    }
                }
            }
        }
        false
    }

    fn write_once(&self, socket: &Sender, most: usize) -> io::Result<usize> {
        let small = &self.small[self.small_written..];
        if self.parts.is_empty() {
            return socket.send(&small[..small.len().min(most)]);
        }
        let mut left = most;
        let mut slices = SmallVec::<[IoSlice<'_>; PARTS]>::new();
        for part in self.parts.iter().take(PARTS) {
            let len = part.len().min(left);
            slices.push(IoSlice::new(&part[..len]));
            left -= len;
        }
        socket.send_vectored(&slices)
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(part) = self.parts.front_mut() {
            let of_part = written.min(part.len());
            part.advance(of_part);
            written -= of_part;
            if part.has_remaining() {
                return;
            }
            self.parts.pop_front();
        }
        self.small_written += written;
        if self.small_written == self.small.len() {
            self.small.clear();
            self.small.shrink_to(KEPT_CAPACITY);
            self.small_written = 0;
        }
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.small.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use procpool_os::socket;

    use super::*;
    use crate::driver::channel;

    fn receive_some(socket: &OwnedFd, received: &mut Vec<u8>) -> io::Result<usize> {
        let mut bytes = vec![0; 1 << 20];
        let len = socket::receive_nowait(socket, &mut bytes)?;
        received.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    /// Who calls a function with very large arguments is not kept until all of them are in the socket, and
    /// nor is the runtime's thread that writes on.
    #[tokio::test]
    async fn no_more_is_written_at_once_than_others_can_wait_for() {
        let (ours, theirs) = socket::pair().unwrap();
        let (ours, _receiver) = channel::open(ours).unwrap();
        let payload = Payload::of_bytes(vec![7_u8; 6 << 20]).expect("is moved");
        let mut outbox = Outbox::default();
        outbox.push(b"head", &payload);
        outbox.push(b"next", &Payload::default());

        let mut received = Vec::with_capacity(8 << 20);
        let mut receive = |at_most: usize| {
            let before = received.len();
            while let Ok(1..) = receive_some(&theirs, &mut received) {}
            assert!(received.len() - before <= at_most);
            received.len()
        };
        ours.writable().await.unwrap();
        let mut must_wait = outbox.flush(&ours);
        let whole = 4 + payload.len() + 4;
        while receive(BYTES_IN_A_ROW) < whole {
            assert!(must_wait && outbox.is_blocked());
            assert!(!outbox.flush(&ours), "somebody waits already");
            assert_eq!(receive(0), receive(0));
            ours.writable().await.unwrap();
            outbox.resume(&ours);
            must_wait = outbox.is_blocked();
        }
        assert!(outbox.is_empty() && !outbox.is_blocked());
        assert!(received.ends_with(b"\x07next") && received.starts_with(b"head\xd4"));
    }
}
