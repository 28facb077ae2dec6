//! The loop of a worker in a thread, with a parent that is played by the test.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use procpool_os::{ControlPage, Image, RunState, SameBuild, Trampoline, anchor, socket};
use procpool_shared::Peer;
use procpool_wire::{DispatchId, Encoding, Limits, Run, Setup};

use super::*;
use crate::call::PlainCall;

/// Starts the loop, and gives the parent's ends of the page and the socket. This process becomes a worker, which it
/// can do once.
fn start() -> (ControlPage, UnixStream, JoinHandle<io::Result<()>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (page, descriptor) = ControlPage::create().unwrap();
    let running = thread::spawn(move || {
        let socket = Arc::new(OwnedFd::from(theirs));
        let parent = Peer::new(std::process::id(), || {});
        let inbox = Inbox::new(Arc::clone(&socket), Arc::clone(&parent));
        let outbox = Outbox::new(socket, parent);
        let page = ControlPage::attach(descriptor).unwrap();
        let build = SameBuild::check(Image::current().unwrap().identity(), anchor()).unwrap();
        let image = MatchedImage::new(build, &page);
        let page = worker::enter(1, page);
        outbox.gather_on(page);
        let limiter = Limiter::set_up(&Setup::default()).unwrap();
        let call = CallContext::default();
        serve(inbox, Server::new(&outbox, page, image, limiter, call))
    });
    (page, ours, running)
}

/// The frame of a task, which is offered on the page.
fn offer<A, R>(
    page: &ControlPage,
    dispatch_id: DispatchId,
    function: fn(A) -> R,
    args: A,
) -> Vec<u8>
where
    PlainCall: Trampoline<fn(A) -> R>,
    A: serde::Serialize + 'static,
    R: 'static,
{
    page.offer(usize::from(dispatch_id.slot), dispatch_id.number);
    let offsets = CallOffsets::of::<_, PlainCall>(function).unwrap();
    let [entry, function] = offsets.to_words();
    let run = Run {
        dispatch_id,
        entry,
        function,
        limits: Limits::default(),
        args: Encoding::payload(&args, Vec::reserve).unwrap(),
    };
    let mut frame = Vec::new();
    run.head().unwrap().put_with(&run.args, &mut frame);
    frame
}

static GATE: Mutex<()> = Mutex::new(());

fn wait_at_the_gate((): ()) {
    drop(GATE.lock().unwrap_or_else(PoisonError::into_inner));
}

/// More than a socket holds, so that it is written only while the parent reads.
fn large((): ()) -> Vec<u8> {
    vec![7; 16 << 20]
}

#[test]
fn a_task_is_not_charged_for_sending_the_result_before_it() {
    let (page, parent, running) = start();
    let (first, second) = (
        DispatchId { slot: 0, number: 1 },
        DispatchId { slot: 1, number: 2 },
    );
    let closed = GATE.lock().unwrap();
    let frames = [
        offer(&page, first, large, ()),
        offer(&page, second, wait_at_the_gate, ()),
    ]
    .concat();
    assert_eq!(socket::send(&parent, &frames).unwrap(), frames.len());
    let standing =
        |dispatch_id: DispatchId| page.run_state(usize::from(dispatch_id.slot), dispatch_id.number);
    while standing(first) != RunState::Finished {
        thread::yield_now();
    }
    let before_it_was_sent = monotonic_now();
    let mut reader = parent.try_clone().unwrap();
    let reading = thread::spawn(move || reader.read_to_end(&mut Vec::new()).unwrap());
    let started = loop {
        match standing(second) {
            RunState::Running { since } => break since,
            RunState::Unclaimed | RunState::Finished => thread::yield_now(),
        }
    };
    drop(closed);
    parent.shutdown(std::net::Shutdown::Write).unwrap();
    running.join().unwrap().unwrap();
    reading.join().unwrap();
    assert!(started >= before_it_was_sent, "{started:?}");
}
