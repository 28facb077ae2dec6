//! Reads and handles the events of one worker.

use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use parking_lot::Mutex;
use procpool_scheduler::WorkerId;

use crate::driver::pool::core::Core;
use crate::driver::pool::state::State;
use crate::driver::transport::bulk_reader::{BulkReader, Load, WORTH_A_THREAD};
use crate::driver::transport::incoming::{Incoming, Next, Received};
use crate::driver::transport::link::Link;
use crate::spin_wait::ResultSource;

/// The reader task yields to other runtime tasks after this many reads.
const READS_IN_A_ROW: usize = 16;

/// The reader task yields to other runtime tasks after this many bytes: 256 KiB, which take a tenth of a millisecond to
/// read into fresh memory.
const BYTES_IN_A_ROW: usize = 256 << 10;

/// The most reads after the worker has ended. They read more than a socket can hold, so only bytes of a descendant that keeps
/// writing are lost.
const LAST_READS: usize = 64;

/// Handles the events of one worker, in order.
///
/// A task of the runtime waits for events and handles them. Two other callers handle events too: a thread that spins for a
/// result, and the worker's [supervisor](super::supervisor) when the worker has ended.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Weak, since the pool's state has a reference to the reader.
    core: Weak<Core>,
    worker: WorkerId,
    link: Arc<Link>,
    /// Locked until the events of a read are handled, so that events are handled in order.
    incoming: Mutex<Incoming>,
}

impl Reader {
    /// Creates a reader that continues after the handshake.
    pub(crate) fn new(
        core: &Arc<Core>,
        worker: WorkerId,
        link: Arc<Link>,
        incoming: Incoming,
    ) -> Self {
        Reader {
            core: Arc::downgrade(core),
            worker,
            link,
            incoming: Mutex::new(incoming),
        }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Handles the bytes that the handshake has read beyond its message.
    pub(crate) fn handle_rest(&self) {
        self.handle_events(&mut self.incoming.lock());
    }

    /// Handles the events that come through the socket, until its other end is closed.
    ///
    /// This runs in a separate runtime task. Most results wake it. A wake-up of the supervisor would poll all futures of its
    /// `select!`, which takes longer than handling a result.
    ///
    /// # Cancel safety
    /// Not cancel safe while a [thread](BulkReader) reads a large result: if this is dropped then, the reader receives nothing more
    /// from the worker. The supervisor drops it only when it gives the worker up.
    pub(crate) async fn run(self: Arc<Self>) {
        while poll_fn(|cx| self.poll_receive(cx)).await.is_continue() {
            match self.lend() {
                Ok(None) => tokio::task::yield_now().await,
                Ok(Some((thread, load))) => {
                    let read = thread.read(load).await;
                    if let Err(error) = read.and_then(|load| self.take_back(load)) {
                        return unreadable(&error);
                    }
                }
                Err(error) => return unreadable(&error),
            }
        }
    }

    /// Starts a thread to read the rest of an event if at least [`WORTH_A_THREAD`] bytes are missing. Returns `None` if fewer bytes are
    /// missing, or if no thread can be started. Then this task reads them.
    fn lend(&self) -> io::Result<Option<(BulkReader, Load)>> {
        let mut incoming = self.incoming.lock();
        if incoming.missing() < WORTH_A_THREAD {
            return Ok(None);
        }
        let Ok(thread) = BulkReader::start(Arc::clone(&self.link)) else {
            return Ok(None);
        };
        let load = incoming.lend()?;
        Ok(load.map(|load| (thread, load)))
    }

    fn take_back(&self, load: Load) -> io::Result<()> {
        let mut incoming = self.incoming.lock();
        incoming.take_back(load)?;
        self.handle_events(&mut incoming);
        Ok(())
    }

    /// Handles the events that have arrived, and registers the task to be woken for the next ones. Returns `Continue` if the task must
    /// yield before it reads more, or if many bytes of an event are missing.
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<ControlFlow<()>> {
        let mut incoming = self.incoming.lock();
        let (mut reads, mut sum) = (0, 0);
        while reads < READS_IN_A_ROW && sum < BYTES_IN_A_ROW {
            let received = ready!(incoming.poll_receive(cx));
            match self.handle(&mut incoming, received) {
                Received::Bytes(len) => sum += len,
                Received::Nothing | Received::End => return Poll::Ready(ControlFlow::Break(())),
            }
            if incoming.missing() >= WORTH_A_THREAD {
                break;
            }
            reads += 1;
        }
        Poll::Ready(ControlFlow::Continue(()))
    }

    /// Handles all remaining events of a worker that has ended. Returns false if a thread has the socket. Then the caller waits for
    /// [`run`](Self::run), which takes the socket back, and calls this again.
    pub(crate) fn receive_last(&self) -> bool {
        let mut incoming = self.incoming.lock();
        if incoming.is_lent() {
            // A descendant of the worker may hold the socket open.
            self.link.end_receiving();
            return false;
        }
        // A descendant of the worker may hold the socket open, so this does not wait for the end of the stream.
        for _ in 0..LAST_READS {
            let received = incoming.receive_now();
            if !matches!(self.handle(&mut incoming, received), Received::Bytes(_)) {
                break;
            }
        }
        self.collect_from(&mut incoming);
        true
    }

    /// Handles the events that are in the spool and not in the socket.
    pub(crate) fn collect(&self) {
        self.collect_from(&mut self.incoming.lock());
    }

    fn collect_from(&self, incoming: &mut Incoming) -> bool {
        let is_something = incoming.collect(self.link.page());
        if is_something {
            self.handle_events(incoming);
        }
        is_something
    }

    /// Handles all events of one read with one use of the pool's lock. Then one system call sends the worker all frames that the
    /// scheduler's actions have added.
    fn handle(&self, incoming: &mut Incoming, received: io::Result<Received>) -> Received {
        match received {
            Ok(received) => {
                if let Received::Bytes(_) = received {
                    self.handle_events(incoming);
                }
                received
            }
            Err(error) => {
                unreadable(&error);
                Received::End
            }
        }
    }

    fn handle_events(&self, incoming: &mut Incoming) {
        // The pool was dropped, and all of its tasks are resolved.
        let Some(core) = self.core.upgrade() else {
            return incoming.clear();
        };
        // A message about shared memory makes system calls, so it is handled without the lock.
        while let Next::Segments(segments) =
            core.with(|state, now| self.handle_all(state, now, incoming))
        {
            incoming.take_segments(segments);
        }
        self.link.set_received(incoming.position());
    }

    /// Handles events, up to one that must be handled without the lock.
    fn handle_all(&self, state: &mut State, now: Instant, incoming: &mut Incoming) -> Next {
        state.scheduler.begin_batch();
        let next = loop {
            incoming.take_returned(|returned| state.handle_returned(now, self.worker, returned));
            match incoming.next() {
                Next::Message(message) => state.handle_message(now, self.worker, message),
                next => break next,
            }
        };
        state.scheduler.end_batch(now);
        next
    }
}

fn unreadable(error: &io::Error) {
    tracing::error!(%error, "procpool: a worker's socket can't be read");
}

impl ResultSource for Reader {
    fn has_more(&self) -> bool {
        self.link.holds_back()
    }

    fn handle_more(&self) {
        let Some(mut incoming) = self.incoming.try_lock() else {
            return;
        };
        // The result is in the spool, or in the socket by now.
        if !self.collect_from(&mut incoming)
            && let Ok(Received::Bytes(_)) = incoming.receive_now()
        {
            self.handle_events(&mut incoming);
        }
    }

    fn stop_spinning(&self) {
        self.link.page().set_awaited(false);
    }
}
