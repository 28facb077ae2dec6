//! A worker's first message.

use std::future::poll_fn;

use procpool_wire::{Event, Refusal};

use crate::driver::process::child_process::ChildProcess;
use crate::driver::transport::incoming::{Incoming, Next, Received, WorkerMessage};
use crate::driver::transport::link::Link;

/// Why a spawned worker can't be used.
#[derive(Debug)]
pub(crate) enum StartFailure {
    /// It sent the reason why it can't serve.
    Refused(Refusal),
    /// It broke the protocol.
    Protocol(String),
    /// It ended or closed its socket without a message.
    Silent,
    /// It was not ready in time, and was killed.
    TooSlow,
}

/// Waits for a worker's message that it is ready.
///
/// The scheduler has the deadline, and has the worker killed.
pub(crate) async fn wait_until_ready(
    child: &ChildProcess,
    link: &Link,
    incoming: &mut Incoming,
) -> Result<(), StartFailure> {
    let mut has_ended = false;
    loop {
        let received = match has_ended {
            // The socket still holds the bytes that the worker wrote before it ended.
            true => incoming.receive_now(),
            false => tokio::select! {
                biased;
                received = poll_fn(|cx| incoming.poll_receive(cx)) => received,
                // An initializer's argument may be more than the socket takes at once.
                () = link.write_blocked() => continue,
                () = child.ended() => {
                    has_ended = true;
                    continue;
                }
            },
        };
        match received.map_err(|error| StartFailure::Protocol(error.to_string()))? {
            Received::Bytes(_) => {}
            Received::Nothing | Received::End => return Err(StartFailure::Silent),
        }
        match incoming.next() {
            Next::Nothing => {}
            Next::Message(WorkerMessage::Event(Event::Ready)) => return Ok(()),
            Next::Message(WorkerMessage::Event(Event::Refused(refusal))) => {
                return Err(StartFailure::Refused(refusal));
            }
            Next::Message(WorkerMessage::ProtocolViolation(what)) => {
                return Err(StartFailure::Protocol(what));
            }
            Next::Message(WorkerMessage::Event(_)) | Next::Segments(_) => {
                let what = "it answered before it was asked".to_owned();
                return Err(StartFailure::Protocol(what));
            }
        }
    }
}
