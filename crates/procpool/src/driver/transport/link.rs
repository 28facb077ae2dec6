//! The parent's end of one worker, from its spawn on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use procpool_os::control::monotonic_now;
use procpool_os::{ControlPage, RunState as Written};
use procpool_scheduler::RunState;
use procpool_shared::Peer;
use procpool_wire::value::attachment::Attachment;
use procpool_wire::{Command, DispatchId, Head, Payload, Preparation, Run, RunItems};
use tokio::sync::Notify;

use crate::driver::transport::channel::Sender;
use crate::driver::transport::outbox::Outbox;
use crate::driver::transport::outgoing_frames::OutgoingFrames;

/// The socket and the control page of one worker.
///
/// Threads push messages under the pool's lock, and send them after they have released it. A push waits for no system call.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Sender,
    page: Arc<ControlPage>,
    outbox: Outbox,
    /// The outbox has just become blocked.
    blocked: Notify,
    /// How many bytes of the worker's stream have arrived.
    received: AtomicU64,
    collect: Notify,
    worker: Arc<Peer>,
    /// Notified when there is a message about shared memory for the worker.
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
            worker: Peer::new(pid, move || wake.notify_one()),
            notices,
        }
    }

    pub(crate) fn page(&self) -> &Arc<ControlPage> {
        &self.page
    }

    /// Returns the state of a task on the control page.
    pub(crate) fn run_state(&self, dispatch_id: DispatchId) -> RunState {
        match self
            .page
            .run_state(usize::from(dispatch_id.slot), dispatch_id.number)
        {
            Written::Unclaimed => RunState::Unclaimed,
            Written::Running { since } => RunState::Running {
                since: instant(since),
            },
            Written::Finished => RunState::Finished,
        }
    }

    /// Records how many bytes of the worker's stream have arrived, here and on the control page.
    pub(crate) fn set_received(&self, position: u64) {
        self.received.store(position, Ordering::Relaxed);
        self.page.set_taken(position);
    }

    /// Returns whether the spool has bytes that have not arrived.
    pub(crate) fn holds_back(&self) -> bool {
        self.page.spool_head() > self.received.load(Ordering::Relaxed)
    }

    /// Asks the supervisor to take the results that the worker holds back.
    pub(crate) fn request_collect(&self) {
        self.collect.notify_one();
    }

    /// Waits for a [request](Link::request_collect).
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn collect_requested(&self) {
        self.collect.notified().await;
    }

    /// Ends receiving, since the worker has ended or is given up. The bytes in the socket can still be read.
    pub(crate) fn end_receiving(&self) {
        self.socket.end_receiving();
    }

    /// The worker's part in shared memory.
    pub(crate) fn worker(&self) -> &Arc<Peer> {
        &self.worker
    }

    /// Waits until there is a message about shared memory for the worker.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn has_notices(&self) {
        self.notices.notified().await;
    }

    /// Sends the worker the message about shared memory.
    pub(crate) fn tell_notices(&self) {
        self.outbox.push(|frames| self.push_segments(frames, &[]));
        self.flush();
    }

    /// Puts a message into the outbox, after the message about the memory that it shares.
    #[inline]
    fn push<const WORDS: usize>(&self, head: Head<WORDS>, payload: &Payload) {
        self.outbox.push(|frames| {
            self.push_segments(frames, payload.attached());
            frames.push(head, payload);
        });
    }

    fn push_segments(&self, frames: &mut OutgoingFrames, attached: &[Attachment]) {
        if let Some(segments) = self.worker.lend(attached) {
            // This fails, and writes nothing, if a payload has more attachments than fit into a frame.
            let _ = segments.encode_down(frames.small());
        }
    }

    /// Puts a task into the outbox, and on the control page, where it may be claimed or revoked.
    #[inline]
    pub(crate) fn offer(&self, run: Run<&Payload>) {
        // Arguments that a frame can't hold were refused when the task was submitted.
        let Ok(head) = run.head() else { return };
        // On the page first: the worker may read the frame as soon as it is sent.
        self.page
            .offer(usize::from(run.dispatch_id.slot), run.dispatch_id.number);
        self.push(head, run.args);
    }

    /// Puts several items into the outbox, and on the control page, where each may be claimed or taken
    /// back.
    pub(crate) fn offer_items(&self, run: &RunItems) {
        // Items that a frame can't hold were refused when the chunk was made.
        let Ok(head) = run.head() else { return };
        let DispatchId { slot, number } = run.dispatch_id;
        self.page.offer_items(usize::from(slot), number, run.count);
        self.outbox.push(|frames| frames.push(head, &run.items));
    }

    /// Puts the pool's initializer into the outbox.
    pub(crate) fn push_initialize(&self, initialize: &Preparation) {
        // Arguments that a frame can't hold were refused when the pool was built.
        let Ok(head) = initialize.initialize_head() else {
            return;
        };
        self.push(head, &initialize.args);
    }

    /// Puts a broadcast into the outbox.
    pub(crate) fn push_broadcast(&self, broadcast: &Preparation) {
        // Arguments that a frame can't hold were refused when they were encoded.
        let Ok(head) = broadcast.broadcast_head() else {
            return;
        };
        self.push(head, &broadcast.args);
    }

    pub(crate) fn push_resume(&self) {
        self.outbox
            .push(|frames| Command::encode_resume(frames.small()));
    }

    pub(crate) fn push_stop(&self) {
        self.outbox
            .push(|frames| Command::encode_stop(frames.small()));
    }

    /// Sends what the socket takes. The supervisor sends the rest by [`Link::write_blocked`].
    pub(crate) fn flush(&self) {
        let must_wait = self.outbox.flush(&self.socket);
        self.page.ring();
        if must_wait {
            self.blocked.notify_one();
        }
    }

    /// Waits until the outbox is blocked, then until the socket is writable, and sends more.
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

/// A moment on the page's clock, which is also the clock of [`Instant`]. A moment in the future becomes now.
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
