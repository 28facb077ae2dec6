//! Bytes on their way to one worker's socket.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use procpool_wire::{Head, Payload};
use smallvec::SmallVec;

/// Payloads up to this many bytes are copied next to the headers around them, so that one system call sends many of
/// them; larger ones are sent from where they are: 8 KiB.
const COPIED: usize = 8 * 1024;

/// A buffer that grew past this is freed once it is sent: 64 KiB.
const KEPT_CAPACITY: usize = 64 * 1024;

/// The number of parts in one system call. A system takes at least 16 (`IOV_MAX`, POSIX), and more don't help here.
const PARTS: usize = 16;

/// Frames that are to be sent, in order.
#[derive(Debug, Default)]
pub(crate) struct OutgoingFrames {
    /// Sent before `small`.
    parts: VecDeque<Bytes>,
    small: Vec<u8>,
    small_sent: usize,
}

/// Why sending stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Everything is sent.
    All,
    /// The socket is full, or the budget is used up.
    Part,
    /// The worker's end of the socket is closed.
    Closed,
}

impl OutgoingFrames {
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.small.is_empty()
    }

    /// Adds a frame.
    #[inline]
    pub(crate) fn push<const WORDS: usize>(&mut self, head: Head<WORDS>, payload: &Payload) {
        head.put(&mut self.small);
        self.push_payload(payload);
    }

    /// Adds the rest of a frame, of which the head has been added.
    #[inline]
    pub(crate) fn push_payload(&mut self, payload: &Payload) {
        let (prefix, bytes) = (payload.prefix(), payload.bytes());
        if !prefix.is_empty() {
            self.small.extend_from_slice(&prefix);
        }
        if bytes.len() <= COPIED {
            self.small.extend_from_slice(bytes);
        } else {
            let mut before = Bytes::from(std::mem::take(&mut self.small));
            before.advance(std::mem::take(&mut self.small_sent));
            self.parts.extend([before, payload.to_bytes()]);
        }
    }

    /// For a frame that encodes itself.
    pub(crate) fn small(&mut self) -> &mut Vec<u8> {
        &mut self.small
    }

    /// Sends until everything is sent, the socket is full, or `budget` bytes are sent, which is counted down.
    pub(crate) fn send(
        &mut self,
        budget: &mut usize,
        send: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> Sent {
        while !self.is_empty() {
            if *budget == 0 {
                return Sent::Part;
            }
            match self.send_once(*budget, send) {
                Ok(sent) => {
                    self.advance(sent);
                    *budget = budget.saturating_sub(sent);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Part,
                // The supervisor sees the worker's end.
                Err(_) => return Sent::Closed,
            }
        }
        Sent::All
    }

    fn send_once(
        &self,
        most: usize,
        send: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let small = &self.small[self.small_sent..];
        if self.parts.is_empty() {
            return send(&[IoSlice::new(&small[..small.len().min(most)])]);
        }
        let mut left = most;
        let mut pieces = SmallVec::<[IoSlice<'_>; PARTS]>::new();
        for part in self.parts.iter().take(PARTS) {
            let len = part.len().min(left);
            pieces.push(IoSlice::new(&part[..len]));
            left -= len;
        }
        send(&pieces)
    }

    fn advance(&mut self, mut sent: usize) {
        while let Some(part) = self.parts.front_mut() {
            let of_part = sent.min(part.len());
            part.advance(of_part);
            sent -= of_part;
            if part.has_remaining() {
                return;
            }
            self.parts.pop_front();
        }
        self.small_sent += sent;
        if self.small_sent == self.small.len() {
            self.small.clear();
            self.small.shrink_to(KEPT_CAPACITY);
            self.small_sent = 0;
        }
    }
}
