//! How a stream is received: small frames from one buffer, the bulk of large ones at a place of its own.
#![forbid(unsafe_code)]

use bytes::{BufMut, Bytes};
use procpool_wire::frame::{HEADER_LEN, MAX_BODY_LEN, header};
use procpool_wire::{
    Command, DispatchId, Encoding, Event, Frame, FrameBuffer, FrameError, Limits, Payload, Run,
    Segment, Segments,
};
use proptest::prelude::*;

/// From this size on a body is read apart.
const LARGE: usize = 24 << 10;

fn framed(kind: u8, lead: u8, body: &[u8]) -> Vec<u8> {
    let mut header = header(kind, body.len()).expect("fits");
    header[1] = lead;
    [&header[..], body].concat()
}

/// Puts as much into `room` as there is, and gives the rest.
fn put(mut room: impl BufMut, bytes: &[u8]) -> &[u8] {
    assert!(room.remaining_mut() > 0, "a read would take it for the end");
    let (part, later) = bytes.split_at(bytes.len().min(room.remaining_mut()));
    room.put_slice(part);
    later
}

/// Receives all of `bytes`, at most `most` of them with one read.
fn receive(buffer: &mut FrameBuffer, bytes: &[u8], most: usize) -> Result<Vec<Frame>, FrameError> {
    receive_lending(buffer, bytes, most, 0)
}

/// As [`receive`], and for each bit that is set in `lent`, one read of eight goes to a bulk that is lent if there
/// is one.
fn receive_lending(
    buffer: &mut FrameBuffer,
    mut bytes: &[u8],
    most: usize,
    mut lent: u8,
) -> Result<Vec<Frame>, FrameError> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        lent = lent.rotate_left(1);
        let bulk = buffer.lend_bulk();
        let later = match bulk {
            Some(mut bulk) if lent & 1 == 1 => {
                let later = put(bulk.room(most), bytes);
                buffer.take_back(bulk);
                later
            }
            bulk => {
                bulk.into_iter().for_each(|bulk| buffer.take_back(bulk));
                put(buffer.room(most), bytes)
            }
        };
        bytes = later;
        while let Some(frame) = buffer.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

fn run(args: Payload) -> Run {
    Run {
        dispatch_id: DispatchId { slot: 1, number: 2 },
        entry: 3,
        function: 4,
        limits: Limits::default(),
        args,
    }
}

fn encoded(run: &Run) -> Vec<u8> {
    let mut frame = Vec::new();
    run.head().expect("fits").put_with(&run.args, &mut frame);
    frame
}

/// What the worker gets of these arguments, received in reads of `most` bytes.
fn sent(args: Payload, most: usize) -> Payload {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let frames = receive(&mut buffer, &encoded(&run(args)), most).expect("is a stream");
    let [frame] = <[_; 1]>::try_from(frames).expect("one frame");
    assert!(buffer.is_empty());
    match Command::decode(frame) {
        Ok(Command::Run(run)) => run.args,
        result => panic!("{result:?}"),
    }
}

#[test]
fn the_bulk_of_a_large_frame_comes_apart_from_what_leads_it() {
    for (lead, len) in [(0, LARGE + 1), (1, LARGE + 1), (255, 1 << 20), (9, 3 << 20)] {
        let body: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let mut buffer = FrameBuffer::new(Vec::reserve);
        let frames = receive(&mut buffer, &framed(7, lead, &body), 100_000).expect("is a stream");
        let [frame] = <[_; 1]>::try_from(frames).expect("one frame");
        assert_eq!(frame.kind, 7);
        assert_eq!(frame.body, body[..usize::from(lead)]);
        assert!(
            frame
                .bulk
                .is_some_and(|bulk| bulk == body[usize::from(lead)..])
        );
    }
}

#[test]
fn what_is_shared_of_very_many_segments_is_read_whole() {
    let segments = Segments {
        attached: (0..5000).map(Segment::Own).collect(),
        ..Segments::default()
    };
    let mut bytes = Vec::new();
    segments.encode_up(&mut bytes).unwrap();
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let frames = receive(&mut buffer, &bytes, 1 << 20).unwrap();
    let [frame] = frames.try_into().unwrap();
    let event = Event::decode(frame).unwrap();
    assert!(matches!(event, Event::Segments(decoded) if decoded == segments));
}

#[test]
fn a_small_frame_comes_whole_whatever_leads_it() {
    let body = vec![5; LARGE];
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let frames = receive(&mut buffer, &framed(7, 9, &body), usize::MAX).expect("is a stream");
    assert_eq!(frames.len(), 1);
    assert!(frames[0].body == body && frames[0].bulk.is_none());
}

/// A vector that is all of the arguments is not copied on its way from the socket to the function, and
/// the vector that a function gets is the very memory that was read to.
#[test]
fn a_vector_of_bytes_is_sent_and_received_as_it_lies() {
    let vector: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
    let place = vector.as_ptr();
    let args = Payload::of_bytes(vector).expect("is moved");
    assert_eq!(args.bytes().as_ptr(), place);
    let received = sent(args.clone(), usize::MAX);
    assert_eq!(received, args);
    let place = received.bytes().as_ptr();
    let vector: Vec<u8> = received.decode().expect("is a vector");
    assert_eq!(vector.as_ptr(), place);
    assert!(vector == args.bytes()[..]);
}

#[test]
fn a_string_of_bytes_is_sent_and_received_as_it_lies() {
    let bytes = Bytes::from(vec![9; 100_000]);
    let args = Payload::of_bytes(bytes.clone()).expect("is moved");
    assert_eq!(args.bytes().as_ptr(), bytes.as_ptr());
    let received = sent(args, usize::MAX);
    let place = received.bytes().as_ptr();
    let back: Bytes = received.decode().expect("is a byte string");
    assert!(back == bytes && back.as_ptr() == place);
}

/// What is moved is, to who does not know of that, what it would be if it were encoded.
#[test]
fn what_is_moved_is_encoded_as_ever() {
    for len in [LARGE + 1, 65_535, 65_536, 100_000] {
        let vector = vec![200; len];
        let moved = Payload::of_bytes(vector.clone()).expect("is moved");
        let copied = Encoding::payload(&vector, Vec::reserve).expect("is encoded");
        let mut whole = moved.prefix().to_vec();
        whole.extend_from_slice(moved.bytes());
        assert!(whole == copied.bytes()[..] && moved.len() == copied.len());
        // Asked for as something else, it is decoded as that.
        assert!(moved.clone().decode::<Box<[u8]>>().expect("bytes")[..] == vector);
        assert!(sent(moved, 10_000).decode::<Bytes>().expect("bytes") == vector);
        assert!(copied.decode::<Vec<u8>>().expect("bytes") == vector);

        let bytes = Bytes::from(vector.clone());
        let moved = Payload::of_bytes(bytes.clone()).expect("is moved");
        let copied = Encoding::payload(&bytes, Vec::reserve).expect("is encoded");
        assert_eq!(
            [&moved.prefix(), moved.bytes()].concat(),
            copied.bytes()[..]
        );
        assert!(sent(moved, 10_000).decode::<Vec<u8>>().expect("bytes") == vector);
    }
}

#[test]
fn what_is_short_or_no_bytes_is_given_back() {
    assert_eq!(Payload::of_bytes(vec![1u8; LARGE]), Err(vec![1; LARGE]));
    assert_eq!(
        Payload::of_bytes(vec![1u16; LARGE + 1]),
        Err(vec![1; LARGE + 1])
    );
    assert_eq!(Payload::of_bytes("text"), Err("text"));
}

/// Bytes that lead a bulk and are not what belongs before its content are a part of the encoding like any.
#[test]
fn a_prefix_that_does_not_fit_makes_no_vector() {
    let moved = Payload::of_bytes(vec![7u8; LARGE + 1]).expect("is moved");
    let whole = encoded(&run(moved.clone()));
    let len_at = Run::HEAD_LEN + 2;
    for (at, byte) in [(len_at, 0xff), (Run::HEAD_LEN, 0xd3), (Run::HEAD_LEN, 0x07)] {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        let mut buffer = FrameBuffer::new(Vec::reserve);
        let frames = receive(&mut buffer, &bytes, usize::MAX).expect("is a stream");
        let Ok(Command::Run(run)) = Command::decode(frames[0].clone()) else {
            panic!("a run");
        };
        assert_ne!(run.args, moved);
        let decoded = run.args.decode::<Vec<u8>>();
        // A byte string of that length is as good.
        assert_eq!(decoded.is_ok(), byte == 0xd3, "{byte:#x}");
    }
}

/// Address space for a lie is bounded, and not a page of it is touched.
#[test]
fn what_is_announced_reserves_64_mebibytes_at_most() {
    for announced in [LARGE + 1, 1 << 20, 64 << 20, MAX_BODY_LEN] {
        for came in [0, 10, 100_000] {
            let came = came.min(announced - 1);
            let mut buffer = FrameBuffer::new(Vec::reserve);
            let stream = [&header(9, announced).expect("fits")[..], &vec![7; came]].concat();
            assert_eq!(receive(&mut buffer, &stream, usize::MAX), Ok(vec![]));
            assert_eq!(buffer.len(), HEADER_LEN + came);
            assert!(
                buffer.capacity() <= (64 << 20) + (64 << 10),
                "{}",
                buffer.capacity()
            );
        }
    }
}

#[test]
fn a_read_takes_no_more_of_a_large_frame_than_is_said() {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let stream = [&header(9, 8 << 20).expect("fits")[..], &[7; 10]].concat();
    receive(&mut buffer, &stream, usize::MAX).expect("is a stream");
    assert_eq!(buffer.room(1 << 20).remaining_mut(), 1 << 20);
    assert_eq!(buffer.room(usize::MAX).remaining_mut(), (8 << 20) - 10);
}

#[test]
fn nothing_is_left_of_a_large_frame_that_is_forgotten() {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let stream = [&header(9, 8 << 20).expect("fits")[..], &[7; 10]].concat();
    receive(&mut buffer, &stream, usize::MAX).expect("is a stream");
    buffer.clear();
    assert!(buffer.is_empty());
    let frames = receive(&mut buffer, &framed(3, 0, b"new"), usize::MAX).expect("is a stream");
    assert_eq!((frames[0].kind, &frames[0].body[..]), (3, &b"new"[..]));
}

#[test]
fn what_comes_while_a_bulk_is_lent_comes_after_it() {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let large = framed(9, 0, &vec![7; LARGE + 10]);
    assert_eq!(receive(&mut buffer, &large[..100], 1000), Ok(vec![]));
    let mut bulk = buffer.lend_bulk().expect("something is missing");
    assert_eq!(
        (buffer.missing(), buffer.lend_bulk().is_some()),
        (None, false)
    );
    buffer.extend(&framed(3, 0, b"next"));
    assert_eq!(buffer.next_frame(), Ok(None));
    bulk.room(usize::MAX).put_slice(&large[100..]);
    assert_eq!(bulk.missing(), 0);
    buffer.take_back(bulk);
    let frames = [(); 2].map(|()| buffer.next_frame().expect("a stream").expect("a frame"));
    assert_eq!(frames.map(|frame| frame.kind), [9, 3]);
    assert!(buffer.is_empty() && buffer.lend_bulk().is_none());
}

#[test]
fn a_bulk_that_is_lent_while_its_frame_is_forgotten_is_dropped() {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let large = framed(9, 0, &vec![7; LARGE + 10]);
    receive(&mut buffer, &large[..100], 1000).expect("is a stream");
    let bulk = buffer.lend_bulk().expect("something is missing");
    buffer.clear();
    buffer.take_back(bulk);
    assert!(buffer.is_empty());
    let frames = receive(&mut buffer, &framed(3, 0, b"new"), usize::MAX).expect("is a stream");
    assert_eq!((frames[0].kind, &frames[0].body[..]), (3, &b"new"[..]));
}

proptest! {
    /// However the stream is cut, the same frames come, also if large ones are received elsewhere at times.
    #[test]
    fn chunks_make_no_difference(
        lens in proptest::collection::vec((0..3usize, 0..200usize, proptest::num::u8::ANY), 0..6),
        most in 1..100_000usize,
        lent in proptest::num::u8::ANY,
    ) {
        let bodies: Vec<_> = lens.iter().map(|(scale, len, _)| {
            let len = len + [0, LARGE - 100, 3 * LARGE][*scale];
            (0..len).map(|at| (at % 251) as u8).collect::<Vec<_>>()
        }).collect();
        let lead = |at: usize| usize::from(lens[at].2).min(bodies[at].len());
        let framed = |(at, body): (usize, &Vec<u8>)| framed(at as u8, lead(at) as u8, body);
        let stream: Vec<u8> = bodies.iter().enumerate().flat_map(framed).collect();
        let mut buffer = FrameBuffer::new(Vec::reserve);
        let frames = receive_lending(&mut buffer, &stream, most, lent).expect("is a stream");
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(frames.len(), bodies.len());
        for (at, (frame, body)) in frames.iter().zip(&bodies).enumerate() {
            prop_assert_eq!(usize::from(frame.kind), at);
            prop_assert_eq!(frame.bulk.is_some(), body.len() > LARGE);
            let bulk = frame.bulk.clone().unwrap_or_default();
            prop_assert!([&frame.body[..], &bulk].concat() == *body);
            prop_assert!(frame.bulk.is_none() || frame.body.len() == lead(at));
        }
    }
}
