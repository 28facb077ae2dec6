//! The parent's end of one worker, from its spawn on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use procpool_os::control::monotonic_now;
use procpool_os::{ControlPage, Standing as Written};
use procpool_scheduler::Standing;
use procpool_shared::Peer;
use procpool_wire::{Broadcast, Command, Initialize, Payload, Run, RunItems, SmallRun, Ticket};
use tokio::sync::Notify;

use crate::driver::transport::channel::Sender;
use crate::driver::transport::outbox::Outbox;
use crate::driver::transport::outgoing_frames::COPIED;

/// The socket and the control page of one worker.
///
/// Messages are pushed under the pool's lock, and sent without it. A push waits for no system call.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Sender,
    page: Arc<ControlPage>,
    outbox: Outbox,
    /// The outbox has just become blocked.
    blocked: Notify,
    /// How much of the worker's stream is here.
    received: AtomicU64,
    collect: Notify,
    /// Of the last task that may be awaited awake.
    args_len: AtomicUsize,
    /// More workers have something to do than there are processors.
    is_crowded: AtomicBool,
    worker: Arc<Peer>,
    /// There is something to tell the worker of shared memory.
    notices: Arc<Notify>,
}

impl Link {
    pub(crate) fn new(socket: Sender, page: ControlPage, pid: u32) -> Self {
        let notices = Arc::new(Notify::new());
        let wake = Arc::clone(&notices);
        Link {
            socket,
            page: Arc::new(page),
            outbox: Outbox::default(),
            blocked: Notify::new(),
            received: AtomicU64::new(0),
            collect: Notify::new(),
            args_len: AtomicUsize::new(0),
            is_crowded: AtomicBool::new(false),
            worker: Peer::new(pid, move || wake.notify_one()),
            notices,
        }
    }

    pub(crate) fn page(&self) -> &Arc<ControlPage> {
        &self.page
    }

    /// How far the worker says that it has come with a task.
    pub(crate) fn standing(&self, ticket: Ticket) -> Standing {
        match self.page.standing(usize::from(ticket.slot), ticket.number) {
            Written::Unclaimed => Standing::Unclaimed,
            Written::Running { since } => Standing::Running {
                since: instant(since),
            },
            Written::Finished => Standing::Finished,
        }
    }

    /// Notes how much of the worker's stream is here, and lets the worker know.
    pub(crate) fn set_received(&self, position: u64) {
        self.received.store(position, Ordering::Relaxed);
        self.page.set_taken(position);
    }

    /// Whether the worker has said more than is here, be it in the socket or not.
    pub(crate) fn holds_back(&self) -> bool {
        self.page.spool_head() > self.received.load(Ordering::Relaxed)
    }

    /// Has whoever waits for it take what the worker holds back.
    pub(crate) fn request_collect(&self) {
        self.collect.notify_one();
    }

    /// Waits for such a request.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn collect_requested(&self) {
        self.collect.notified().await;
    }

    /// The worker is given up, or has ended: what is in the socket can be read, and nothing comes after it.
    pub(crate) fn end_receiving(&self) {
        self.socket.end_receiving();
    }

    /// The worker, as far as shared memory goes.
    pub(crate) fn worker(&self) -> &Arc<Peer> {
        &self.worker
    }

    /// Waits until there is something to tell the worker of shared memory.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn has_notices(&self) {
        self.notices.notified().await;
    }

    /// Tells it.
    pub(crate) fn tell_notices(&self) {
        self.push(&[], &Payload::default());
        self.flush();
    }

    /// Puts a message into the outbox, behind what is to be said of the memory that it shares.
    fn push(&self, head: &[u8], payload: &Payload) {
        self.outbox.push(|frames| {
            if let Some(segments) = self.worker.lend(payload.attached()) {
                // A payload has far fewer attachments than a frame has room for; else nothing is written.
                let _ = segments.encode_down(frames.small());
            }
            frames.push(head, payload);
        });
    }

    /// Puts a task into the outbox, and on the control page, where it may be claimed or revoked.
    pub(crate) fn offer(&self, run: &Run) {
        // Arguments beyond what a frame can hold were refused when the task was submitted.
        let Ok(head) = run.head() else { return };
        // On the page first: the worker may read the frame the moment it is written.
        self.page
            .offer(usize::from(run.ticket.slot), run.ticket.number);
        self.push(&head, &run.args);
    }

    /// As [`offer`](Link::offer), of a task of few arguments; false if they are not few, and nothing is done.
    pub(crate) fn offer_small(&self, run: &SmallRun<'_>) -> bool {
        if self.worker.has_notices() {
            return false;
        }
        let Some(head) = run.head().filter(|_| run.args.len() <= COPIED) else {
            return false;
        };
        // On the page first: the worker may read the frame the moment it is sent.
        self.page
            .offer(usize::from(run.ticket.slot), run.ticket.number);
        self.outbox.push(|frames| frames.push_words(head, run.args));
        true
    }

    /// Puts several items into the outbox, and on the control page, where each may be claimed or taken
    /// back.
    pub(crate) fn offer_items(&self, run: &RunItems) {
        // Items beyond what a frame can hold were refused when the chunk was made.
        let Ok(head) = run.head() else { return };
        let Ticket { slot, number } = run.ticket;
        self.page.offer_items(usize::from(slot), number, run.count);
        self.outbox.push(|frames| frames.push(&head, &run.items));
    }

    /// Puts the making of the worker's state into the outbox.
    pub(crate) fn push_initialize(&self, initialize: &Initialize) {
        // Arguments beyond what a frame can hold were refused when the pool was built.
        let Ok(head) = initialize.head() else { return };
        self.push(&head, &initialize.args);
    }

    /// Puts what every worker runs into the outbox.
    pub(crate) fn push_broadcast(&self, broadcast: &Broadcast) {
        // Arguments beyond what a frame can hold were refused when they were encoded.
        let Ok(head) = broadcast.head() else { return };
        self.push(&head, &broadcast.args);
    }

    pub(crate) fn push_resume(&self) {
        self.outbox
            .push(|frames| Command::encode_resume(frames.small()));
    }

    /// Has the worker write what it holds back before it runs what is offered next.
    pub(crate) fn push_flush(&self) {
        self.outbox
            .push(|frames| Command::encode_flush(frames.small()));
    }

    pub(crate) fn push_stop(&self) {
        self.outbox
            .push(|frames| Command::encode_stop(frames.small()));
    }

    /// Whether more workers have something to do than there are processors, as far as was known when this one was sent a
    /// task last.
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Ordering::Relaxed)
    }

    pub(crate) fn set_crowded(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Ordering::Relaxed);
    }

    /// The worker is given so many bytes of arguments, with a task that may be awaited awake.
    pub(crate) fn set_args_len(&self, len: usize) {
        self.args_len.store(len, Ordering::Relaxed);
    }

    /// As [`set_args_len`](Self::set_args_len) was told.
    pub(crate) fn args_len(&self) -> usize {
        self.args_len.load(Ordering::Relaxed)
    }

    /// Sends what the socket takes; the rest follows from [`Link::write_blocked`].
    pub(crate) fn flush(&self) {
        let must_wait = self.outbox.flush(&self.socket);
        self.page.ring();
        if must_wait {
            self.blocked.notify_one();
        }
    }

    /// Waits until the outbox is blocked, then until the socket takes more, and writes on.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn write_blocked(&self) {
        while !self.outbox.is_blocked() {
            self.blocked.notified().await;
        }
        if self.socket.writable().await.is_err() {
            // The runtime is stopping.
            std::future::pending().await
        }
        self.outbox.resume(&self.socket);
        self.page.ring();
    }
}

/// A moment on the page's clock. It is also that of [`Instant`], which hides its numbers. What lies in the future
/// becomes now.
fn instant(since_boot: Duration) -> Instant {
    let ago = monotonic_now().saturating_sub(since_boot);
    let now = Instant::now();
    now.checked_sub(ago).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_the_page_is_the_same_moment_here() {
        for ago in [Duration::ZERO, Duration::from_secs(1), monotonic_now()] {
            let before = Instant::now();
            let converted = instant(monotonic_now().saturating_sub(ago));
            assert!(before <= converted + ago && converted + ago <= Instant::now());
        }
    }

    #[test]
    fn the_future_is_now_and_no_number_makes_a_panic() {
        for ahead in [Duration::from_secs(9), Duration::from_nanos(u64::MAX)] {
            let converted = instant(monotonic_now().saturating_add(ahead));
            assert!(converted <= Instant::now());
        }
        assert!(instant(Duration::ZERO) < Instant::now());
    }
}
