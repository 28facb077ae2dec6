//! What one worker that is ready says: read, and handled.

use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use parking_lot::Mutex;
use procpool_scheduler::WorkerId;

use crate::driver::pool::core::Core;
use crate::driver::pool::event_queue::{Mailbox, Message};
use crate::driver::pool::state::State;
use crate::driver::transport::bulk_reader::{BulkReader, Load, WORTH_A_THREAD};
use crate::driver::transport::incoming::{Incoming, Next, Received};
use crate::driver::transport::link::Link;
use crate::soon::Speaker;

/// How many reads are made before other runtime tasks get their turn.
const READS_IN_A_ROW: usize = 16;

/// How many bytes are read before other runtime tasks get their turn: 256 KiB, which takes a tenth of a
/// millisecond with the memory for them.
const BYTES_IN_A_ROW: usize = 256 << 10;

/// So much is worth more than to wait for who has the lock: some thirty results, 1 KiB.
const MUCH: usize = 1 << 10;

/// How many times as many reads are made at most once the worker has ended: more than a socket can
/// hold, so that only a descendant which goes on writing is cut off.
const LAST_READS: usize = 64;

/// Handles the events of one worker, in order.
///
/// It has a task that waits for them. But who waits awake for a result takes it as well, without the way through
/// the runtime, and the worker's [supervisor](super::supervisor) takes what is left at the end.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The pool has this, too.
    core: Weak<Core>,
    worker: WorkerId,
    link: Arc<Link>,
    /// Locked while what was read is handled, so that it is handled in order.
    incoming: Mutex<Incoming>,
    mailbox: Arc<Mailbox>,
}

impl Reader {
    /// To go on where the handshake has come to.
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
            mailbox: Arc::default(),
        }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Handles what has come with what was read before this was there: a worker may have begun with a task.
    pub(crate) fn handle_rest(&self) {
        self.handle_events(&mut self.incoming.lock());
    }

    /// Handles what comes through the socket, until its other end is closed.
    ///
    /// This is a task of its own, since it is woken for each result that nobody waits for awake, and to look at all
    /// that a supervisor waits for takes longer than to handle one.
    ///
    /// # Cancel safety
    /// While a [thread](BulkReader) reads much of a result, none: if this is dropped then, nothing more is received from the
    /// worker. The supervisor drops it only when it gives the worker up.
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

    /// If much of an event is still to come, it is for a thread of its own to read. If there is none, it is read here.
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

    /// Handles what is there, and is then woken by what comes next. `Continue`: there may be more, and it is the
    /// turn of others, or much is missing of an event.
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

    /// The worker has ended: handles all that it has said. False if a thread is reading it, which then
    /// [gives back](Self::run) what there was and so has to be waited for.
    pub(crate) fn receive_last(&self) -> bool {
        let mut incoming = self.incoming.lock();
        if incoming.is_lent() {
            // A grandchild may hold the socket open.
            self.link.end_receiving();
            return false;
        }
        // A grandchild may hold the socket open: what is there now is all there is.
        for _ in 0..LAST_READS {
            let received = incoming.receive_now();
            if !matches!(self.handle(&mut incoming, received), Received::Bytes(_)) {
                break;
            }
        }
        self.collect_from(&mut incoming);
        true
    }

    /// Handles what the worker has said and not written to its socket.
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

    /// All that one read brings goes through the lock at once, and what follows from it for the worker goes out in
    /// one write.
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
        // Without a pool nobody waits for anything.
        let Some(core) = self.core.upgrade() else {
            return incoming.clear();
        };
        loop {
            let next = match self.may_leave(incoming) {
                false => core.with(|state, now| self.handle_all(state, now, incoming)),
                true => core
                    .try_with(|state, now| self.handle_all(state, now, incoming))
                    .unwrap_or_else(|| self.leave_all(&core, incoming)),
            };
            match next {
                // This makes system calls.
                Next::Segments(segments) => incoming.take_segments(segments),
                Next::Said(_) | Next::Nothing => break,
            }
        }
        self.link.set_received(incoming.position());
    }

    /// Whether what is there is to be left for someone else if they have the lock, rather than to wait for that.
    ///
    /// Little is not: while it waits more of it gathers. Where workers outnumber processors nearly all is little, and
    /// less of it at a time the sooner it is handled, until each worker is woken for a task or two.
    fn may_leave(&self, incoming: &Incoming) -> bool {
        incoming.len() >= MUCH && !self.link.is_crowded()
    }

    /// Handles what is there, up to what can only be done without the lock.
    fn handle_all(&self, state: &mut State, now: Instant, incoming: &mut Incoming) -> Next {
        state.scheduler.begin_batch();
        let next = loop {
            incoming.take_returned(|returned| state.handle_returned(now, self.worker, returned));
            match incoming.next() {
                Next::Said(said) => state.handle_said(now, self.worker, said),
                next => break next,
            }
        };
        state.scheduler.end_batch(now);
        next
    }

    /// As [`handle_all`](Self::handle_all), but it is for someone else to handle, who has the lock.
    fn leave_all(&self, core: &Arc<Core>, incoming: &mut Incoming) -> Next {
        let next = self.mailbox.add(|said| {
            loop {
                match incoming.next() {
                    Next::Said(one) => said.push(one),
                    next => break next,
                }
            }
        });
        core.leave(Message::Said(self.worker, Arc::clone(&self.mailbox)));
        next
    }
}

fn unreadable(error: &io::Error) {
    tracing::error!(%error, "procpool: a worker's socket can't be read");
}

impl Speaker for Reader {
    fn has_said_more(&self) -> bool {
        self.link.holds_back()
    }

    fn hear(&self) {
        let Some(mut incoming) = self.incoming.try_lock() else {
            return;
        };
        // It is in memory, or in the socket by now.
        if !self.collect_from(&mut incoming)
            && let Ok(Received::Bytes(_)) = incoming.receive_now()
        {
            self.handle_events(&mut incoming);
        }
    }

    fn args_len(&self) -> usize {
        self.link.args_len()
    }

    fn stop_waiting(&self) {
        self.link.page().set_awaited(false);
    }
}
