//! The worker's sending end: events to the parent.

use std::cell::{RefCell, RefMut};
use std::io::{self, IoSlice};
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use procpool_os::{ControlPage, SpoolWriter, socket};
use procpool_shared::Peer;
use procpool_wire::{Event, Finished, ItemFrames, Payload, Refusal, ScalarType, frame};

use crate::tuning::{HELD_BACK, WORTH_A_WRITE};

/// Sends events to the parent. A write to the socket blocks until the kernel has taken all of it.
///
/// Results gather in the spool, which is shared memory. The parent takes them from there if this process is killed. All
/// other events are written to the socket at once, behind the results that have gathered.
///
/// Only the thread that runs tasks sends events. So the outbox has no lock, which would take as long as a tiny item.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    /// No code of the user runs while it is borrowed.
    stream: Rc<RefCell<Stream>>,
    parent: Arc<Peer>,
}

#[derive(Debug)]
struct Stream {
    socket: Arc<OwnedFd>,
    /// `None` until the control page is attached; until then no results gather.
    spool: Option<SpoolWriter<'static>>,
    /// When the first of the results ended that have gathered.
    held_since: Option<Duration>,
    /// It has written to the socket, which may have blocked, since [`Outbox::take_has_written`].
    has_written: bool,
}

impl Outbox {
    pub(crate) fn new(socket: Arc<OwnedFd>, parent: Arc<Peer>) -> Self {
        let stream = Stream {
            socket,
            spool: None,
            held_since: None,
            has_written: false,
        };
        Outbox {
            stream: Rc::new(RefCell::new(stream)),
            parent,
        }
    }

    /// Lets results gather on this page from now on. This must come before the first event, since positions are counted
    /// from the beginning of the stream.
    pub(crate) fn gather_on(&self, page: &'static ControlPage) {
        self.stream().spool = page.spool_writer();
    }

    pub(crate) fn send_ready(&self) -> io::Result<()> {
        let mut bytes = Vec::new();
        Event::encode_ready(&mut bytes);
        self.send(&bytes)
    }

    pub(crate) fn send_refused(&self, refusal: &Refusal) -> io::Result<()> {
        let mut bytes = Vec::new();
        Event::encode_refused(refusal, &mut bytes).map_err(io::Error::other)?;
        self.send(&bytes)
    }

    pub(crate) fn send_broadcast_ended(&self, refusal: &Option<Refusal>) -> io::Result<()> {
        let mut bytes = Vec::new();
        Event::encode_broadcast_ended(refusal, &mut bytes).map_err(io::Error::other)?;
        self.send(&bytes)
    }

    pub(crate) fn send_finished(&self, finished: &Finished) -> io::Result<()> {
        let mut bytes = Vec::new();
        finished.encode(&mut bytes).map_err(io::Error::other)?;
        self.send(&bytes)
    }

    /// Adds a result, which [`Finished::MAX_RESULT_LEN`] allows.
    pub(crate) fn push_returned(&self, finished: Finished<&Payload>) -> io::Result<()> {
        let result = finished.outcome;
        let head = finished.head().map_err(io::Error::other)?.bytes();
        let (shared, prefix) = (self.shared(result)?, result.prefix());
        match shared.is_empty() && prefix.is_empty() {
            true => self.stream().push([head.as_flattened(), result.bytes()]),
            false => self
                .stream()
                .push([&shared, head.as_flattened(), &prefix, result.bytes()]),
        }
    }

    /// Adds a small result.
    #[inline]
    pub(crate) fn push_small(&self, finished: Finished<&[u8]>) -> io::Result<()> {
        if self.parent.has_notices() {
            let result = Payload::from(finished.outcome);
            return self.push_returned(finished.with_outcome(&result));
        }
        let head = finished.head().map_err(io::Error::other)?;
        self.stream().push_words(head.words(), finished.outcome)
    }

    /// Adds the end of a task that has no result.
    pub(crate) fn push_finished(&self, finished: &Finished) -> io::Result<()> {
        let mut bytes = self.shared(&Payload::default())?;
        finished.encode(&mut bytes).map_err(io::Error::other)?;
        self.stream().push([&bytes])
    }

    /// The message about shared memory that must come before a result; empty if there is none.
    fn shared(&self, result: &Payload) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some(segments) = self.parent.lend(result.attached()) {
            segments.encode_up(&mut bytes).map_err(io::Error::other)?;
        }
        Ok(bytes)
    }

    /// Adds one frame.
    #[inline]
    pub(crate) fn push_frame(&self, frame: &[u8]) -> io::Result<()> {
        self.stream().push([frame])
    }

    /// The length of the stream, with the results that have gathered. Zero before the control page is attached.
    pub(crate) fn position(&self) -> u64 {
        self.stream()
            .spool
            .as_ref()
            .map_or(0, SpoolWriter::position)
    }

    /// Adds the result of an item.
    #[inline]
    pub(crate) fn push_item(&self, result: &[u8]) -> io::Result<()> {
        match frame::short_header(result.len()) {
            Some(header) => self.stream().push_short(header, result),
            None => self.push_long_item(result),
        }
    }

    /// Adds the result of an item that is a bare number.
    #[inline]
    pub(crate) fn push_scalar_item(&self, kind: ScalarType, bits: u64) -> io::Result<()> {
        self.stream()
            .push_number(frame::scalar_header(kind), bits, kind.width())
    }

    fn push_long_item(&self, result: &[u8]) -> io::Result<()> {
        let header = ItemFrames::header(result.len()).map_err(io::Error::other)?;
        self.stream().push([&header, result])
    }

    /// Writes the results that have gathered.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.stream().flush()
    }

    /// Writes the results that have gathered, if it is time. The last one is that of a task which has just `ended`.
    #[inline]
    pub(crate) fn flush_in_time(&self, ran: Duration, ended: Duration) -> io::Result<()> {
        let mut stream = self.stream();
        let since = *stream.held_since.get_or_insert(ended);
        match ran >= WORTH_A_WRITE || ended.saturating_sub(since) >= HELD_BACK {
            true => stream.flush(),
            false => Ok(()),
        }
    }

    /// The parent has taken all results that have gathered from shared memory, so they are not held back.
    #[inline]
    pub(crate) fn note_taken(&self) {
        self.stream().held_since = None;
    }

    /// Whether the outbox has written to the socket since this was last called. A write blocks while the socket is
    /// full.
    #[inline]
    pub(crate) fn take_has_written(&self) -> bool {
        mem::take(&mut self.stream().has_written)
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        let mut stream = self.stream();
        stream.push([message])?;
        stream.flush()
    }

    #[inline]
    fn stream(&self) -> RefMut<'_, Stream> {
        self.stream.borrow_mut()
    }
}

impl Stream {
    #[inline]
    fn push<const N: usize>(&mut self, parts: [&[u8]; N]) -> io::Result<()> {
        let Some(spool) = &mut self.spool else {
            self.has_written = true;
            return send_all(&self.socket, parts);
        };
        match spool.push(&parts) {
            true => Ok(()),
            false => self.make_room(parts),
        }
    }

    #[inline]
    fn push_words<const N: usize>(&mut self, words: [u64; N], rest: &[u8]) -> io::Result<()> {
        if let Some(spool) = &mut self.spool
            && spool.push_words(&words, rest)
        {
            return Ok(());
        }
        self.push([words.map(u64::to_le_bytes).as_flattened(), rest])
    }

    #[inline]
    fn push_short(&mut self, header: [u8; 1], body: &[u8]) -> io::Result<()> {
        if let Some(spool) = &mut self.spool
            && spool.push_short(header[0], body)
        {
            return Ok(());
        }
        // There is no room, or the body is longer.
        self.push([&header, body])
    }

    #[inline]
    fn push_number(&mut self, header: u8, number: u64, width: usize) -> io::Result<()> {
        if let Some(spool) = &mut self.spool
            && spool.push_number(header, number, width)
        {
            return Ok(());
        }
        self.push([&[header], &number.to_le_bytes()[..width]])
    }

    #[cold]
    fn make_room<const N: usize>(&mut self, parts: [&[u8]; N]) -> io::Result<()> {
        self.has_written = true;
        let Some(spool) = &mut self.spool else {
            return send_all(&self.socket, parts);
        };
        spool.flush(&self.socket)?;
        if !spool.push(&parts) {
            // A message that is larger than the spool is not copied there.
            send_all(&self.socket, parts)?;
            spool.skip(parts.iter().map(|part| part.len()).sum());
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.held_since = None;
        match &mut self.spool {
            Some(spool) if !spool.is_empty() => {
                self.has_written = true;
                spool.flush(&self.socket)
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn send_all<const N: usize>(socket: &OwnedFd, mut parts: [&[u8]; N]) -> io::Result<()> {
    while parts.iter().any(|part| !part.is_empty()) {
        let slices = front(parts, socket::MAX_COPY).map(IoSlice::new);
        let mut sent = socket::send_vectored(socket.as_fd(), &slices)?;
        for part in &mut parts {
            let of_part = sent.min(part.len());
            *part = &part[of_part..];
            sent -= of_part;
        }
    }
    Ok(())
}

/// The first bytes of the parts, `most` at most.
fn front<const N: usize>(parts: [&[u8]; N], mut most: usize) -> [&[u8]; N] {
    parts.map(|part| {
        let front = &part[..part.len().min(most)];
        most -= front.len();
        front
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    #[test]
    fn front_takes_as_many_bytes_as_it_may() {
        let parts: [&[u8]; 3] = [b"one", b"", b"three"];
        assert_eq!(front(parts, usize::MAX), parts);
        assert_eq!(front(parts, 5), [b"one" as &[u8], b"", b"th"]);
        assert_eq!(front(parts, 2), [b"on" as &[u8], b"", b""]);
    }

    #[test]
    fn a_large_message_arrives_unchanged() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let head: Vec<u8> = (0..100).collect();
        let body: Vec<u8> = (0..(4 << 20) + 12_345)
            .map(|place| (place >> 10) as u8)
            .collect();
        let expected = [&head[..], &body].concat();
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).unwrap();
            received
        });
        let ours = OwnedFd::from(ours);
        send_all(&ours, [&head, &body]).unwrap();
        drop(ours);
        assert!(reader.join().unwrap() == expected);
    }
}
