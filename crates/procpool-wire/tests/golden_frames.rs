//! The bytes of each message, field by field. Both sides are one build, so the protocol may change;
//! but not unnoticed.
//!
//! When it does: change the bytes here, raise `PROTOCOL_VERSION`, and write the seeds of the fuzz
//! corpus anew (`cargo test -p procpool-wire --test corpus -- --ignored`). The messages themselves
//! are in `fuzz/src/samples.rs`.
#![forbid(unsafe_code)]

use std::fmt::Write;

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

/// The first fields of each end.
const END: &str = "
    58 57 56 55 54 53 52 51     dispatch id: number
    42 41                       dispatch id: slot
    00 00 00 00 00 00           dispatch id: reserved
    38 37 36 35 34 33 32 31     ran, in nanoseconds
";

/// Stands for a kind: such a frame begins in another way.
const SHORT_ITEM: u8 = 0xc0;

/// A message by its name in the samples: its kind, and its body, a field a line: bytes, two blanks,
/// what they are. `{end}` stands for [`END`].
const COMMANDS: &[(&str, u8, &str)] = &[
    (
        "start",
        1,
        "
        09 00 00 00                 version
        05 00 00 00                 length of the identity
        08 07 06 05 04 03 02 01     anchor
        'build'                     identity
        d5 07                       setup: map
        a6 'worker' 03
        a4 'pool' a4 'pool'
        ac 'memory_limit' c2 c7 00 00 10 00
        ae 'cgroup_members' c2 e0 05 'group'
        af 'has_initializer' c4
        aa 'broadcasts' 02
        aa 'max_growth' c2 c7 00 00 01 00
        ",
    ),
    (
        "start-of-another-version",
        1,
        "
        0a 00 00 00                 version
        05 00 00 00                 length of the identity
        08 07 06 05 04 03 02 01     anchor
        'build'                     identity
        d5 07                       setup: map
        a6 'worker' 00
        a4 'pool' a0
        ac 'memory_limit' c1
        ae 'cgroup_members' c1
        af 'has_initializer' c3
        aa 'broadcasts' 00
        aa 'max_growth' c1
        ",
    ),
    (
        "run",
        2,
        "
        58 57 56 55 54 53 52 51     dispatch id: number
        42 41                       dispatch id: slot
        00 00 00 00 00 00           dispatch id: reserved
        18 17 16 15 14 13 12 11     entry
        28 27 26 25 24 23 22 21     function
        68 67 66 65 64 63 62 61     limit: CPU time, in nanoseconds
        78 77 76 75 74 73 72 71     limit: bytes of memory
        d4 02 07 a2 c3 a9          args
        ",
    ),
    (
        "run-without-limits-and-args",
        2,
        "
        58 57 56 55 54 53 52 51     dispatch id: number
        42 41                       dispatch id: slot
        00 00 00 00 00 00           dispatch id: reserved
        18 17 16 15 14 13 12 11     entry
        28 27 26 25 24 23 22 21     function
        00 00 00 00 00 00 00 00     limit: CPU time, in nanoseconds
        00 00 00 00 00 00 00 00     limit: bytes of memory
        ",
    ),
    (
        "initialize",
        4,
        "
        18 17 16 15 14 13 12 11     entry
        28 27 26 25 24 23 22 21     function
        d4 02 07 a2 c3 a9          args
        ",
    ),
    (
        "broadcast",
        5,
        "
        18 17 16 15 14 13 12 11     entry
        28 27 26 25 24 23 22 21     function
        d4 02 07 a2 c3 a9          args
        ",
    ),
    (
        "run-items",
        6,
        "
        58 57 56 55 54 53 52 51     dispatch id: number
        42 41                       dispatch id: slot
        00 00 00 00 00 00           dispatch id: reserved
        18 17 16 15 14 13 12 11     entry
        28 27 26 25 24 23 22 21     function
        68 67 66 65 64 63 62 61     limit: CPU time, in nanoseconds
        78 77 76 75 74 73 72 71     limit: bytes of memory
        02 00 00 00                 count
        01                          clocked
        00                          no column
        00 00                       reserved
        06                          length of an item
        d4 02 07 a2 c3 a9          args
        01                          length of an item
        c0                          args
        ",
    ),
    (
        "run-column",
        6,
        "
        58 57 56 55 54 53 52 51     dispatch id: number
        42 41                       dispatch id: slot
        00 00 00 00 00 00           dispatch id: reserved
        18 17 16 15 14 13 12 11     entry
        28 27 26 25 24 23 22 21     function
        68 67 66 65 64 63 62 61     limit: CPU time, in nanoseconds
        78 77 76 75 74 73 72 71     limit: bytes of memory
        02 00 00 00                 count
        00                          not clocked
        09                          a column of i16
        00 00                       reserved
        07 00                       an item
        fe ff                       an item
        ",
    ),
    ("resume", 7, ""),
    (
        "segments",
        8,
        "
        02 00 00 00                 how many are attached
        01 00 00 00                 returned
        02 00 00 00                 forgotten
        00 00 00 00                 reserved
        28 27 26 25 24 23 22 21     attached: name
        01 00 00 00                 it is lent
        34 33 32 31                 descriptor
        48 47 46 45 44 43 42 41     size
        58 57 56 55 54 53 52 51     bytes that count
        68 67 66 65 64 63 62 61     attached: name
        02 00 00 00                 it is the other side's own
        00 00 00 00
        00 00 00 00 00 00 00 00
        00 00 00 00 00 00 00 00
        07 00 00 00 00 00 00 00     returned: name
        09 00 00 00 00 00 00 00     so many times
        05 00 00 00 00 00 00 00     forgotten
        06 00 00 00 00 00 00 00
        ",
    ),
    ("stop", 3, ""),
];

/// See [`COMMANDS`].
const EVENTS: &[(&str, u8, &str)] = &[
    ("ready", 129, ""),
    (
        "segments",
        136,
        "
        02 00 00 00                 how many are attached
        01 00 00 00                 returned
        02 00 00 00                 forgotten
        00 00 00 00                 reserved
        28 27 26 25 24 23 22 21     attached: name
        01 00 00 00                 it is lent
        34 33 32 31                 descriptor
        48 47 46 45 44 43 42 41     size
        58 57 56 55 54 53 52 51     bytes that count
        68 67 66 65 64 63 62 61     attached: name
        02 00 00 00                 it is the other side's own
        00 00 00 00
        00 00 00 00 00 00 00 00
        00 00 00 00 00 00 00 00
        07 00 00 00 00 00 00 00     returned: name
        09 00 00 00 00 00 00 00     so many times
        05 00 00 00 00 00 00 00     forgotten
        06 00 00 00 00 00 00 00
        ",
    ),
    (
        "refused-version",
        130,
        "d6 a7 'Version' d5 02 a6 'parent' 01 a6 'worker' 02",
    ),
    ("refused-build", 130, "d6 a5 'Build' a5 'other'"),
    ("refused-setup", 130, "d6 a5 'Setup' a9 'no memory'"),
    (
        "refused-initializer",
        130,
        "d6 ab 'Initializer' a8 'no model'",
    ),
    (
        "refused-initializer-panicked",
        130,
        "
        d6 b3 'InitializerPanicked' d5 03
        a7 'message' a4 'boom'
        a8 'location' c1
        a9 'backtrace' c1
        ",
    ),
    (
        "refused-broadcast",
        130,
        "d6 a9 'Broadcast' aa 'no licence'",
    ),
    (
        "refused-broadcast-panicked",
        130,
        "
        d6 b1 'BroadcastPanicked' d5 03
        a7 'message' a4 'boom'
        a8 'location' c1
        a9 'backtrace' c1
        ",
    ),
    (
        "returned",
        131,
        "{end}
        00                          outcome
        01                          needs_recycle
        00 00 00 00 00 00           reserved
        d4 02 07 a2 c3 a9          result
        ",
    ),
    (
        "returned-nothing-unworn",
        131,
        "
        58 57 56 55 54 53 52 51     dispatch id: number
        42 41                       dispatch id: slot
        00 00 00 00 00 00           dispatch id: reserved
        00 00 00 00 00 00 00 00     ran, in nanoseconds
        00                          outcome
        00                          needs_recycle
        00 00 00 00 00 00           reserved
        ",
    ),
    (
        "panicked",
        131,
        "{end}
        01                          outcome
        01                          needs_recycle
        00 00 00 00 00 00           reserved
        d5 03                       report: map
        a7 'message' a4 'boom'
        a8 'location' c2 af 'src/main.rs:1:2'
        a9 'backtrace' c1
        ",
    ),
    (
        "args-refused",
        131,
        "{end}
        02                          outcome
        01                          needs_recycle
        00 00 00 00 00 00           reserved
        a4 'args'                   why
        ",
    ),
    (
        "result-refused",
        131,
        "{end}
        03                          outcome
        01                          needs_recycle
        00 00 00 00 00 00           reserved
        a6 'result'                 why
        ",
    ),
    (
        "no-such-function",
        131,
        "{end}
        04                          outcome
        01                          needs_recycle
        00 00 00 00 00 00           reserved
        a7 'nowhere'                why
        ",
    ),
    ("broadcast-ran", 132, "c1"),
    (
        "broadcast-failed",
        132,
        "c2 d6 a9 'Broadcast' aa 'no licence'",
    ),
    (
        "items-began",
        133,
        "
        58 57 56 55 54 53 52 51     dispatch id: number
        42 41                       dispatch id: slot
        00 00 00 00 00 00           dispatch id: reserved
        ",
    ),
    (
        "item",
        SHORT_ITEM,
        "
        c6                          header of a short result
        d4 02 07 a2 c3 a9          result
        ",
    ),
    (
        "plain-item",
        SHORT_ITEM,
        "
        b7                          header of a u64
        07 00 00 00 00 00 00 00     result
        ",
    ),
    (
        "item-failed",
        135,
        "
        01                          outcome
        00 00 00 00 00 00 00        reserved
        d5 03                       report: map
        a7 'message' a4 'boom'
        a8 'location' c1
        a9 'backtrace' c1
        ",
    ),
];

#[test]
fn commands() {
    let commands = samples::commands();
    let encoded = commands
        .iter()
        .map(|(name, it)| (*name, encode_command(it)));
    compare(encoded.collect(), COMMANDS);
}

#[test]
fn events() {
    let events = samples::events();
    let encoded = events.iter().map(|(name, it)| (*name, encode_event(it)));
    compare(encoded.collect(), EVENTS);
}

fn compare(encoded: Vec<(&str, Vec<u8>)>, expected: &[(&str, u8, &str)]) {
    let mut differences = String::new();
    assert_eq!(encoded.len(), expected.len(), "a message has no bytes here");
    for ((name, bytes), (expected_name, kind, body)) in encoded.iter().zip(expected) {
        assert_eq!(name, expected_name);
        let body = parse(&body.replace("{end}", END));
        let length = u32::try_from(body.len()).expect("is short").to_le_bytes();
        let expected = match *kind {
            SHORT_ITEM => body,
            kind => [&[kind, 0, 0, 0], &length[..], &body].concat(),
        };
        if *bytes != expected {
            let same = bytes.iter().zip(&expected).take_while(|(a, b)| a == b);
            writeln!(
                differences,
                "{name}, from byte {} on:\n  is  {}\n  was {}",
                same.count(),
                show(bytes),
                show(&expected)
            )
            .expect("can be written");
        }
    }
    assert!(
        differences.is_empty(),
        "the protocol has changed; see the top of this file for what to do\n{differences}"
    );
}

/// Bytes in hex, and text in quotes, up to two blanks.
fn parse(notation: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in notation.lines() {
        let line = line.trim();
        // Outside of quotes, every second part.
        let fields = line.split_once("  ").map_or(line, |(fields, _)| fields);
        for (number, part) in fields.split('\'').enumerate() {
            match number % 2 {
                0 => bytes.extend(part.split_whitespace().map(|byte| {
                    u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{byte}: no byte"))
                })),
                _ => bytes.extend_from_slice(part.as_bytes()),
            }
        }
    }
    bytes
}

fn show(bytes: &[u8]) -> String {
    let bytes = bytes.iter().map(|byte| format!("{byte:02x}"));
    bytes.collect::<Vec<_>>().join(" ")
}
