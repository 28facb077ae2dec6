//! How frames are cut out of a stream: whole ones only, and no memory for what is only announced.
#![forbid(unsafe_code)]

use bytes::{BufMut, BytesMut};
use procpool_wire::frame::{HEADER_LEN, MAX_BODY_LEN, header, short_header, take};
use procpool_wire::{Finished, FrameError, Run};
use proptest::prelude::*;

/// A buffer may have room for so much that has not come: 1 MiB.
const ROOM: usize = 1 << 20;

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    [&header(kind, body.len()).expect("fits")[..], body].concat()
}

/// All but those that are the header of a short result, or of a bare number.
fn kinds() -> impl Iterator<Item = u8> {
    (0..=0xb0).chain(0xbe..0xc0)
}

#[test]
fn a_short_result_has_a_header_of_one_byte() {
    assert_eq!(short_header(0), Some([0xc0]));
    assert_eq!(short_header(63), Some([0xff]));
    assert_eq!(short_header(64), None);
    let mut stream = BytesMut::from(&b"\xc3one\xc0\xc2tw"[..]);
    for body in [&b"one"[..], b"", b"tw"] {
        let frame = take(&mut stream).expect("is a frame").expect("is whole");
        assert_eq!((frame.kind, &frame.body[..]), (134, body));
    }
    assert!(stream.is_empty());
}

#[test]
fn the_header_of_a_bare_number_says_which() {
    let mut stream = BytesMut::from(&b"\xb1\xb2\x01\xb3abcd\xb5xy\xbd12345678\xb7"[..]);
    for (kind, body) in [
        (0xb1, &b""[..]),
        (0xb2, b"\x01"),
        (0xb3, b"abcd"),
        (0xb5, b"xy"),
        (0xbd, b"12345678"),
    ] {
        let frame = take(&mut stream).expect("is a frame").expect("is whole");
        assert_eq!((frame.kind, &frame.body[..]), (kind, body));
    }
    assert_eq!(take(&mut stream), Ok(None));
}

#[test]
fn a_frame_is_a_header_and_a_body() {
    let mut stream = BytesMut::from(&framed(9, b"body")[..]);
    let frame = take(&mut stream).expect("is a frame").expect("is whole");
    assert_eq!((frame.kind, &frame.body[..]), (9, &b"body"[..]));
    assert!(stream.is_empty());
    assert_eq!(take(&mut stream), Ok(None));
}

#[test]
fn an_empty_body_is_whole_with_its_header() {
    let mut stream = BytesMut::from(&framed(9, b"")[..]);
    let frame = take(&mut stream).expect("is a frame").expect("is whole");
    assert_eq!((frame.kind, frame.body.len()), (9, 0));
}

#[test]
fn every_cut_waits_and_leaves_what_came() {
    let whole = framed(9, &[7; 100]);
    for cut in 0..whole.len() {
        let mut stream = BytesMut::from(&whole[..cut]);
        assert_eq!(take(&mut stream), Ok(None), "cut to {cut} bytes");
        assert_eq!(stream, whole[..cut]);
        assert!(stream.capacity() > cut, "no room to read into");
        stream.put_slice(&whole[cut..]);
        let frame = take(&mut stream).expect("is a frame").expect("is whole");
        assert_eq!(frame.body, whole[HEADER_LEN..]);
    }
}

#[test]
fn frames_in_a_row_come_in_order() {
    let mut stream = BytesMut::new();
    for kind in kinds() {
        stream.put_slice(&framed(kind, &vec![kind; kind.into()]));
    }
    for kind in kinds() {
        let frame = take(&mut stream).expect("is a frame").expect("is whole");
        assert_eq!(frame.kind, kind);
        assert_eq!(frame.body, vec![kind; kind.into()]);
    }
    assert_eq!(take(&mut stream), Ok(None));
}

#[test]
fn each_reserved_bit_must_be_zero() {
    for bit in 0..16 {
        let mut stream = BytesMut::from(&framed(9, b"body")[..]);
        stream[2 + bit / 8] |= 1 << (bit % 8);
        assert_eq!(take(&mut stream), Err(FrameError::Reserved), "bit {bit}");
    }
}

/// What leads the bulk is a part of the body.
#[test]
fn no_more_can_lead_than_there_is() {
    for lead in 0..=255 {
        let mut stream = BytesMut::from(&framed(9, b"body")[..]);
        stream[1] = lead;
        let announced = 4;
        match take(&mut stream) {
            Ok(Some(frame)) if lead <= 4 => assert_eq!(frame.body, &b"body"[..]),
            Err(error) if lead > 4 => assert_eq!(error, FrameError::Lead { announced, lead }),
            result => panic!("{lead}: {result:?}"),
        }
    }
}

/// The error must not wait for a body that would be refused anyway.
#[test]
fn an_over_long_frame_is_refused_by_its_header() {
    for announced in [MAX_BODY_LEN as u32 + 1, 1 << 31, u32::MAX] {
        let mut stream = BytesMut::from(&[9, 0, 0, 0][..]);
        stream.put_slice(&announced.to_le_bytes());
        let announced = announced.into();
        assert_eq!(take(&mut stream), Err(FrameError::TooLong { announced }));
        assert!(stream.capacity() < 4096);
    }
}

#[test]
fn the_longest_frame_is_not_over_long() {
    let mut stream = BytesMut::from(&header(9, MAX_BODY_LEN).expect("fits")[..]);
    assert_eq!(take(&mut stream), Ok(None));
}

#[test]
fn no_header_is_made_for_an_over_long_body() {
    for length in [MAX_BODY_LEN + 1, u32::MAX as usize + 1, usize::MAX] {
        let announced = length as u64;
        assert_eq!(header(9, length), Err(FrameError::TooLong { announced }));
    }
}

#[test]
fn the_longest_args_and_results_just_fit() {
    assert_eq!(Run::HEAD_LEN + Run::MAX_ARGS_LEN, HEADER_LEN + MAX_BODY_LEN);
    assert_eq!(
        Finished::HEAD_LEN + Finished::MAX_RESULT_LEN,
        HEADER_LEN + MAX_BODY_LEN
    );
}

#[test]
fn what_is_announced_costs_a_mebibyte_at_most() {
    for announced in [ROOM, ROOM + 1, MAX_BODY_LEN / 2, MAX_BODY_LEN] {
        for came in [0, 1, 10, 1000, 100_000] {
            let mut stream = BytesMut::from(&header(9, announced).expect("fits")[..]);
            stream.put_bytes(7, came);
            assert_eq!(take(&mut stream), Ok(None));
            assert!(
                stream.capacity() <= ROOM + stream.len(),
                "{} for {came} of {announced} bytes",
                stream.capacity()
            );
        }
    }
}

/// A peer that drips costs no more than one that stops: the room was once topped up with each piece,
/// and so doubled.
#[test]
fn asking_again_reserves_no_more() {
    let mut stream = BytesMut::from(&header(9, MAX_BODY_LEN).expect("fits")[..]);
    for _ in 0..1000 {
        assert_eq!(take(&mut stream), Ok(None));
        stream.put_bytes(7, 10);
        assert!(stream.capacity() <= ROOM + stream.len());
    }
}

/// Or a long frame would be copied once for each mebibyte.
#[test]
fn a_long_frame_grows_by_doubling() {
    let body = 40 * ROOM;
    let mut stream = BytesMut::from(&header(9, body).expect("fits")[..]);
    let mut grown = 0;
    let frame = loop {
        let before = stream.capacity();
        if let Some(frame) = take(&mut stream).expect("is a frame") {
            break frame;
        }
        assert!(stream.capacity() <= 2 * stream.len() + ROOM);
        grown += usize::from(stream.capacity() > before);
        let missing = HEADER_LEN + body - stream.len();
        let room = stream.capacity() - stream.len();
        stream.put_bytes(7, room.min(missing).min(10_000));
    };
    assert_eq!(frame.body.len(), body);
    assert!(grown <= 8, "grown {grown} times");
}

proptest! {
    /// However the stream is cut, the same frames come.
    #[test]
    fn chunks_make_no_difference(
        bodies in proptest::collection::vec(
            proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0..6),
        lengths in proptest::collection::vec(0usize..30, 1..40),
    ) {
        let bytes: Vec<u8> = bodies.iter().zip(1..).flat_map(|(it, kind)| framed(kind, it)).collect();
        let mut rest = &bytes[..];
        let mut stream = BytesMut::new();
        let mut frames = Vec::new();
        for length in lengths.into_iter().chain([usize::MAX]) {
            let (chunk, later) = rest.split_at(length.min(rest.len()));
            stream.put_slice(chunk);
            rest = later;
            while let Some(frame) = take(&mut stream).expect("is a frame") {
                frames.push(frame);
            }
        }
        prop_assert!(stream.is_empty());
        prop_assert_eq!(frames.len(), bodies.len());
        for ((frame, body), kind) in frames.iter().zip(&bodies).zip(1..) {
            prop_assert_eq!(frame.kind, kind);
            prop_assert_eq!(&frame.body[..], &body[..]);
        }
    }
}
