//! The bytes of representative values. Parent and worker are the same build, so the format may
//! change; but not unnoticed.

use procpool_wire::value::{decode, encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Point {
    x: i32,
    label: Option<String>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Shape {
    Empty,
    Circle(u32),
    Line(u8, u8),
    Text { at: u8 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Marker;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Id(u64);

#[track_caller]
fn golden<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug + 'static>(
    value: T,
    expected: &[u8],
) {
    let mut bytes = Vec::new();
    encode(&value, &mut bytes).expect("encodes");
    assert_eq!(bytes, expected, "{value:?} is {bytes:02x?}");
    assert_eq!(decode::<T>(expected).expect("decodes"), value);
}

#[test]
fn integers() {
    golden(0u8, &[0x00]);
    golden(127u64, &[0x7f]);
    golden(128u8, &[0xc5, 0x80]);
    golden(255i64, &[0xc5, 0xff]);
    golden(256u16, &[0xc6, 0x00, 0x01]);
    golden(65_536u32, &[0xc7, 0, 0, 1, 0]);
    golden(u64::MAX, &[0xc8, 255, 255, 255, 255, 255, 255, 255, 255]);
    golden(
        1u128 << 64,
        &[0xc9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    );
    golden(7u128, &[0x07]);
    golden(-1i8, &[0x9f]);
    golden(-32i64, &[0x80]);
    golden(-33i8, &[0xca, 0xdf]);
    golden(-129i16, &[0xcb, 0x7f, 0xff]);
    golden(-32_769i32, &[0xcc, 0xff, 0x7f, 0xff, 0xff]);
    golden(i64::MIN, &[0xcd, 0, 0, 0, 0, 0, 0, 0, 0x80]);
    golden(
        i128::MIN,
        &[0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80],
    );
}

#[test]
fn other_scalars() {
    golden((), &[0xc0]);
    golden(Marker, &[0xc0]);
    golden(Id(5), &[0x05]);
    golden(false, &[0xc3]);
    golden(true, &[0xc4]);
    golden(1.0f32, &[0xcf, 0, 0, 0x80, 0x3f]);
    golden(1.0f64, &[0xd0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    golden('é', &[0xd1, 0xe9, 0, 0, 0]);
    golden(String::new(), &[0xa0]);
    golden("hé".to_owned(), &[0xa3, b'h', 0xc3, 0xa9]);
    golden("x".repeat(31), &[&[0xbf][..], &[b'x'; 31]].concat());
    golden("x".repeat(32), &[&[0xd2, 32][..], &[b'x'; 32]].concat());
    golden(
        "x".repeat(200),
        &[&[0xd2, 0xc5, 200][..], &[b'x'; 200]].concat(),
    );
}

#[test]
fn options() {
    golden(None::<u8>, &[0xc1]);
    golden(Some(1u8), &[0xc2, 1]);
    golden(Some(None::<u8>), &[0xc2, 0xc1]);
    golden(Some(()), &[0xc2, 0xc0]);
}

#[test]
fn sequences_and_bytes() {
    golden(Vec::<u8>::new(), &[0xe0, 0]);
    golden(vec![1u8, 255], &[0xe0, 2, 1, 255]);
    golden(
        vec![9u8; 300],
        &[&[0xe0, 0xc6, 0x2c, 0x01][..], &[9; 300]].concat(),
    );
    golden([1u8, 2], &[0xd4, 2, 1, 2]);
    golden((1u8, 2u8), &[0xd4, 2, 1, 2]);
    golden((200u8, 2u16), &[0xd4, 2, 0xc5, 200, 2]);
    golden(vec![1u16, 2], &[0xe3, 2, 1, 0, 2, 0]);
    golden(vec![Some(1u16), None], &[0xd4, 2, 0xc2, 1, 0xc1]);
    golden([7u8; 13], &[&[0xe0, 13][..], &[7; 13]].concat());
    golden(
        (1u64, vec![7u8], "a".to_owned()),
        &[0xd4, 3, 1, 0xe0, 1, 7, 0xa1, b'a'],
    );
    golden(serde_bytes::ByteBuf::from(vec![1, 255]), &[0xd3, 2, 1, 255]);
}

#[test]
fn maps_structs_and_enums() {
    golden(BTreeMap::from([(1u8, true)]), &[0xd5, 1, 1, 0xc4]);
    golden(
        Point {
            x: -1,
            label: Some("a".into()),
        },
        b"\xd5\x02\xa1x\x9f\xa5label\xc2\xa1a",
    );
    golden(Shape::Empty, b"\xa5Empty");
    golden(Shape::Circle(3), b"\xd6\xa6Circle\x03");
    golden(Shape::Line(1, 2), b"\xd6\xa4Line\xd4\x02\x01\x02");
    golden(Shape::Text { at: 1 }, b"\xd6\xa4Text\xd5\x01\xa2at\x01");
}

#[test]
fn columns() {
    golden(vec![-1i8], &[0xe1, 1, 0xff]);
    golden(vec![true, false], &[0xe2, 2, 1, 0]);
    golden(vec![-2i16], &[0xe4, 1, 0xfe, 0xff]);
    golden(vec![1u32], &[0xe5, 1, 1, 0, 0, 0]);
    golden(vec![-1i32], &[0xe6, 1, 255, 255, 255, 255]);
    golden(vec!['a'], &[0xe7, 1, b'a', 0, 0, 0]);
    golden(vec![1.0f32], &[0xe8, 1, 0, 0, 0x80, 0x3f]);
    golden(vec![1u64], &[0xe9, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    golden(
        vec![-1i64],
        &[0xea, 1, 255, 255, 255, 255, 255, 255, 255, 255],
    );
    golden(vec![1.0f64], &[0xeb, 1, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
}

#[test]
fn shapes() {
    let point = |x, label: &str| Point {
        x,
        label: Some(label.into()),
    };
    golden(
        vec![point(-1, "a"), point(2, "b"), point(3, "c")],
        &[
            b"\xd4\x03".as_slice(),
            b"\xd5\x02\xa1x\x9f\xa5label\xc2\xa1a",
            // The first by its shape, which is so far away.
            b"\xd8\x12\0\0\0\0\0\0\0",
            b"\xd9\0\x02\0\0\0\xc2\xa1b",
            b"\xd9\0\x03\0\0\0\xc2\xa1c",
            // One struct of two fields, an `i32` and one that is tagged.
            b"\x01\0\x02\xa1x\x06\xa5label\x0c",
        ]
        .concat(),
    );
    golden(
        vec![
            Shape::Empty,
            Shape::Empty,
            Shape::Line(1, 2),
            Shape::Line(3, 4),
        ],
        &[
            b"\xd4\x04".as_slice(),
            b"\xa5Empty",
            b"\xd8\x10\0\0\0\0\0\0\0\xd9\0",
            b"\xd6\xa4Line\xd4\x02\x01\x02",
            b"\xd9\x01\x03\x04",
            b"\x02\x02\xa5Empty\0\x04\xa4Line\x02\0\0",
        ]
        .concat(),
    );
}

/// A number that becomes a string, and a field that is skipped: the slot has a tag from then on.
#[test]
fn shapes_that_change() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Id {
        Number(u8),
        Text(String),
    }
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Item {
        id: Id,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        n: Option<u8>,
    }
    let item = |id, n| Item { id, n };
    golden(
        vec![
            item(Id::Number(1), Some(1)),
            item(Id::Number(2), Some(2)),
            item(Id::Text("a".into()), None),
            item(Id::Number(4), Some(4)),
        ],
        &[
            b"\xd4\x04".as_slice(),
            b"\xd5\x02\xa2id\x01\xa1n\xc2\x01",
            b"\xd8\x0f\0\0\0\0\0\0\0",
            b"\xd9\0\x02\xc2\x02",
            b"\xd9\x01\xa1a\xda",
            b"\xd9\x01\x04\xc2\x04",
            b"\x02\0\x02\xa2id\0\xa1n\x0c\0\x02\xa2id\x0c\xa1n\x0d",
        ]
        .concat(),
    );
}
