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
            prop_oneof![0xc0u8..=0xd9, 0u8..4, 0xa0u8..0xa2, Just(b'a')],
            0..48,
        )
    ) {
        try_everything(&bytes);
    }

    #[test]
    fn a_changed_byte(
        sample in 0usize..7,
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
    for tag in [0xd2u8, 0xd3, 0xd4] {
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
}

#[test]
fn bottomless_bytes_do_not_overflow_the_stack() {
    for part in [
        &[0xd5u8][..],
        &[0xd6],
        &[0xd6, 0xa0],
        &[0xc2],
        &[0xd7, 0xa4, b'M', b'o', b'r', b'e'],
        &[0xd7, 0xa4, b'M', b'o', b'r', b'e', 0xd5],
        &[0xd7],
        &[0xd6, 0xa4, b'n', b'e', b'x', b't'],
        &[0xd6, 0xa4, b'n', b'e', b'x', b't', 0xc2],
        &[
            0xd6, 0xa1, b't', 0xa4, b'M', b'o', b'r', b'e', 0xa4, b'n', b'e', b'x', b't',
        ],
    ] {
        let bomb = part.repeat(100_000);
        try_everything(&bomb);
        assert!(decode::<IgnoredAny>(&bomb).is_err());
    }
    // No byte is taken by a wrapping, so these would go on for ever.
    assert!(decode::<Options>(&[1]).is_err());
    assert!(decode::<Vec<Options>>(&[0xd4, 1, 1]).is_err());
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
