//! The wait for the next command, awake at first and then asleep.

use std::io;
use std::mem;
use std::time::Duration;

use procpool_os::ControlPage;
use procpool_os::control::monotonic_now;
use procpool_wire::Command;

use super::policy::SpinPolicy;
use super::spin::spin;
use crate::channel::{Inbox, Outbox};
use crate::tuning::{HELD_FOR_SPINNING_PARENT, MAX_SPIN_RESULT, SPIN_BYTES_PER_MICRO};

/// Waits for commands when the worker has nothing to do.
#[derive(Debug)]
pub(crate) struct CommandWait {
    page: &'static ControlPage,
    policy: SpinPolicy,
    /// The size of the last result, which the parent copies before it answers.
    result_len: usize,
    /// There was a spin since the worker is ready.
    has_spun: bool,
}

impl CommandWait {
    pub(crate) fn new(page: &'static ControlPage) -> Self {
        CommandWait {
            page,
            policy: SpinPolicy::default(),
            result_len: 0,
            has_spun: false,
        }
    }

    /// Notes the size of a result that is in the outbox now.
    #[inline]
    pub(crate) fn note_result(&mut self, len: usize) {
        self.result_len = len;
    }

    /// Whether a thread of the parent spins, and has taken all results up to this position from shared memory.
    #[inline]
    pub(crate) fn is_taken(&self, position: impl FnOnce() -> u64) -> bool {
        self.page.is_awaited() && self.page.taken() >= position()
    }

    /// Waits for a command; `None` when the parent has closed its end. All results are written to the socket or taken
    /// by the parent before the worker sleeps.
    pub(crate) fn receive(
        &mut self,
        inbox: &mut Inbox,
        outbox: &Outbox,
    ) -> io::Result<Option<Command>> {
        let allowed = self.page.spin_limit();
        if allowed.is_zero() {
            return sleep(inbox, outbox);
        }
        let limit = allowed + copy_time(self.result_len);
        if !self.policy.should_spin() {
            return self.sleep_timed(limit, inbox, outbox);
        }
        match self.spin(limit, inbox, outbox)? {
            None => sleep(inbox, outbox),
            command => Ok(command),
        }
    }

    /// Sleeps, and learns whether a spin would have helped.
    fn sleep_timed(
        &mut self,
        limit: Duration,
        inbox: &mut Inbox,
        outbox: &Outbox,
    ) -> io::Result<Option<Command>> {
        outbox.flush()?;
        let began = monotonic_now();
        let received = inbox.receive();
        let waited = monotonic_now().saturating_sub(began);
        self.policy.note_sleep(waited, limit);
        received
    }

    /// Spins for a command, for `limit` at most.
    fn spin(
        &mut self,
        limit: Duration,
        inbox: &mut Inbox,
        outbox: &Outbox,
    ) -> io::Result<Option<Command>> {
        let mut results = HeldResults::new(self.page, outbox)?;
        let mut commands = RungInbox::new(self.page, inbox);
        let mut received = commands.receive();
        self.page.set_spinning(true);
        let end = spin(limit, monotonic_now, |since| {
            if let Err(error) = results.write_in_time(since) {
                received = Err(error);
            } else if matches!(received, Ok(None)) && commands.may_have_more() {
                received = commands.receive();
            }
            !matches!(received, Ok(None))
        });
        self.page.set_spinning(false);
        // The first wait says nothing of later ones: other workers start at the same time.
        if mem::replace(&mut self.has_spun, true) {
            self.policy.note_spin(end);
        }
        received
    }
}

/// Writes the results, and sleeps until there is a command.
fn sleep(inbox: &mut Inbox, outbox: &Outbox) -> io::Result<Option<Command>> {
    outbox.flush()?;
    inbox.receive()
}

/// How much later the next command comes because the parent copies the last result and the next arguments.
fn copy_time(result_len: usize) -> Duration {
    Duration::from_micros((result_len.min(MAX_SPIN_RESULT) / SPIN_BYTES_PER_MICRO) as u64)
}

/// The results that are not written to the socket while a thread of the parent spins for them.
///
/// It takes them from shared memory, which saves this process the system call and the parent a wake-up.
struct HeldResults<'a> {
    page: &'a ControlPage,
    outbox: &'a Outbox,
    /// The position in the worker's stream at which the results end.
    end: u64,
    is_held: bool,
}

impl<'a> HeldResults<'a> {
    fn new(page: &'a ControlPage, outbox: &'a Outbox) -> io::Result<Self> {
        let is_held = page.is_awaited();
        if !is_held {
            outbox.flush()?;
        }
        Ok(HeldResults {
            page,
            outbox,
            end: outbox.position(),
            is_held,
        })
    }

    /// Writes the results if the parent has not taken them after [`HELD_FOR_SPINNING_PARENT`], or no longer spins.
    fn write_in_time(&mut self, since: Duration) -> io::Result<()> {
        let is_late = self.is_held
            && self.page.taken() < self.end
            && (since >= HELD_FOR_SPINNING_PARENT || !self.page.is_awaited());
        if is_late {
            self.is_held = false;
            self.outbox.flush()?;
        }
        Ok(())
    }
}

/// The inbox, read only when the parent says that it has written to the socket.
struct RungInbox<'a> {
    page: &'a ControlPage,
    inbox: &'a mut Inbox,
    /// The parent had rung this often when the inbox was last read.
    rings: u64,
}

impl<'a> RungInbox<'a> {
    fn new(page: &'a ControlPage, inbox: &'a mut Inbox) -> Self {
        let rings = page.rings();
        RungInbox { page, inbox, rings }
    }

    /// Whether the parent has rung, or the rest of a command is on its way.
    fn may_have_more(&self) -> bool {
        self.page.rings() != self.rings || self.inbox.has_begun()
    }

    fn receive(&mut self) -> io::Result<Option<Command>> {
        // The parent rings after it has written, so a write before this ring is in the socket.
        self.rings = self.page.rings();
        self.inbox.receive_nowait()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use procpool_os::socket;
    use procpool_shared::Peer;

    use super::*;

    #[test]
    fn the_worker_spins_only_if_the_parent_allows_it_and_sends_its_results_before_it_sleeps() {
        let (theirs, ours) = socket::pair().unwrap();
        let (parent, descriptor) = ControlPage::create().unwrap();
        let page: &'static _ = Box::leak(Box::new(ControlPage::attach(descriptor).unwrap()));
        let (ours, peer) = (Arc::new(ours), Peer::new(1, || {}));
        let mut inbox = Inbox::new(Arc::clone(&ours), Arc::clone(&peer));
        let outbox = Outbox::new(ours, peer);
        outbox.gather_on(page);
        let mut stop = Vec::new();
        Command::encode_stop(&mut stop);
        let mut wait = CommandWait::new(page);
        for (allowed, spins) in [(Duration::ZERO, false), (Duration::from_secs(9), true)] {
            parent.set_spin_limit(allowed);
            outbox.push_frame(b"result").unwrap();
            socket::send(&theirs, &stop).unwrap();
            let received = wait.receive(&mut inbox, &outbox).unwrap();
            assert!(matches!(received, Some(Command::Stop)), "{received:?}");
            assert_eq!(wait.has_spun, spins);
            let mut result = [0; 6];
            assert_eq!(socket::receive(&theirs, &mut result).unwrap(), 6);
        }
    }

    #[test]
    fn a_large_result_is_given_the_time_to_be_copied_and_answered() {
        let micros = |len| copy_time(len).as_micros();
        assert_eq!([0, 100, 64 << 10, 160 << 10].map(micros), [0, 0, 32, 80]);
        assert_eq!(micros(usize::MAX), 80);
    }
}
