//! The worker's writing end: events to the parent.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use procpool_os::socket;
use procpool_wire::{Event, Finished, Refusal, Ticket};

/// Events to the parent; writing blocks until the kernel has taken all of it.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    socket: Arc<OwnedFd>,
}

impl Outbox {
    pub(crate) fn new(socket: Arc<OwnedFd>) -> Self {
        Outbox { socket }
    }

    pub(crate) fn send_ready(&self) -> io::Result<()> {
        let mut bytes = Vec::new();
        Event::encode_ready(&mut bytes);
        self.send(&bytes, &[])
    }

    pub(crate) fn send_refused(&self, refusal: &Refusal) -> io::Result<()> {
        let mut bytes = Vec::new();
        Event::encode_refused(refusal, &mut bytes).map_err(io::Error::other)?;
        self.send(&bytes, &[])
    }

    pub(crate) fn send_broadcast_ended(&self, refusal: &Option<Refusal>) -> io::Result<()> {
        let mut bytes = Vec::new();
        Event::encode_broadcast_ended(refusal, &mut bytes).map_err(io::Error::other)?;
        self.send(&bytes, &[])
    }

    /// Sends a result that [`Finished::MAX_RESULT_LEN`] allows.
    pub(crate) fn send_returned(
        &self,
        ticket: Ticket,
        ran: Duration,
        worn: bool,
        result: &[u8],
    ) -> io::Result<()> {
        let head =
            Finished::returned_head(ticket, ran, worn, result.len()).map_err(io::Error::other)?;
        self.send(&head, result)
    }

    pub(crate) fn send_finished(&self, finished: &Finished) -> io::Result<()> {
        let mut bytes = Vec::new();
        finished.encode(&mut bytes).map_err(io::Error::other)?;
        self.send(&bytes, &[])
    }

    fn send(&self, mut head: &[u8], mut body: &[u8]) -> io::Result<()> {
        while !head.is_empty() || !body.is_empty() {
            let parts = [IoSlice::new(head), IoSlice::new(body)];
            let sent = match socket::send_vectored(self.socket.as_fd(), &parts) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                sent => sent?,
            };
            let of_head = sent.min(head.len());
            head = &head[of_head..];
            body = &body[sent - of_head..];
        }
        Ok(())
    }
}
