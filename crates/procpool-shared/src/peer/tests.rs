//! Two ends of one connection, both in this process.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use procpool_wire::{Encoding, Payload};

use super::*;
use crate::SharedBytes;

const MEBIBYTE: usize = 1 << 20;

/// Against a hang; nothing waits for this time to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// A peer that stands for this very process, and how many times it called for a message.
fn peer() -> (Arc<Peer>, Arc<AtomicUsize>) {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let wake = move || {
        count.fetch_add(1, Ordering::Relaxed);
    };
    (Peer::new(std::process::id(), wake), woken)
}

/// Both ends of a connection.
fn connection() -> (Arc<Peer>, Arc<Peer>) {
    (peer().0, peer().0)
}

fn bytes(len: usize) -> SharedBytes {
    SharedBytes::with_len(len, |buffer| {
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte = (at % 251) as u8;
        }
    })
}

fn encoded(bytes: &SharedBytes) -> Payload {
    Encoding::payload(bytes, Vec::reserve).expect("bytes can be encoded")
}

fn lend(from: &Peer, bytes: &SharedBytes) -> Segments {
    from.lend(encoded(bytes).attached())
        .expect("the bytes are attached")
}

/// The one segment that a message attaches.
fn lent(segments: &Segments) -> (u64, u32, u64, u64) {
    match segments.attached[..] {
        [
            Segment::Lent {
                id,
                number,
                size,
                len,
            },
        ] => (id, number, size, len),
        _ => panic!("{segments:?}"),
    }
}

fn attach(segment: Segment) -> Segments {
    Segments {
        attached: vec![segment],
        ..Segments::default()
    }
}

/// What arrives at the other end.
fn received(to: &Peer, segments: Segments, payload: &Payload) -> SharedBytes {
    let attached = to.receive(segments).expect("no violation").attached;
    let mut arrived = Payload::from(payload.to_bytes());
    arrived.attach(attached.expect("something is attached"));
    arrived.decode().expect("the attachment is there")
}

fn send(bytes: &SharedBytes, from: &Peer, to: &Peer) -> SharedBytes {
    received(to, lend(from, bytes), &encoded(bytes))
}

/// What `from` has to say when it sends nothing, as `to` takes it.
fn send_notices(from: &Peer, to: &Peer) -> Segments {
    let segments = from.lend(&[]).expect("there are notices");
    to.receive(segments.clone()).expect("no violation");
    segments
}

fn violation_of(peer: &Peer, segments: Segments) -> String {
    peer.receive(segments).expect_err("a violation")
}

#[test]
fn lending_does_not_wait_while_a_segment_is_opened() {
    let (left, right) = connection();
    let segments = lend(&left, &bytes(1));
    let mine = bytes(2);
    let open = |number, size| {
        let (sender, receiver) = mpsc::channel();
        let (lender, payload) = (Arc::clone(&right), encoded(&mine));
        thread::spawn(move || sender.send(lender.lend(payload.attached()).is_some()));
        let is_lent = receiver.recv_timeout(PATIENCE);
        assert_eq!(is_lent, Ok(true), "it is lent while the other end opens");
        SegmentView::open(right.pid, number, size)
    };
    let received = right.receive_with(segments, &open).expect("no violation");
    assert!(matches!(received.attached, Some(Ok(handles)) if handles.len() == 1));
}

#[test]
fn a_message_without_attachments_or_notices_needs_nothing_said_before_it() {
    let (left, _) = connection();
    assert!(!left.has_notices());
    assert_eq!(left.lend(&[]), None);
}

#[test]
fn bytes_are_the_same_memory_at_the_other_end() {
    let (left, right) = connection();
    for len in [0, 1, 4096, 3 * MEBIBYTE] {
        let sent = bytes(len);
        let segments = lend(&left, &sent);
        let (_, _, size, lent_len) = lent(&segments);
        assert!(size >= lent_len && size.is_multiple_of(4096));
        assert_eq!(lent_len, len as u64);
        let arrived = received(&right, segments, &encoded(&sent));
        assert_eq!(*arrived, *bytes(len));
        let again = encoded(&arrived);
        let handle = handle(&again.attached()[0]).expect("a handle");
        assert!(matches!(handle.memory(), Memory::Borrowed(_)));
    }
}

#[test]
fn what_was_lent_is_held_until_it_was_given_back_as_often() {
    let (left, (right, woken)) = (connection().0, peer());
    let sent = bytes(MEBIBYTE);
    let payload = encoded(&sent);
    let handle = handle(&payload.attached()[0]).expect("a handle");
    let uses = Arc::strong_count(&handle);
    let (first, second) = (send(&sent, &left, &right), send(&sent, &left, &right));
    assert_eq!(Arc::strong_count(&handle), uses + 1);
    drop(first);
    assert!(!right.has_notices(), "another handle is there");
    drop(second);
    assert!(right.has_notices());
    assert_eq!(woken.load(Ordering::Relaxed), 1, "it is large");
    // A third use crosses the return of the first two.
    let third = send(&sent, &left, &right);
    let notices = send_notices(&right, &left);
    assert!(matches!(notices.returned[..], [(_, 2)]), "{notices:?}");
    assert_eq!(Arc::strong_count(&handle), uses + 1);
    drop(third);
    let notices = send_notices(&right, &left);
    assert!(matches!(notices.returned[..], [(_, 1)]), "{notices:?}");
    assert_eq!(Arc::strong_count(&handle), uses);
    assert!(!right.has_notices());
}

#[test]
fn bytes_that_come_back_are_their_owners() {
    let (left, right) = connection();
    let sent = bytes(100);
    let there = send(&sent, &left, &right);
    let segments = lend(&right, &there);
    assert!(matches!(segments.attached[..], [Segment::Own(_)]));
    let back = received(&left, segments, &encoded(&there));
    assert_eq!(back.as_ptr(), sent.as_ptr());
}

#[test]
fn a_borrowed_segment_can_be_lent_on_and_is_forgotten_with_its_last_handle() {
    let (left, right) = connection();
    let (middle, (far, _)) = (peer().0, peer());
    let there = send(&bytes(100), &left, &right);
    let segments = lend(&middle, &there);
    let (id, ..) = lent(&segments);
    let beyond = received(&far, segments, &encoded(&there));
    assert_eq!(*beyond, *bytes(100));
    drop(beyond);
    send_notices(&far, &middle);
    drop(there);
    let notices = send_notices(&middle, &far);
    assert_eq!(notices.forgotten, [id]);
    assert!(far.state.lock().mapped.is_empty());
}

#[test]
fn a_mapping_is_kept_for_the_next_use_and_dropped_when_it_is_forgotten() {
    let (left, right) = connection();
    let sent = bytes(100);
    let segments = lend(&left, &sent);
    let (id, ..) = lent(&segments);
    drop(received(&right, segments, &encoded(&sent)));
    let refuse = |_, _| panic!("it is mapped already");
    let again = right.receive_with(lend(&left, &sent), &refuse);
    drop(again.expect("no violation"));
    assert_eq!(right.state.lock().mapped.len(), 1);
    let forgotten = Segments {
        forgotten: vec![id, id + 1_000_000],
        ..Segments::default()
    };
    right.receive(forgotten).expect("no violation");
    assert!(right.state.lock().mapped.is_empty());
}

#[test]
fn a_segment_that_the_system_refuses_is_given_back_and_the_reason_told() {
    let (left, right) = connection();
    let segments = lend(&left, &bytes(100));
    let refuse = |_, _| Err(SegmentError::System(io::ErrorKind::OutOfMemory.into()));
    let received = right.receive_with(segments, &refuse).expect("no violation");
    let why = received.attached.expect("something is attached");
    let why = why.expect_err("it is not available");
    assert!(why.starts_with("shared bytes can't be had: "), "{why}");
    send_notices(&right, &left);
    assert!(left.state.lock().lent.is_empty());
}

#[test]
fn a_peer_that_lends_what_is_not_there_breaks_the_protocol() {
    let (left, right) = connection();
    let sent = bytes(5000);
    let segments = lend(&left, &sent);
    let (id, number, size, len) = lent(&segments);
    let lend = |id, number, size, len| {
        attach(Segment::Lent {
            id,
            number,
            size,
            len,
        })
    };
    let violation = |segments| violation_of(&right, segments);
    let beyond = violation(lend(id, number, size, size + 1));
    assert_eq!(beyond, "it lends more bytes than there are");
    let invalid = violation(lend(id, number, 2 * size, len));
    assert!(
        invalid.starts_with("it lends what can't be shared: "),
        "{invalid}"
    );
    let unknown = violation(attach(Segment::Own(id)));
    assert_eq!(unknown, "it names shared memory that it was not lent");
    assert!(right.state.lock().mapped.is_empty());

    let _held = right.receive(segments).expect("no violation");
    let resized = violation(lend(id, number, size + 4096, len));
    assert_eq!(resized, "it lends shared memory that has changed its size");
    let changed = violation(lend(id, number, size, len - 1));
    let expected = "it lends shared memory that has changed while it was lent";
    assert_eq!(changed, expected);
    // All of it may be used, and once it is not in use, another part.
    drop(_held);
    for len in [size, 0] {
        let received = right.receive(lend(id, number, size, len));
        assert!(received.is_ok_and(|received| matches!(received.attached, Some(Ok(_)))));
    }
}

#[test]
fn a_peer_that_gives_back_what_it_was_not_lent_breaks_the_protocol() {
    let (left, _) = connection();
    let (id, ..) = lent(&lend(&left, &bytes(1)));
    let give_back = |id, times| Segments {
        returned: vec![(id, times)],
        ..Segments::default()
    };
    let unknown = violation_of(&left, give_back(id + 1_000_000, 1));
    assert_eq!(unknown, "it gave back memory that it was not lent");
    let often = violation_of(&left, give_back(id, 2));
    assert_eq!(often, "it gave back memory more often than it was lent");
    left.receive(give_back(id, 1)).expect("it was lent once");
    let again = violation_of(&left, give_back(id, 1));
    assert_eq!(again, "it gave back memory that it was not lent");
}

#[test]
fn a_peer_can_lend_so_many_segments_and_no_more() {
    let (left, right) = connection();
    let sent = bytes(1);
    drop(send(&sent, &left, &right));
    {
        let mut state = right.state.lock();
        let mapped = state.mapped.values().next().cloned().expect("one");
        let others = (0..MAX_MAPPED as u64 - 2).map(|id| (id + 1_000_000, mapped.clone()));
        state.mapped.extend(others);
    }
    drop(send(&bytes(2), &left, &right));
    assert_eq!(right.state.lock().mapped.len(), MAX_MAPPED);
    let more = violation_of(&right, lend(&left, &bytes(3)));
    assert_eq!(more, "it lends too much shared memory");
    drop(send(&sent, &left, &right));
}

#[test]
fn after_the_end_nothing_is_held_or_lent() {
    let (left, right) = connection();
    let sent = bytes(1);
    let there = send(&sent, &left, &right);
    assert!(!left.state.lock().lent.is_empty());
    for peer in [&left, &right] {
        peer.end();
        let state = peer.state.lock();
        assert!(state.lent.is_empty() && state.mapped.is_empty());
    }
    drop(there);
    assert!(!right.has_notices());
    assert_eq!(left.lend(encoded(&sent).attached()), None);
    assert!(left.state.lock().lent.is_empty());
}

#[test]
fn a_peer_says_which_process_it_is() {
    let (peer, _) = peer();
    let pid = std::process::id();
    assert_eq!(format!("{peer:?}"), format!("Peer {{ pid: {pid}, .. }}"));
}
