//! The events that one worker sends.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BufMut;
use procpool_os::{ControlPage, memory};
use procpool_shared::Peer;
use procpool_wire::value::attachment::Attachment;
use procpool_wire::{Event, Finished, FrameBuffer, Outcome, Segments};

use crate::driver::transport::bulk_reader::Load;
use crate::driver::transport::channel::Receiver;

/// The limit for one read of a large event: 256 KiB. A larger read would block the runtime's thread for long.
const READ_LEN: usize = 256 * 1024;

/// The bytes of one worker's stream, as they become events.
#[derive(Debug)]
pub(crate) struct Incoming {
    socket: Receiver,
    buffer: FrameBuffer,
    /// How many bytes of the worker's stream have arrived.
    position: u64,
    /// How many of these were read from the spool, and will come from the socket a second time.
    ahead: usize,
    /// If the socket is lent: how many bytes of the event were missing.
    lent: Option<usize>,
    worker: Arc<Peer>,
    /// The attachments of the next result.
    attached: Option<Result<Vec<Attachment>, String>>,
    /// How the last message broke the protocol. This is returned next.
    violation: Option<String>,
}

/// A message of a worker.
#[derive(Debug)]
pub(crate) enum WorkerMessage {
    Event(Event),
    /// How the worker broke the protocol, in one line. The rest of its stream has no meaning.
    ProtocolViolation(String),
}

/// The next message to handle.
#[derive(Debug)]
pub(crate) enum Next {
    Message(WorkerMessage),
    /// To be [taken](Incoming::take_segments) while nothing is locked, before the next message.
    Segments(Segments),
    Nothing,
}

impl Incoming {
    pub(crate) fn new(socket: Receiver, worker: Arc<Peer>) -> Self {
        Incoming {
            socket,
            buffer: FrameBuffer::new(memory::reserve),
            position: 0,
            ahead: 0,
            lent: None,
            worker,
            attached: None,
            violation: None,
        }
    }
}

/// The outcome of one read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// This many bytes have arrived. There may be more.
    Bytes(usize),
    /// No bytes are available.
    Nothing,
    /// The other end is closed.
    End,
}

impl Incoming {
    /// Reads once. If no bytes are available, the task is woken when bytes arrive.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        let received = self.receive_by(|socket, room| match socket.poll_receive(cx, room) {
            Poll::Ready(received) => received,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        });
        match received {
            Ok(Received::Nothing) => Poll::Pending,
            received => Poll::Ready(received),
        }
    }

    /// Reads once without waiting, even if the runtime has noticed no bytes yet.
    pub(crate) fn receive_now(&mut self) -> io::Result<Received> {
        self.receive_by(|socket, room| socket.receive_now(room))
    }

    fn receive_by(
        &mut self,
        mut receive: impl FnMut(&mut Receiver, &mut dyn BufMut) -> io::Result<usize>,
    ) -> io::Result<Received> {
        loop {
            let received = match self.ahead {
                0 => receive(&mut self.socket, &mut self.buffer.room(READ_LEN)),
                ahead => {
                    let mut known = [0; 16 * 1024];
                    let len = ahead.min(known.len());
                    receive(&mut self.socket, &mut &mut known[..len])
                }
            };
            return match received {
                Ok(0) => Ok(Received::End),
                Ok(len) if self.ahead > 0 => {
                    self.ahead -= len;
                    continue;
                }
                Ok(len) => {
                    self.position += len as u64;
                    Ok(Received::Bytes(len))
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock => Ok(Received::Nothing),
                    io::ErrorKind::ConnectionReset => Ok(Received::End),
                    _ => Err(error),
                },
            };
        }
    }

    /// Returns how many bytes are missing of an event of which the first have arrived.
    pub(crate) fn missing(&self) -> usize {
        match self.ahead {
            0 => self.buffer.missing().unwrap_or_default(),
            // Bytes that came from the spool come first, and are not to be read into it.
            _ => 0,
        }
    }

    /// Lends the socket, and the event of which bytes are [missing](Self::missing).
    ///
    /// # Errors
    /// The socket can't be read any more.
    pub(crate) fn lend(&mut self) -> io::Result<Option<Load>> {
        let missing = self.missing();
        let Some(bulk) = self.buffer.lend_bulk() else {
            return Ok(None);
        };
        self.lent = Some(missing);
        let socket = self.socket.lend()?;
        Ok(Some(Load { socket, bulk }))
    }

    /// Takes back the socket and the event.
    ///
    /// # Errors
    /// The socket can't be read any more.
    pub(crate) fn take_back(&mut self, load: Load) -> io::Result<()> {
        let Load { socket, bulk } = load;
        let missed = self.lent.take().unwrap_or_default();
        self.position += (missed - bulk.missing()) as u64;
        self.buffer.take_back(bulk);
        self.socket.take_back(socket)
    }

    /// Whether the socket is lent. Until it is back, nothing can be received.
    pub(crate) fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Takes the bytes that are in the spool and not in the socket. Returns false if there are none.
    ///
    /// Once the worker has ended, and its socket is read to the end, these are the rest of its stream.
    pub(crate) fn collect(&mut self, page: &ControlPage) -> bool {
        if self.is_lent() {
            return false;
        }
        let mut rest = Vec::new();
        let collected = page.read_spool(self.position, &mut rest);
        self.position += rest.len() as u64;
        self.ahead += rest.len();
        self.buffer.extend(&rest);
        collected
    }

    /// How many bytes of the worker's stream have arrived.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Drops all bytes.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Takes the small results that are there next, one by one.
    #[inline]
    pub(crate) fn take_returned(&mut self, mut handle: impl FnMut(Finished<&[u8]>)) {
        // Small results have no attachments.
        while self.attached.is_none()
            && self.violation.is_none()
            && Finished::take_small(&mut self.buffer, &mut handle).is_some()
        {}
    }

    /// The next message that is complete.
    pub(crate) fn next(&mut self) -> Next {
        if let Some(what) = self.violation.take() {
            self.buffer.clear();
            return Next::Message(WorkerMessage::ProtocolViolation(what));
        }
        let mut event = match Event::take(&mut self.buffer) {
            Ok(None) => return Next::Nothing,
            Ok(Some(Event::Segments(segments))) => return Next::Segments(segments),
            Ok(Some(event)) => event,
            Err(error) => {
                self.buffer.clear();
                return Next::Message(WorkerMessage::ProtocolViolation(error.to_string()));
            }
        };
        if let Event::Finished(finished) = &mut event
            && let Some(attached) = self.attached.take()
            && let Outcome::Returned(result) = &mut finished.outcome
        {
            result.attach(attached);
        }
        Next::Message(WorkerMessage::Event(event))
    }

    /// Handles a message about shared memory. This makes system calls, and drops memory that the worker gives back.
    pub(crate) fn take_segments(&mut self, segments: Segments) {
        match self.worker.receive(segments) {
            Ok(received) => self.attached = received.attached,
            Err(what) => self.violation = Some(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use procpool_os::{SpoolWriter, socket};
    use procpool_wire::{DispatchId, Payload};

    use super::*;
    use crate::driver::transport::channel;

    fn push(spool: &mut SpoolWriter<'_>, number: u64) {
        let finished = Finished {
            dispatch_id: DispatchId { slot: 0, number },
            ran: Duration::ZERO,
            needs_recycle: false,
            outcome: Outcome::Returned(Payload::default()),
        };
        let mut frame = Vec::new();
        finished.encode(&mut frame).unwrap();
        assert!(spool.push(&[&frame]));
    }

    /// The numbers of the results that are there.
    fn taken(incoming: &mut Incoming) -> Vec<u64> {
        let events = std::iter::from_fn(|| match incoming.next() {
            Next::Message(WorkerMessage::Event(Event::Finished(finished))) => {
                Some(finished.dispatch_id.number)
            }
            Next::Nothing => None,
            other => panic!("{other:?}"),
        });
        events.collect()
    }

    /// Bytes that were taken from the spool come through the socket as well, sooner or later.
    #[tokio::test]
    async fn an_event_that_comes_both_ways_is_handled_once() {
        let (ours, theirs) = socket::pair().unwrap();
        let (_sender, ours) = channel::open(ours).unwrap();
        let (page, descriptor) = ControlPage::create().unwrap();
        let at_worker = ControlPage::attach(descriptor).unwrap();
        let mut spool = at_worker.spool_writer().unwrap();
        let mut incoming = Incoming::new(ours, Peer::new(1, || {}));
        let mut numbers = 0..;
        for several in [1, 3, 900] {
            let from_memory: Vec<_> = numbers.by_ref().take(several).collect();
            from_memory
                .iter()
                .for_each(|&number| push(&mut spool, number));
            assert!(incoming.collect(&page));
            assert_eq!(taken(&mut incoming), from_memory);
            assert!(!incoming.collect(&page), "nothing is new");

            let from_socket: Vec<_> = numbers.by_ref().take(2).collect();
            from_socket
                .iter()
                .for_each(|&number| push(&mut spool, number));
            spool.flush(&theirs).unwrap();
            assert!(!incoming.collect(&page), "the socket has it");
            let mut received = Vec::new();
            while received.len() < from_socket.len() {
                let read = poll_fn(|cx| incoming.poll_receive(cx)).await.unwrap();
                assert!(matches!(read, Received::Bytes(_)), "{read:?}");
                received.extend(taken(&mut incoming));
            }
            assert_eq!(received, from_socket);
            assert_eq!(incoming.receive_now().unwrap(), Received::Nothing);
        }
    }
}
