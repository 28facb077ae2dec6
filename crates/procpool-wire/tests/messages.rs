//! What each message makes of right and of wrong bodies.
#![forbid(unsafe_code)]

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use procpool_wire::frame::{self, HEADER_LEN};
use procpool_wire::{
    Command, Event, Finished, Frame, Limits, MessageError, Outcome, Payload, Preparation, Run,
    RunItems, Start,
};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared, and each test uses its part"
)]
#[path = "../../../fuzz/src"]
mod shared {
    pub(crate) mod samples;
    pub(crate) mod stream;
    pub(crate) mod values;
}
use shared::samples;
use shared::stream::{encode_command, encode_event};

/// Where a dispatch id's reserved bytes are, in a body that begins with one.
const DISPATCH_ID_RESERVED: std::ops::Range<usize> = 10..16;

/// Where an end's outcome is, then whether the worker needs to be recycled, then reserved bytes.
const OUTCOME: usize = 24;
const WORN: usize = 25;
const END_RESERVED: std::ops::Range<usize> = 26..32;

fn frame_of(bytes: &[u8]) -> Frame {
    let mut stream = BytesMut::from(bytes);
    let frame = frame::take(&mut stream).expect("is a frame");
    assert!(stream.is_empty(), "more than a frame");
    frame.expect("is whole")
}

fn with_body(frame: &Frame, change: impl FnOnce(&mut Vec<u8>)) -> Frame {
    let mut body = frame.body.to_vec();
    change(&mut body);
    Frame {
        kind: frame.kind,
        body: body.into(),
        bulk: None,
    }
}

fn command_frames() -> Vec<(&'static str, Frame)> {
    let commands = samples::commands();
    let frames = commands.iter();
    frames
        .map(|(name, it)| (*name, frame_of(&encode_command(it))))
        .collect()
}

fn event_frames() -> Vec<(&'static str, Frame)> {
    let events = samples::events();
    let frames = events.iter();
    frames
        .map(|(name, it)| (*name, frame_of(&encode_event(it))))
        .collect()
}

#[test]
fn every_command_comes_back() {
    for (name, command) in samples::commands() {
        let back = Command::decode(frame_of(&encode_command(&command))).expect(name);
        assert_eq!(format!("{back:?}"), format!("{command:?}"), "{name}");
    }
}

#[test]
fn every_event_comes_back() {
    for (name, event) in samples::events() {
        let back = Event::decode(frame_of(&encode_event(&event))).expect(name);
        assert_eq!(format!("{back:?}"), format!("{event:?}"), "{name}");
    }
}

/// The payload is the rest of the frame, so a cut in it makes another payload; all else is needed.
#[test]
fn every_cut_of_a_command_is_an_error() {
    for (name, frame) in command_frames() {
        let needed = match name {
            "run" | "run-without-limits-and-args" => Run::HEAD_LEN - HEADER_LEN,
            "initialize" => Preparation::HEAD_LEN - HEADER_LEN,
            "broadcast" => Preparation::HEAD_LEN - HEADER_LEN,
            "run-items" | "run-column" => RunItems::HEAD_LEN - HEADER_LEN,
            "start-of-another-version" => 16 + samples::start().identity.len(),
            _ => frame.body.len(),
        };
        for cut in 0..frame.body.len() {
            let result = Command::decode(with_body(&frame, |body| body.truncate(cut)));
            match result {
                Ok(Command::Run(run)) => {
                    assert!(cut >= needed, "{name} cut to {cut} bytes");
                    assert_eq!(run.args.bytes(), &frame.body[needed..cut], "{name}");
                }
                result => assert_eq!(result.is_ok(), cut >= needed, "{name} cut to {cut} bytes"),
            }
        }
    }
}

/// See [`every_cut_of_a_command_is_an_error`].
#[test]
fn every_cut_of_an_event_is_an_error() {
    for (name, frame) in event_frames() {
        let needed = match name {
            "returned" | "returned-nothing-unworn" => Finished::HEAD_LEN - HEADER_LEN,
            "item" => 0,
            _ => frame.body.len(),
        };
        for cut in 0..frame.body.len() {
            let result = Event::decode(with_body(&frame, |body| body.truncate(cut)));
            assert_eq!(result.is_ok(), cut >= needed, "{name} cut to {cut} bytes");
        }
    }
}

#[test]
fn fixed_fields_cut_short_are_called_truncated() {
    let fixed = [
        ("run", Run::HEAD_LEN - HEADER_LEN),
        ("start", 16 + samples::start().identity.len()),
    ];
    for (name, frame) in command_frames() {
        let Some((_, fixed)) = fixed.iter().find(|(fixed, _)| *fixed == name) else {
            continue;
        };
        for cut in 0..*fixed {
            let result = Command::decode(with_body(&frame, |body| body.truncate(cut)));
            assert!(
                matches!(result, Err(MessageError::Truncated)),
                "{name} cut to {cut} bytes: {result:?}"
            );
        }
    }
}

/// All bytes behind these messages' fields are checked; a run's and a result's are their payload.
#[test]
fn bytes_behind_a_message_are_an_error() {
    for (name, frame) in command_frames() {
        let longer = with_body(&frame, |body| body.push(0));
        let has_payload = matches!(
            name,
            "run"
                | "run-without-limits-and-args"
                | "initialize"
                | "broadcast"
                | "run-items"
                | "run-column"
                | "start-of-another-version"
        );
        assert_eq!(Command::decode(longer).is_ok(), has_payload, "{name}");
    }
    for (name, frame) in event_frames() {
        let longer = with_body(&frame, |body| body.push(0));
        let has_payload = matches!(name, "returned" | "returned-nothing-unworn" | "item");
        assert_eq!(Event::decode(longer).is_ok(), has_payload, "{name}");
    }
}

#[test]
fn bytes_behind_an_empty_message_are_called_trailing() {
    for (name, frame) in command_frames() {
        if name == "stop" {
            let result = Command::decode(with_body(&frame, |body| body.push(0)));
            assert!(matches!(result, Err(MessageError::TrailingBytes)));
        }
    }
    for (name, frame) in event_frames() {
        if name == "ready" {
            let result = Event::decode(with_body(&frame, |body| body.push(0)));
            assert!(matches!(result, Err(MessageError::TrailingBytes)));
        }
    }
}

#[test]
fn each_reserved_bit_must_be_zero() {
    let flipped =
        |frame: &Frame, bit: usize| with_body(frame, |body| body[bit / 8] ^= 1 << (bit % 8));
    let run = frame_of(&encode_command(&Command::Run(samples::run())));
    for bit in DISPATCH_ID_RESERVED.start * 8..DISPATCH_ID_RESERVED.end * 8 {
        let result = Command::decode(flipped(&run, bit));
        assert!(matches!(result, Err(MessageError::Reserved)), "bit {bit}");
    }
    assert_eq!(END_RESERVED.end, Finished::HEAD_LEN - HEADER_LEN);
    for (name, frame) in event_frames() {
        if frame.body.len() < END_RESERVED.end || name == "segments" {
            continue;
        }
        for byte in DISPATCH_ID_RESERVED.chain(END_RESERVED) {
            for bit in byte * 8..byte * 8 + 8 {
                let result = Event::decode(flipped(&frame, bit));
                let reserved = matches!(result, Err(MessageError::Reserved));
                let is_end = matches!(Event::decode(frame.clone()), Ok(Event::Finished(_)));
                assert_eq!(reserved, is_end, "{name}: bit {bit}");
            }
        }
    }
}

/// No kind means something in both directions, so an echo is noticed.
#[test]
fn every_other_kind_is_unknown() {
    let commands = command_frames();
    let events = event_frames();
    for kind in 0..=255 {
        let frame = Frame {
            kind,
            body: Bytes::new(),
            bulk: None,
        };
        let is_command = commands.iter().any(|(_, it)| it.kind == kind);
        let is_number = (0xb1..=0xbd).contains(&kind);
        let is_event = is_number || events.iter().any(|(_, it)| it.kind == kind);
        assert!(!(is_command && is_event), "kind {kind}");
        let as_command = Command::decode(frame.clone());
        let as_event = Event::decode(frame);
        assert_eq!(
            matches!(as_command, Err(MessageError::UnknownKind(found)) if found == kind),
            !is_command,
            "kind {kind}"
        );
        assert_eq!(
            matches!(as_event, Err(MessageError::UnknownKind(found)) if found == kind),
            !is_event,
            "kind {kind}"
        );
    }
}

#[test]
fn every_other_outcome_is_unknown() {
    let result = Outcome::Returned(Payload::default());
    let frame = frame_of(&encode_event(&samples::finished(result)));
    for outcome in 5..=255 {
        let result = Event::decode(with_body(&frame, |body| body[OUTCOME] = outcome));
        match result {
            Err(MessageError::UnknownValue { field, found }) => {
                assert_eq!((field, found), ("outcome", outcome.into()));
            }
            result => panic!("outcome {outcome}: {result:?}"),
        }
    }
}

#[test]
fn a_worker_needs_to_be_recycled_or_not() {
    let result = Outcome::Returned(Payload::default());
    let frame = frame_of(&encode_event(&samples::finished(result)));
    for needs_recycle in 0..=255 {
        let result = Event::decode(with_body(&frame, |body| body[WORN] = needs_recycle));
        match result {
            Ok(Event::Finished(finished)) if needs_recycle < 2 => {
                assert_eq!(finished.needs_recycle, needs_recycle == 1)
            }
            Err(MessageError::UnknownValue { field, found }) if needs_recycle >= 2 => {
                assert_eq!((field, found), ("needs_recycle", needs_recycle.into()));
            }
            result => panic!("needs_recycle {needs_recycle}: {result:?}"),
        }
    }
}

/// Zero stands for none on the wire, so a limit of zero becomes the least one.
#[test]
fn a_limit_stays_a_limit() {
    for (limits, back) in [
        ((None, None), (None, None)),
        (
            (Some(Duration::ZERO), Some(0)),
            (Some(Duration::from_nanos(1)), Some(1)),
        ),
        (
            (Some(Duration::MAX), Some(u64::MAX)),
            (Some(Duration::from_nanos(u64::MAX)), Some(u64::MAX)),
        ),
    ] {
        let (cpu_time, memory) = limits;
        let run = Run {
            limits: Limits { cpu_time, memory },
            ..samples::run()
        };
        match Command::decode(frame_of(&encode_command(&Command::Run(run)))) {
            Ok(Command::Run(run)) => assert_eq!((run.limits.cpu_time, run.limits.memory), back),
            result => panic!("{result:?}"),
        }
    }
}

/// What is taken for a text must be one.
#[test]
fn an_outcome_with_another_outcomes_payload_is_an_error() {
    let frame = frame_of(&encode_event(&samples::finished(Outcome::Returned(
        vec![7].into(),
    ))));
    for outcome in 1..5 {
        let result = Event::decode(with_body(&frame, |body| body[OUTCOME] = outcome));
        assert!(
            matches!(result, Err(MessageError::Value(_))),
            "outcome {outcome}: {result:?}"
        );
    }
}

/// Whatever else may have changed, a worker can read who its parent is.
#[test]
fn the_setup_of_another_version_is_not_looked_into() {
    let start = samples::start();
    let frame = frame_of(&encode_command(&Command::Start(start.clone())));
    let setup = 16 + start.identity.len();
    let other = with_body(&frame, |body| {
        body[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        body.truncate(setup);
        body.extend_from_slice(&[0xff; 10]);
    });
    match Command::decode(other) {
        Ok(Command::Start(found)) => {
            assert_eq!(found.version, u32::MAX);
            assert_eq!(
                (found.anchor, found.identity),
                (start.anchor, start.identity)
            );
        }
        result => panic!("{result:?}"),
    }
}

/// The length of the identity is the only one that a message has within it.
#[test]
fn an_identity_longer_than_its_message_is_an_error() {
    let frame = frame_of(&encode_command(&Command::Start(samples::start())));
    let most = frame.body.len() as u32 - 16;
    for announced in [most + 1, 1 << 30, u32::MAX] {
        let result = Command::decode(with_body(&frame, |body| {
            body[4..8].copy_from_slice(&announced.to_le_bytes());
        }));
        assert!(
            matches!(result, Err(MessageError::Truncated)),
            "{announced}: {result:?}"
        );
    }
}

#[test]
fn empty_and_odd_fields_come_back() {
    let start = Start {
        version: procpool_wire::PROTOCOL_VERSION,
        anchor: u64::MAX,
        identity: Vec::new(),
        ..samples::start()
    };
    match Command::decode(frame_of(&encode_command(&Command::Start(start.clone())))) {
        Ok(Command::Start(back)) => assert_eq!(back, start),
        result => panic!("{result:?}"),
    }
    // Longer than the field can tell: it stays at its end.
    let forever = Finished {
        dispatch_id: samples::run().dispatch_id,
        ran: Duration::MAX,
        needs_recycle: false,
        outcome: Outcome::Returned(Payload::default()),
    };
    match Event::decode(frame_of(&encode_event(&Event::Finished(forever)))) {
        Ok(Event::Finished(back)) => assert_eq!(back.ran, Duration::from_nanos(u64::MAX)),
        result => panic!("{result:?}"),
    }
}

#[test]
fn payloads_of_any_length_come_back() {
    for length in [0, 1, 100, 127, 128, 65_536, 1_000_000] {
        let payload = Payload::from(vec![7; length]);
        let run = Run {
            args: payload.clone(),
            ..samples::run()
        };
        match Command::decode(frame_of(&encode_command(&Command::Run(run.clone())))) {
            Ok(Command::Run(back)) => assert!(back == run, "{length} bytes"),
            result => panic!("{result:?}"),
        }
        let end = samples::finished(Outcome::Returned(payload.clone()));
        match Event::decode(frame_of(&encode_event(&end))) {
            Ok(Event::Finished(Finished {
                outcome: Outcome::Returned(back),
                ..
            })) => assert!(back == payload, "{length} bytes"),
            result => panic!("{result:?}"),
        }
    }
}

/// A payload is a part of the frame that came, and not a copy, unless it is of few bytes.
#[test]
fn payloads_are_not_copied() {
    let run = Run {
        args: vec![7; 100].into(),
        ..samples::run()
    };
    let frame = frame_of(&encode_command(&Command::Run(run)));
    let end = frame.body.as_ptr_range().end;
    match Command::decode(frame.clone()) {
        Ok(Command::Run(run)) => assert_eq!(run.args.bytes().as_ptr_range().end, end),
        result => panic!("{result:?}"),
    }
}
