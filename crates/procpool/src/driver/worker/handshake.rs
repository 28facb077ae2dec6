//! A worker's first word.

use std::future::poll_fn;

use procpool_wire::{Event, Refusal};

use crate::driver::process::child_process::Leader;
use crate::driver::transport::incoming::{Incoming, Next, Received, Said};
use crate::driver::transport::link::Link;

/// Why a worker that was spawned is none.
#[derive(Debug)]
pub(crate) enum Unready {
    /// It said why it can't serve.
    Refused(Refusal),
    /// It does not behave like a worker.
    Protocol(String),
    /// It ended, or closed its socket, without a word.
    Silent,
    /// It was killed since it was not ready in time.
    TooSlow,
}

/// Waits until a worker says that it is ready.
///
/// There is no deadline here: the scheduler has it, and pulls the kill switch.
pub(crate) async fn shake_hands(
    leader: &Leader,
    link: &Link,
    incoming: &mut Incoming,
) -> Result<(), Unready> {
    let mut has_ended = false;
    loop {
        let received = match has_ended {
            // What it wrote before it ended is still in the socket.
            true => incoming.receive_now(),
            false => tokio::select! {
                biased;
                received = poll_fn(|cx| incoming.poll_receive(cx)) => received,
                // An initializer's argument may be more than the socket takes at once.
                () = link.write_blocked() => continue,
                () = leader.ended() => {
                    has_ended = true;
                    continue;
                }
            },
        };
        match received.map_err(|error| Unready::Protocol(error.to_string()))? {
            Received::Bytes(_) => {}
            Received::Nothing | Received::End => return Err(Unready::Silent),
        }
        match incoming.next() {
            Next::Nothing => {}
            Next::Said(Said::Event(Event::Ready)) => return Ok(()),
            Next::Said(Said::Event(Event::Refused(refusal))) => {
                return Err(Unready::Refused(refusal));
            }
            Next::Said(Said::Nonsense(what)) => return Err(Unready::Protocol(what)),
            Next::Said(Said::Event(_)) | Next::Segments(_) => {
                let what = "it answered before it was asked".to_owned();
                return Err(Unready::Protocol(what));
            }
        }
    }
}
