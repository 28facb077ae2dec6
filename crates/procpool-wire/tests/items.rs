//! Many items in one message, and what comes of each.
#![forbid(unsafe_code)]

use bytes::Bytes;
use procpool_wire::items::{push_item, skip_items, take_item};
use procpool_wire::{Event, FrameBuffer, ItemFrames, ItemResult, ScalarType, StreamError, frame};

/// The frame of one result.
fn item(result: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ItemFrames::put(result, &mut frame).expect("a result that fits");
    frame
}

fn bodies(mut frames: ItemFrames) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some(body) = frames.next_result() {
        let ItemResult::Encoded(body) = body else {
            panic!("{body:?} was to be an encoded result");
        };
        bodies.push(body.to_vec());
    }
    assert!(frames.is_empty());
    bodies
}

/// What the parent has received.
fn received(bytes: &[u8]) -> FrameBuffer {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    buffer.extend(bytes);
    buffer
}

fn took(buffer: &mut FrameBuffer) -> Event {
    Event::take(buffer)
        .expect("no error")
        .expect("a whole event")
}

#[test]
fn results_that_follow_each_other_come_in_one_piece() {
    let began = [133, 0, 0, 0, 16, 0, 0, 0].into_iter().chain([0; 16]);
    let mut stream = received(&began.collect::<Vec<u8>>());
    for result in [&b"one"[..], b"", b"three"] {
        stream.extend(&item(result));
    }
    Event::encode_ready(&mut Vec::new());
    stream.extend(&[129, 0, 0, 0, 0, 0, 0, 0]);
    stream.extend(&item(b"four")[..3]);
    assert!(matches!(took(&mut stream), Event::ItemsBegan(_)));
    let Event::Items(mut frames) = took(&mut stream) else {
        panic!("items were to come");
    };
    assert_eq!(frames.count(), 3);
    assert_eq!(frames.len(), 4 + 1 + 6);
    frames.next_result();
    assert_eq!(frames.len(), 1 + 6);
    assert_eq!(bodies(frames), [&b""[..], b"three"]);
    assert!(matches!(took(&mut stream), Event::Ready));
    assert!(Event::take(&mut stream).expect("no error").is_none());
    stream.extend(&item(b"four")[3..]);
    let Event::Items(frames) = took(&mut stream) else {
        panic!("an item was to come");
    };
    assert_eq!(bodies(frames), [b"four"]);
}

#[test]
fn results_with_a_full_header_come_in_one_piece_too() {
    let stream = [item(&[7; 100]), item(&[8; 200]), item(b"three")].concat();
    let Event::Items(frames) = took(&mut received(&stream)) else {
        panic!("items were to come");
    };
    assert_eq!(bodies(frames), [&[7; 100][..], &[8; 200], b"three"]);
}

#[test]
fn results_are_skipped_as_they_would_be_read() {
    let stream = [item(b"one"), item(b"two"), item(b"three")].concat();
    for skipped in 0..5 {
        let Event::Items(mut frames) = took(&mut received(&stream)) else {
            panic!("items were to come");
        };
        frames.skip(skipped);
        assert_eq!(frames.count(), 3_u32.saturating_sub(skipped));
        let left = bodies(frames);
        assert_eq!(
            left[..],
            [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()][(skipped as usize).min(3)..]
        );
    }
}

#[test]
fn a_result_that_is_announced_too_long_is_an_error() {
    let header = [134, 0, 0, 0, 255, 255, 255, 255];
    let result = Event::take(&mut received(&header));
    assert!(matches!(result, Err(StreamError::Frame(_))), "{result:?}");
    let reserved = [134, 0, 7, 0, 1, 0, 0, 0, 9];
    let result = Event::take(&mut received(&reserved));
    assert!(matches!(result, Err(StreamError::Frame(_))), "{result:?}");
}

#[test]
fn items_come_out_as_they_went_in() {
    let mut items = Vec::new();
    for args in [&b"one"[..], b"", &[7; 300]] {
        push_item(&mut items, |out| {
            out.extend_from_slice(args);
            Ok::<_, ()>(())
        })
        .expect("short arguments");
    }
    let refused = push_item(&mut items, |out| {
        out.push(1);
        Err("why")
    });
    assert_eq!(refused, Err(Some("why")));
    let mut rest = &items[..];
    for args in [&b"one"[..], b"", &[7; 300]] {
        assert_eq!(take_item(&mut rest), Some(args));
    }
    assert_eq!(take_item(&mut rest), None);
    let whole = Bytes::from(items);
    let mut rest = Bytes::clone(&whole);
    assert_eq!(skip_items(&mut rest, None, 4), None);
    assert_eq!(rest, whole, "nothing is taken if there are too few");
    assert_eq!(skip_items(&mut rest, None, 2), Some(()));
    assert_eq!(take_item(&mut &rest[..]), Some(&[7; 300][..]));
}

#[test]
fn no_bytes_are_an_item_beyond_their_end() {
    let long = [255, 255, 255, 255, 255, 0];
    for bytes in [&[2, 0][..], &[254, 0], &[255, 1, 0, 0], &long, &[]] {
        assert_eq!(take_item(&mut &bytes[..]), None);
    }
    assert!(frame::MAX_BODY_LEN < u32::MAX as usize);
}

#[test]
fn large_results_come_too_however_they_are_read() {
    let large = vec![7; 100_000];
    let stream = [item(b"one"), item(&large), item(b"three")].concat();
    for part in [1000, 70_000, stream.len()] {
        let mut buffer = FrameBuffer::new(Vec::reserve);
        let mut results = Vec::new();
        for chunk in stream.chunks(part) {
            buffer.extend(chunk);
            while let Some(event) = Event::take(&mut buffer).expect("no error") {
                let Event::Items(frames) = event else {
                    panic!("items were to come");
                };
                results.extend(bodies(frames));
            }
        }
        assert!(results == [&b"one"[..], &large, b"three"], "{part}");
    }
}

/// Where the one form of a length ends and the other begins.
#[test]
fn items_and_results_of_each_length_come_back() {
    for len in [0, 1, 62, 63, 64, 65, 253, 254, 255, 256, 70_000] {
        let body = vec![7; len];
        let mut items = Vec::new();
        for _ in 0..2 {
            push_item(&mut items, |out| {
                out.extend_from_slice(&body);
                Ok::<_, ()>(())
            })
            .expect("short arguments");
        }
        assert_eq!(items.len(), 2 * (len + if len < 255 { 1 } else { 5 }));
        let mut rest = &items[..];
        assert_eq!(take_item(&mut rest), Some(&body[..]));
        assert_eq!(take_item(&mut rest), Some(&body[..]));
        assert!(rest.is_empty());

        let frame = item(&body);
        assert_eq!(frame.len(), len + if len < 64 { 1 } else { 8 });
        for cut in [0, frame.len() / 2, frame.len() - 1] {
            let mut stream = received(&frame[..cut]);
            let early = Event::take(&mut stream).expect("no error");
            assert!(early.is_none(), "{len} cut to {cut}");
            stream.extend(&frame[cut..]);
            let Event::Items(frames) = took(&mut stream) else {
                panic!("an item was to come");
            };
            assert_eq!(bodies(frames), [&body[..]], "{len} cut to {cut}");
        }
    }
}

/// A bare number between encoded results, and one of another type than is asked for.
#[test]
fn bare_numbers_come_among_other_results() {
    let mut stream = item(b"one");
    ItemFrames::put_scalar(ScalarType::U64, u64::MAX, &mut stream);
    ItemFrames::put_scalar(ScalarType::U64, 7, &mut stream);
    ItemFrames::put_scalar(ScalarType::Unit, 0, &mut stream);
    ItemFrames::put_scalar(ScalarType::I16, 0xfffe, &mut stream);
    stream.extend(item(b"two"));
    for cut in 0..stream.len() {
        let mut buffer = received(&stream[..cut]);
        let mut pieces = Vec::new();
        while let Some(event) = Event::take(&mut buffer).expect("no error") {
            pieces.push(event);
        }
        buffer.extend(&stream[cut..]);
        while let Some(event) = Event::take(&mut buffer).expect("no error") {
            pieces.push(event);
        }
        let mut results = Vec::new();
        for piece in pieces {
            let Event::Items(mut frames) = piece else {
                panic!("items were to come");
            };
            let before = frames.count();
            let mut took = 0;
            while !frames.is_empty() {
                took += 1;
                if let Some(number) = frames.next_scalar::<u64>() {
                    results.push(number.to_string());
                } else {
                    results.push(format!("{:?}", frames.next_result().expect("one is left")));
                }
            }
            assert_eq!(took, before, "cut at {cut}");
            assert!(frames.next_result().is_none() && frames.next_scalar::<u64>().is_none());
        }
        let expected = [
            "Encoded([111, 110, 101])",
            "18446744073709551615",
            "7",
            "Scalar(Unit, [])",
            "Scalar(I16, [254, 255])",
            "Encoded([116, 119, 111])",
        ];
        assert_eq!(results, expected, "cut at {cut}");
    }
}

#[test]
fn numbers_of_a_column_are_skipped_by_their_width() {
    let column = Bytes::from_static(&[1, 0, 2, 0, 3, 0]);
    for (skipped, left) in [(0, 6), (2, 2), (3, 0)] {
        let mut rest = column.clone();
        assert_eq!(
            skip_items(&mut rest, Some(ScalarType::U16), skipped),
            Some(())
        );
        assert_eq!(rest.len(), left);
    }
    for too_many in [4, u32::MAX] {
        let mut rest = column.clone();
        assert_eq!(skip_items(&mut rest, Some(ScalarType::U16), too_many), None);
        assert_eq!(rest, column);
    }
    assert_eq!(
        skip_items(&mut Bytes::new(), Some(ScalarType::Unit), 9),
        Some(())
    );
}
