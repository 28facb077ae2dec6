//! Messages and values by name. The corpus is seeded with them, and `golden_frames` pins the bytes
//! of the messages.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use procpool_wire::items::push_item;
use procpool_wire::{
    Command, DispatchId, Event, Finished, ItemFrames, Limits, Outcome, PROTOCOL_VERSION,
    PanicReport, Payload, Preparation, Refusal, Run, RunItems, ScalarType, Segment, Segments,
    Setup, Start, frame, value,
};
use serde::Serialize;

use super::stream::{encode_command, encode_event};
use super::values::{Bits, External, Flat, Internal, Untagged};

/// One of each command, no field zero.
pub fn commands() -> Vec<(&'static str, Command)> {
    vec![
        ("start", Command::Start(start())),
        (
            "start-of-another-version",
            Command::Start(Start {
                version: PROTOCOL_VERSION + 1,
                setup: Setup::default(),
                ..start()
            }),
        ),
        ("run", Command::Run(run())),
        (
            "run-without-limits-and-args",
            Command::Run(Run {
                limits: Limits::default(),
                args: Payload::default(),
                ..run()
            }),
        ),
        (
            "initialize",
            Command::Initialize(Preparation {
                entry: 0x1112_1314_1516_1718,
                function: 0x2122_2324_2526_2728,
                args: value_of(&(7, "é")).into(),
            }),
        ),
        (
            "broadcast",
            Command::Broadcast(Preparation {
                entry: 0x1112_1314_1516_1718,
                function: 0x2122_2324_2526_2728,
                args: value_of(&(7, "é")).into(),
            }),
        ),
        (
            "run-items",
            Command::RunItems(RunItems {
                dispatch_id: dispatch_id(),
                entry: 0x1112_1314_1516_1718,
                function: 0x2122_2324_2526_2728,
                limits: run().limits,
                clocked: true,
                count: 2,
                column: None,
                items: items_of(&[value_of(&(7, "é")), value_of(&())]).into(),
            }),
        ),
        (
            "run-column",
            Command::RunItems(RunItems {
                dispatch_id: dispatch_id(),
                entry: 0x1112_1314_1516_1718,
                function: 0x2122_2324_2526_2728,
                limits: run().limits,
                clocked: false,
                count: 2,
                column: Some(ScalarType::I16),
                items: Bytes::from_static(&[7, 0, 0xfe, 0xff]).into(),
            }),
        ),
        ("resume", Command::Resume),
        ("segments", Command::Segments(segments())),
        ("stop", Command::Stop),
    ]
}

fn segments() -> Segments {
    Segments {
        attached: vec![
            Segment::Lent {
                id: 0x2122_2324_2526_2728,
                number: 0x3132_3334,
                size: 0x4142_4344_4546_4748,
                len: 0x5152_5354_5556_5758,
            },
            Segment::Own(0x6162_6364_6566_6768),
        ],
        returned: vec![(7, 9)],
        forgotten: vec![5, 6],
    }
}

/// One of each event and each outcome, no field zero.
pub fn events() -> Vec<(&'static str, Event)> {
    vec![
        ("ready", Event::Ready),
        ("segments", Event::Segments(segments())),
        (
            "refused-version",
            Event::Refused(Refusal::Version {
                parent: 1,
                worker: 2,
            }),
        ),
        (
            "refused-build",
            Event::Refused(Refusal::Build("other".to_owned())),
        ),
        (
            "refused-setup",
            Event::Refused(Refusal::Setup("no memory".to_owned())),
        ),
        (
            "refused-initializer",
            Event::Refused(Refusal::Initializer("no model".to_owned())),
        ),
        (
            "refused-initializer-panicked",
            Event::Refused(Refusal::InitializerPanicked(PanicReport {
                message: "boom".to_owned(),
                location: None,
                backtrace: None,
            })),
        ),
        (
            "refused-broadcast",
            Event::Refused(Refusal::Broadcast("no licence".to_owned())),
        ),
        (
            "refused-broadcast-panicked",
            Event::Refused(Refusal::BroadcastPanicked(PanicReport {
                message: "boom".to_owned(),
                location: None,
                backtrace: None,
            })),
        ),
        (
            "returned",
            finished(Outcome::Returned(value_of(&(7, "é")).into())),
        ),
        (
            "returned-nothing-unworn",
            Event::Finished(Finished {
                dispatch_id: dispatch_id(),
                ran: Duration::ZERO,
                needs_recycle: false,
                outcome: Outcome::Returned(Payload::default()),
            }),
        ),
        (
            "panicked",
            finished(Outcome::Panicked(PanicReport {
                message: "boom".to_owned(),
                location: Some("src/main.rs:1:2".to_owned()),
                backtrace: None,
            })),
        ),
        (
            "args-refused",
            finished(Outcome::ArgsRefused("args".to_owned())),
        ),
        (
            "result-refused",
            finished(Outcome::ResultRefused("result".to_owned())),
        ),
        (
            "no-such-function",
            finished(Outcome::NoSuchFunction("nowhere".to_owned())),
        ),
        ("broadcast-ran", Event::BroadcastEnded(None)),
        (
            "broadcast-failed",
            Event::BroadcastEnded(Some(Refusal::Broadcast("no licence".to_owned()))),
        ),
        ("items-began", Event::ItemsBegan(dispatch_id())),
        ("item", item(&value_of(&(7, "é")))),
        ("plain-item", scalar_item(ScalarType::U64, 7)),
        (
            "item-failed",
            Event::ItemFailed(Outcome::Panicked(PanicReport {
                message: "boom".to_owned(),
                location: None,
                backtrace: None,
            })),
        ),
    ]
}

fn items_of(args: &[Bytes]) -> Bytes {
    let mut items = Vec::new();
    for args in args {
        let pushed = push_item(&mut items, |out| {
            out.extend_from_slice(args);
            Ok::<_, ()>(())
        });
        pushed.expect("short arguments");
    }
    items.into()
}

fn item(result: &[u8]) -> Event {
    let mut frame = Vec::new();
    ItemFrames::put(result, &mut frame).expect("a short result");
    item_in(&frame)
}

fn scalar_item(kind: ScalarType, bits: u64) -> Event {
    let mut frame = Vec::new();
    ItemFrames::put_scalar(kind, bits, &mut frame);
    item_in(&frame)
}

fn item_in(frame: &[u8]) -> Event {
    let frame = frame::take(&mut BytesMut::from(frame));
    let frame = frame.expect("a frame").expect("a whole frame");
    Event::decode(frame).expect("any bytes are a result")
}

/// Streams of commands: each alone, all in a row, and one cut off.
pub fn command_streams() -> Vec<(String, Vec<u8>)> {
    streams(
        commands()
            .iter()
            .map(|(name, it)| (*name, encode_command(it))),
    )
}

/// Streams of events: each alone, all in a row, and one cut off.
pub fn event_streams() -> Vec<(String, Vec<u8>)> {
    streams(events().iter().map(|(name, it)| (*name, encode_event(it))))
}

/// Encoded values, of the types that [`super::values`] decodes.
pub fn values() -> Vec<(String, Vec<u8>)> {
    let record = BTreeMap::from([("a".to_owned(), Untagged::Number(Bits(1.5)))]);
    [
        ("unit", value_of(&())),
        ("integer", value_of(&-70_000)),
        ("u128", value_of(&u128::MAX)),
        ("i128", value_of(&i128::MIN)),
        ("float", value_of(&f64::NAN)),
        ("char", value_of(&'é')),
        ("text", value_of("a text of more than thirty-one bytes")),
        ("vec-u8", value_of(&[200u8; 140][..])),
        ("vec-u64", value_of(&[1u64, 1 << 40, 7])),
        ("units", value_of(&[(); 3])),
        ("bytes", value_of(serde_bytes::Bytes::new(&[7; 40]))),
        ("some-none", value_of(&Some(Some(None::<u8>)))),
        ("some-unit", value_of(&Some(Some(())))),
        ("tuple", value_of(&(1u8, "a", Some(true)))),
        ("ok", value_of(&Ok::<_, String>([Some(1u8), None]))),
        ("map", value_of(&BTreeMap::from([(vec![1u8], Some(()))]))),
        ("external-newtype", value_of(&External::Newtype(Some(9)))),
        (
            "external-tuple",
            value_of(&External::Tuple(1, "a".to_owned())),
        ),
        (
            "external-struct",
            value_of(&External::Struct { a: Some(None) }),
        ),
        (
            "internal",
            value_of(&Internal::Struct {
                a: Some(None),
                ip: Ipv4Addr::LOCALHOST.into(),
            }),
        ),
        ("untagged", value_of(&Untagged::Map(record))),
        (
            "flat",
            value_of(&Flat {
                a: 1,
                rest: BTreeMap::from([("b".to_owned(), serde_json::json!([null, 1.5]))]),
            }),
        ),
        (
            "json",
            value_of(&serde_json::json!({"a": [1, -1, {"b": null}], "c": "d"})),
        ),
        ("nest", [0xc2, 0xd4, 2, 0xc1, 0xd4, 0].into_iter().collect()),
        ("deep", [0xd4, 1].repeat(150).into_iter().collect()),
        (
            "long-lie",
            [0xe0, 0xc7, 255, 255, 255, 255].into_iter().collect(),
        ),
        ("setup", value_of(&start().setup)),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
    .collect()
}

/// Bytes that [`super::tree`] grows values from: each shape, shallow and deep.
pub fn trees() -> Vec<(String, Vec<u8>)> {
    let shapes = (0..22).map(|shape| {
        let bytes = (0..40).map(|i: u8| i.wrapping_mul(37).wrapping_add(shape) % 64);
        (
            format!("shape-{shape:02}"),
            [shape].into_iter().chain(bytes).collect(),
        )
    });
    let deep = [13, 14, 16].map(|shape| (format!("deep-{shape}"), [shape, 1].repeat(140)));
    shapes.chain(deep).collect()
}

/// A start of this version.
pub fn start() -> Start {
    Start {
        version: PROTOCOL_VERSION,
        anchor: 0x0102_0304_0506_0708,
        identity: b"build".to_vec(),
        setup: Setup {
            worker: 3,
            pool: "pool".to_owned(),
            memory_limit: Some(1 << 20),
            cgroup_members: Some(b"group".to_vec()),
            has_initializer: true,
            broadcasts: 2,
            max_growth: Some(1 << 16),
        },
    }
}

/// A run with arguments.
pub fn run() -> Run {
    Run {
        dispatch_id: dispatch_id(),
        entry: 0x1112_1314_1516_1718,
        function: 0x2122_2324_2526_2728,
        limits: Limits {
            cpu_time: Some(Duration::from_nanos(0x6162_6364_6566_6768)),
            memory: Some(0x7172_7374_7576_7778),
        },
        args: value_of(&(7, "é")).into(),
    }
}

/// The end of [`run`].
pub fn finished(outcome: Outcome) -> Event {
    Event::Finished(Finished {
        dispatch_id: dispatch_id(),
        ran: Duration::from_nanos(0x3132_3334_3536_3738),
        needs_recycle: true,
        outcome,
    })
}

fn dispatch_id() -> DispatchId {
    DispatchId {
        slot: 0x4142,
        number: 0x5152_5354_5556_5758,
    }
}

fn value_of<T: Serialize + ?Sized>(part: &T) -> Bytes {
    let mut out = Vec::new();
    value::encode(part, &mut out).expect("encodes");
    out.into()
}

fn streams<'n>(frames: impl Iterator<Item = (&'n str, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut streams: Vec<_> = frames.map(|(name, it)| (name.to_owned(), it)).collect();
    let all: Vec<u8> = streams.iter().flat_map(|(_, it)| it.clone()).collect();
    let cut = all[..all.len() - 5].to_vec();
    let lie = [&all[..], &[all[0], 0, 0, 0, 0, 0, 0, 0x3f], &[1; 10]].concat();
    streams.extend([
        ("all".to_owned(), all),
        ("all-but-five-bytes".to_owned(), cut),
        ("much-announced".to_owned(), lie),
    ]);
    streams
}
