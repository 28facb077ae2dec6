//! The frames that wait for one worker's socket.

use std::io::{self, IoSlice};
use std::mem;

use parking_lot::Mutex;

use crate::driver::transport::channel::Sender;
use crate::driver::transport::outgoing_frames::{OutgoingFrames, Sent};

/// The limit for one call: 2 MiB, which take some tenths of a millisecond. Then other runtime tasks get their turn, and the
/// caller of a function returns.
const BYTES_IN_A_ROW: usize = 2 << 20;

/// The frames that wait for the socket of one worker.
///
/// Threads push frames under the pool's lock, and send them after they have released it. A thread holds the outbox's own lock only
/// to add or remove frames, never during a send. So a push never waits for a system call. One thread at a time sends. A thread that
/// finds another thread sending leaves its frames in the outbox, and the sending thread checks for more frames before it stops.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    /// The frames that no thread has taken yet.
    pushed: OutgoingFrames,
    /// The rest of the frames that a thread took, to be sent before `pushed`. While there is no rest, it is empty memory that
    /// is used again.
    unsent: OutgoingFrames,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Idle,
    /// A thread is sending, and checks for more frames before it stops.
    Sending,
    /// The socket is full, or one call has sent the most that it may. The supervisor continues when the socket is writable.
    Blocked,
    /// The worker's end of the socket is closed: nothing will be sent any more.
    Closed,
}

impl Outbox {
    /// Adds frames, unless the worker's end is closed. [`flush`](Outbox::flush) sends them.
    pub(crate) fn push(&self, add: impl FnOnce(&mut OutgoingFrames)) {
        let mut content = self.0.lock();
        if content.state != State::Closed {
            add(&mut content.pushed);
        }
    }

    /// Whether the frames wait for the socket to be writable, and then for [`resume`](Outbox::resume).
    pub(crate) fn is_blocked(&self) -> bool {
        self.0.lock().state == State::Blocked
    }

    /// Sends as much as the socket takes, unless another thread does. True if the outbox has just become blocked.
    pub(crate) fn flush(&self, socket: &Sender) -> bool {
        self.send(State::Idle, |pieces| socket.send(pieces))
    }

    /// Goes on, since the socket is writable again.
    pub(crate) fn resume(&self, socket: &Sender) {
        self.send(State::Blocked, |pieces| socket.send(pieces));
    }

    fn send(&self, from: State, mut send: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>) -> bool {
        let Some(mut frames) = self.begin(from) else {
            return false;
        };
        let mut budget = BYTES_IN_A_ROW;
        loop {
            let sent = frames.send(&mut budget, &mut send);
            match self.end(frames, sent) {
                Ok(more) => frames = more,
                Err(state) => return state == State::Blocked,
            }
        }
    }

    /// Takes frames out, to be sent by this thread alone.
    fn begin(&self, from: State) -> Option<OutgoingFrames> {
        let mut content = self.0.lock();
        let is_nothing = content.pushed.is_empty() && content.unsent.is_empty();
        if content.state != from || is_nothing {
            return None;
        }
        content.state = State::Sending;
        let mut frames = mem::take(&mut content.unsent);
        if frames.is_empty() {
            mem::swap(&mut frames, &mut content.pushed);
        }
        Some(frames)
    }

    /// Gives the frames back, and takes those that were pushed meanwhile. `Err` if this thread is done.
    fn end(&self, mut frames: OutgoingFrames, sent: Sent) -> Result<OutgoingFrames, State> {
        let mut content = self.0.lock();
        let state = match sent {
            Sent::All if !content.pushed.is_empty() => {
                mem::swap(&mut frames, &mut content.pushed);
                return Ok(frames);
            }
            Sent::All => State::Idle,
            Sent::Part => State::Blocked,
            Sent::Closed => {
                content.state = State::Closed;
                let pushed = mem::take(&mut content.pushed);
                drop(content);
                drop((frames, pushed));
                return Err(State::Closed);
            }
        };
        content.state = state;
        content.unsent = frames;
        Err(state)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use procpool_os::socket;
    use procpool_wire::Payload;

    use super::*;
    use crate::driver::transport::channel;

    fn receive_some(socket: &OwnedFd, received: &mut Vec<u8>) -> io::Result<usize> {
        let mut bytes = vec![0; 1 << 20];
        let len = socket::receive_nowait(socket, &mut bytes)?;
        received.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn push(outbox: &Outbox, head: &[u8]) {
        outbox.push(|frames| frames.small().extend_from_slice(head));
    }

    fn len(pieces: &[IoSlice<'_>]) -> usize {
        pieces.iter().map(|piece| piece.len()).sum()
    }

    /// Frames are pushed under the pool's lock.
    #[test]
    fn a_push_waits_for_no_send_and_is_sent_by_the_thread_that_sends() {
        let outbox = Outbox::default();
        push(&outbox, b"first ");
        let mut sent = Vec::new();
        let must_wait = outbox.send(State::Idle, |pieces| {
            let (done, is_done) = mpsc::channel();
            thread::scope(|scope| {
                if sent.is_empty() {
                    scope.spawn(|| {
                        push(&outbox, b"second");
                        assert!(!outbox.is_blocked());
                        let must_wait = outbox.send(State::Idle, |_| panic!("two threads send"));
                        assert!(!must_wait);
                        done.send(()).expect("the send goes on");
                    });
                    let waited = is_done.recv_timeout(Duration::from_secs(60));
                    waited.expect("a push waits for a send");
                }
            });
            pieces
                .iter()
                .for_each(|piece| sent.extend_from_slice(piece));
            Ok(len(pieces))
        });
        assert!(!must_wait);
        assert_eq!(sent, b"first second");
    }

    #[test]
    fn frames_of_many_threads_are_sent_once_and_in_the_order_of_each() {
        const THREADS: u8 = 4;
        const EACH: u8 = 200;
        let outbox = Outbox::default();
        let sent = Mutex::new(Vec::new());
        // Takes a byte at a time, and is full now and then.
        let send = |pieces: &[IoSlice<'_>]| {
            let mut sent = sent.try_lock().expect("one thread sends");
            if sent.len() % 7 == 6 && sent.last() != Some(&b' ') {
                sent.push(b' ');
                return Err(io::ErrorKind::WouldBlock.into());
            }
            sent.push(pieces[0][0]);
            Ok(1)
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (outbox, send) = (&outbox, &send);
                scope.spawn(move || {
                    for number in 0..EACH {
                        push(outbox, &[b'a' + thread, 128 | (number / 2)]);
                        outbox.send(State::Idle, send);
                        outbox.send(State::Blocked, send);
                    }
                });
            }
        });
        while outbox.is_blocked() {
            outbox.send(State::Blocked, send);
        }
        let mut sent = sent.into_inner();
        sent.retain(|&byte| byte != b' ');
        for thread in 0..THREADS {
            let frames = sent.chunks(2).filter(|frame| frame[0] == b'a' + thread);
            let numbers: Vec<_> = frames.map(|frame| frame[1]).collect();
            let pushed: Vec<_> = (0..EACH).map(|number| 128 | (number / 2)).collect();
            assert_eq!(numbers, pushed);
        }
    }

    #[test]
    fn nothing_is_kept_for_a_socket_that_is_closed() {
        let outbox = Outbox::default();
        push(&outbox, b"first");
        let closed = |_: &[IoSlice<'_>]| Err(io::ErrorKind::BrokenPipe.into());
        assert!(!outbox.send(State::Idle, closed));
        push(&outbox, b"second");
        let content = outbox.0.lock();
        assert!(content.pushed.is_empty() && content.unsent.is_empty());
    }

    /// The caller of a function with very large arguments is not kept until all of them are in the socket, and
    /// nor is the runtime's thread that goes on.
    #[tokio::test]
    async fn no_more_is_sent_at_once_than_others_can_wait_for() {
        let (ours, theirs) = socket::pair().unwrap();
        let (ours, _receiver) = channel::open(ours).unwrap();
        let payload = Payload::of_bytes(vec![7_u8; 6 << 20]).expect("is moved");
        let outbox = Outbox::default();
        outbox.push(|frames| {
            frames.small().extend_from_slice(b"head");
            frames.push_payload(&payload);
        });
        push(&outbox, b"next");

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
            assert!(!outbox.flush(&ours), "the supervisor waits already");
            assert_eq!(receive(0), receive(0));
            ours.writable().await.unwrap();
            outbox.resume(&ours);
            must_wait = outbox.is_blocked();
        }
        assert_eq!(outbox.0.lock().state, State::Idle);
        let beginning = [b"head", &payload.prefix()[..]].concat();
        assert!(received.ends_with(b"\x07next") && received.starts_with(&beginning));
    }
}
