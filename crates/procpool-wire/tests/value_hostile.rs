//! Any bytes at all: an error or a value, and neither a panic, nor an overflow of the stack, nor
//! memory for a length that is only announced. The test harness gives each test 2 MiB of stack, as
//! tokio does for its threads.

use procpool_wire::value::{MAX_DEPTH, decode, encode};
use proptest::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum External {
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct { a: Option<u8> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "t")]
enum Internal {
    Unit,
    Newtype(BTreeMap<String, u8>),
    Struct { a: Option<u8>, ip: IpAddr },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Bytes(Vec<u8>),
    Text(String),
    External(External),
    Map(HashMap<String, Untagged>),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

// The recursive types, one for each thing that can nest.
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
struct Seqs(Vec<Seqs>);
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
struct Options(Option<Box<Options>>);
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
struct List {
    next: Option<Box<List>>,
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
enum Newtypes {
    #[default]
    End,
    More(Box<Newtypes>),
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
enum Tuples {
    #[default]
    End,
    More(Box<Tuples>, u8),
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
#[serde(untagged)]
enum Unmarked {
    #[default]
    End,
    More(Vec<Unmarked>),
    Named {
        next: Box<Unmarked>,
    },
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
#[serde(tag = "t")]
enum Marked {
    #[default]
    End,
    More {
        next: Box<Marked>,
    },
}

/// Of which several have shapes, and columns.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Repeated {
    a: u16,
    b: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    c: Option<External>,
    d: Vec<i16>,
    e: Untagged,
}

fn repeated(n: u16) -> Repeated {
    Repeated {
        a: n,
        b: Some(0.5),
        c: n.is_multiple_of(2)
            .then(|| External::Tuple(n as u8, "x".into())),
        d: vec![-1, 2],
        e: match n {
            0..2 => Untagged::Number(0.5),
            _ => Untagged::Text("y".into()),
        },
    }
}

/// Decodes as everything there is, for the sake of what does not happen.
fn try_everything(bytes: &[u8]) {
    fn attempt<T: DeserializeOwned + 'static>(bytes: &[u8]) {
        if let Err(error) = decode::<T>(bytes) {
            assert!(!error.to_string().contains('\n'));
        }
    }
    attempt::<IgnoredAny>(bytes);
    attempt::<()>(bytes);
    attempt::<u8>(bytes);
    attempt::<i128>(bytes);
    attempt::<f32>(bytes);
    attempt::<char>(bytes);
    attempt::<String>(bytes);
    attempt::<Vec<u8>>(bytes);
    attempt::<Vec<u64>>(bytes);
    attempt::<Vec<()>>(bytes);
    attempt::<[u8; 4]>(bytes);
    attempt::<serde_bytes::ByteBuf>(bytes);
    attempt::<Option<Option<u8>>>(bytes);
    attempt::<(u8, String, Option<bool>)>(bytes);
    attempt::<HashMap<String, u8>>(bytes);
    attempt::<BTreeMap<Vec<u8>, IpAddr>>(bytes);
    attempt::<External>(bytes);
    attempt::<Internal>(bytes);
    attempt::<Untagged>(bytes);
    attempt::<Flat>(bytes);
    attempt::<serde_json::Value>(bytes);
    attempt::<Vec<Repeated>>(bytes);
    attempt::<Vec<bool>>(bytes);
    attempt::<Vec<char>>(bytes);
    attempt::<Vec<f32>>(bytes);
    attempt::<[i32; 3]>(bytes);
    attempt::<Seqs>(bytes);
    attempt::<Options>(bytes);
    attempt::<Vec<Options>>(bytes);
    attempt::<List>(bytes);
    attempt::<Newtypes>(bytes);
    attempt::<Tuples>(bytes);
    attempt::<Unmarked>(bytes);
    attempt::<Marked>(bytes);
}

fn samples() -> Vec<Vec<u8>> {
    fn sample<T: Serialize>(value: T) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes).expect("encodes");
        bytes
    }
    vec![
        sample((
            1u8,
            "text",
            Some(Some(1.5f64)),
            vec![200u8; 140],
            -70_000i64,
            'x',
        )),
        sample([
            External::Unit,
            External::Newtype(70_000),
            External::Tuple(1, "x".repeat(40)),
            External::Struct { a: None },
        ]),
        sample(Internal::Struct {
            a: Some(200),
            ip: [127, 0, 0, 1].into(),
        }),
        sample(Flat {
            a: 1,
            rest: [("k".to_owned(), serde_json::json!([1, {"a": null}]))].into(),
        }),
        sample(Untagged::Map(
            [("k".to_owned(), Untagged::Bytes(vec![1, 2]))].into(),
        )),
        sample(BTreeMap::from([(vec![1u8], u128::MAX), (vec![], 3)])),
        sample(serde_bytes::Bytes::new(&[7; 200])),
        sample((0..4).map(repeated).collect::<Vec<_>>()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
        try_everything(&bytes);
    }

    /// Tags and small numbers only, so that structures come about.
    #[test]
    fn random_structure(
        bytes in proptest::collection::vec(
            prop_oneof![0xc0u8..=0xec, 0u8..4, 0xa0u8..0xa2, Just(b'a')],
            0..48,
        )
    ) {
        try_everything(&bytes);
    }

    #[test]
    fn a_changed_byte(
        sample in 0usize..8,
        at in proptest::num::usize::ANY,
        byte in proptest::num::u8::ANY,
    ) {
        let mut bytes = samples().swap_remove(sample);
        let at = at % bytes.len();
        bytes[at] = byte;
        try_everything(&bytes);
    }
}

#[test]
fn every_truncation_and_every_excess_is_an_error() {
    for sample in samples() {
        decode::<IgnoredAny>(&sample).expect("is whole");
        for cut in 0..sample.len() {
            assert!(decode::<IgnoredAny>(&sample[..cut]).is_err());
            try_everything(&sample[..cut]);
        }
        for more in [0u8, 0xc0, 0xd8, 0xff] {
            let longer = [&sample[..], &[more]].concat();
            assert!(decode::<IgnoredAny>(&longer).is_err());
        }
    }
}

#[test]
fn a_huge_length_is_an_error_and_no_hint() {
    /// Panics if it is told of more than could be there.
    struct Hint;
    impl<'de> Deserialize<'de> for Hint {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl<'de> Visitor<'de> for V {
                type Value = Hint;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a sequence")
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Hint, A::Error> {
                    assert!(seq.size_hint().unwrap_or(0) <= 20);
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                    Ok(Hint)
                }
            }
            d.deserialize_seq(V)
        }
    }
    for tag in (0xd2u8..=0xd5).chain(0xe0..=0xeb) {
        for len in [
            &[0xc8u8, 255, 255, 255, 255, 255, 255, 255, 255][..],
            &[0xc8, 0, 0, 0, 0, 1, 0, 0, 0],
            &[0xc7, 255, 255, 255, 255],
            &[0xc6, 255, 255],
            &[0x7f],
            &[0x9f],
            &[0xc1],
            &[],
        ] {
            let bytes = [&[tag], len, &[0; 8]].concat();
            assert!(decode::<Hint>(&bytes).is_err(), "{bytes:02x?}");
            assert!(decode::<IgnoredAny>(&bytes).is_err(), "{bytes:02x?}");
            try_everything(&bytes);
        }
    }
    assert!(decode::<Hint>(&[0xd4, 3, 1, 2, 3]).is_ok());
    assert!(decode::<Hint>(&[0xe0, 3, 1, 2, 3]).is_ok());
}

#[test]
fn bottomless_bytes_do_not_overflow_the_stack() {
    for part in [
        &[0xd4u8, 1][..],
        &[0xd5, 1],
        &[0xd5, 1, 0xa0],
        &[0xc2],
        b"\xd6\xa4More",
        b"\xd6\xa4More\xd4\x02",
        &[0xd6],
        b"\xd5\x01\xa4next",
        b"\xd5\x01\xa4next\xc2",
        b"\xd5\x02\xa1t\xa4More\xa4next",
    ] {
        let bomb = part.repeat(100_000);
        try_everything(&bomb);
        assert!(decode::<IgnoredAny>(&bomb).is_err());
    }
    // No byte is taken by a wrapping, so these would go on for ever.
    assert!(decode::<Options>(&[1]).is_err());
    assert!(decode::<Vec<Options>>(&[0xd4, 1, 1]).is_err());
    assert!(decode::<Vec<Options>>(&[0xe0, 1, 1]).is_err());
    assert!(decode::<Vec<Options>>(&[0xe5, 1, 1, 0, 0, 0]).is_err());
}

/// Wraps until encoding refuses, and finds that all below comes back: encoder and decoder count
/// alike.
fn to_the_bottom<T: Serialize + DeserializeOwned + PartialEq + Debug + Default + 'static>(
    wrap: fn(T) -> T,
    levels: usize,
) {
    let mut value = T::default();
    let mut wraps = 0;
    loop {
        let mut bytes = Vec::new();
        if let Err(error) = encode(&value, &mut bytes) {
            assert!(bytes.is_empty());
            assert_eq!(
                error.to_string(),
                format!("the value is nested deeper than {MAX_DEPTH} levels")
            );
            break;
        }
        assert!(decode::<T>(&bytes).expect("decodes what was encoded") == value);
        wraps += 1;
        value = wrap(value);
    }
    assert!(wraps >= MAX_DEPTH / levels, "only {wraps} wraps");
}

#[test]
fn what_is_encoded_is_decoded_at_every_depth() {
    to_the_bottom::<Seqs>(|inner| Seqs(vec![inner]), 2);
    to_the_bottom::<Options>(|inner| Options(Some(Box::new(inner))), 2);
    to_the_bottom::<List>(
        |inner| List {
            next: Some(Box::new(inner)),
        },
        2,
    );
    to_the_bottom::<Newtypes>(|inner| Newtypes::More(Box::new(inner)), 1);
    to_the_bottom::<Tuples>(|inner| Tuples::More(Box::new(inner), 1), 2);
    to_the_bottom::<Marked>(
        |inner| Marked::More {
            next: Box::new(inner),
        },
        1,
    );
    to_the_bottom::<serde_json::Value>(|inner| serde_json::json!([inner]), 1);
}

/// Each level of an untagged enum is buffered once more by serde, so this is a few depths only.
#[test]
fn the_deepest_untagged_value_comes_back() {
    for wrap in [
        (|inner| Unmarked::More(vec![inner])) as fn(Unmarked) -> Unmarked,
        |inner| Unmarked::Named {
            next: Box::new(inner),
        },
    ] {
        for depth in [1, MAX_DEPTH / 2, MAX_DEPTH] {
            let value = (0..depth).fold(Unmarked::End, |inner, _| wrap(inner));
            let mut bytes = Vec::new();
            encode(&value, &mut bytes).expect("encodes");
            assert!(decode::<Unmarked>(&bytes).expect("decodes") == value);
        }
    }
}

/// A value, with shapes behind it.
fn with_shapes(value: &[u8], shapes: &[u8]) -> Vec<u8> {
    let distance = value.len() as u64;
    [&[0xd8], &distance.to_le_bytes()[..], value, shapes].concat()
}

#[test]
fn shapes_that_lie_are_errors() {
    let good = with_shapes(b"\xd9\0\x07\0\0\0\x05", b"\x01\0\x02\xa1a\x05\xa1b\x0c");
    let read: BTreeMap<String, u64> = decode(&good).expect("is whole");
    assert_eq!(read, BTreeMap::from([("a".into(), 7), ("b".into(), 5)]));
    for (value, shapes) in [
        // No such shape, or no shapes at all.
        (&b"\xd9\x01\x07"[..], &b"\x01\0\x01\xa1a\x0c"[..]),
        (b"\xd9\0\x07", b"\0"),
        (b"\xd9\0\x07", b""),
        // Not the value that was announced.
        (b"\x07", b"\x01\0\x01\xa1a\x0c"),
        (b"", b"\x01\0\x01\xa1a\x0c"),
        // Shapes within shapes.
        (b"\xd8\0\0\0\0\0\0\0\0", b"\x01\0\x01\xa1a\x0c"),
        (
            b"\xd9\0\xd8\x01\0\0\0\0\0\0\0\x07\0",
            b"\x01\0\x01\xa1a\x0c",
        ),
        // Slots cut short, and more bytes than slots.
        (b"\xd9\0\x07\0\0", b"\x01\0\x01\xa1a\x05"),
        (b"\xd9\0\x07\x07", b"\x01\0\x01\xa1a\x0c"),
        // A bool, a char and a string that are none.
        (b"\xd9\0\x02", b"\x01\0\x01\xa1a\x02"),
        (b"\xd9\0\0\xd8\0\0", b"\x01\0\x01\xa1a\x07"),
        (b"\xd9\0\x07", b"\x01\0\x01\xa1\xff\x0c"),
        // More shapes, fewer shapes, an unknown form, an unknown kind, a name that is a number.
        (b"\xd9\0\x07", b"\x02\0\x01\xa1a\x0c"),
        (b"\xd9\0\x07", b"\x01\0\x01\xa1a\x0c\0"),
        (b"\xd9\0\x07", b"\x01\x06\x01\xa1a\x0c"),
        (b"\xd9\0\x07", b"\x01\0\x01\xa1a\x0e"),
        (b"\xd9\0\x07", b"\x01\0\x01\x01\x0c"),
        // A unit variant with a slot, newtype variants without and with two, a tuple with an optional slot.
        (b"\xd9\0\x07", b"\x01\x02\xa1a\x01\x0c"),
        (b"\xd9\0", b"\x01\x03\xa1a\0"),
        (b"\xd9\0\x07\x07", b"\x01\x03\xa1a\x02\x0c\x0c"),
        (b"\xd9\0\x07", b"\x01\x01\x01\x0d"),
        // A skipped field where none may be.
        (b"\xd9\0\xda", b"\x01\0\x01\xa1a\x0c"),
        // Very many slots.
        (
            b"\xd9\0\x07",
            b"\x01\x01\xc8\xff\xff\xff\xff\xff\xff\xff\xff\x0c",
        ),
    ] {
        let bytes = with_shapes(value, shapes);
        assert!(decode::<IgnoredAny>(&bytes).is_err(), "{bytes:02x?}");
        try_everything(&bytes);
    }
    // A shape that was not defined yet, and distances beyond the end.
    assert!(decode::<IgnoredAny>(b"\xd9\0").is_err());
    assert!(decode::<IgnoredAny>(&[b"\xd4\x02\xd9\0\x07", &good[..]].concat()).is_err());
    for distance in [0, 1, 6, 8, 1 << 30, u64::MAX] {
        let mut bytes = good.clone();
        bytes[1..9].copy_from_slice(&distance.to_le_bytes());
        assert!(decode::<IgnoredAny>(&bytes).is_err(), "{distance}");
        try_everything(&bytes);
    }
}

#[test]
fn bottomless_shapes_do_not_overflow_the_stack() {
    for shapes in [
        // A tuple, a newtype variant, a struct and a struct variant of one tagged slot each.
        &b"\x01\x01\x01\x0c"[..],
        b"\x01\x03\xa4More\x01\x0c",
        b"\x01\0\x01\xa4next\x0c",
        b"\x01\x05\xa4More\x01\xa4next\x0c",
        b"\x01\x04\xa4More\x02\x0c\x0c",
    ] {
        for part in [&b"\xd9\0"[..], b"\xd9\0\xc2"] {
            let bomb = with_shapes(&part.repeat(100_000), shapes);
            try_everything(&bomb);
            assert!(decode::<IgnoredAny>(&bomb).is_err());
        }
    }
}

/// Ten bytes that announce a gibibyte.
#[test]
fn what_is_only_announced_is_not_allocated() {
    for tag in (0xd2u8..=0xd5).chain(0xe0..=0xeb) {
        let bytes = [tag, 0xc7, 0, 0, 0, 0x40, 1, 1, 1, 1];
        assert!(decode::<Vec<f32>>(&bytes).is_err());
        assert!(decode::<Vec<f64>>(&bytes).is_err());
        try_everything(&bytes);
    }
    // As many elements as there are bytes, each of which takes several.
    assert!(decode::<Vec<f64>>(&[0xeb, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
}
