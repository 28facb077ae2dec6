//! Bytes, maps, sequences, and types of the standard library.

use crate::prelude::*;

#[test]
fn bytes() {
    carries("vec<u8>", vec![0u8, 127, 128, 255]);
    carries(
        "nested vec<u8>",
        (1u8, vec![vec![1u8, 2], vec![]], Field { f: vec![200u8] }),
    );
    carries("bytes::Bytes", bytes::Bytes::from_static(b"abc"));
    carries(
        "serde_bytes",
        Blob {
            b: vec![1, 255],
            o: Some(serde_bytes::ByteBuf::from(vec![9])),
        },
    );
    carries("box<[u8]>", vec![1u8, 255].into_boxed_slice());
    carries("vecdeque<u8>", VecDeque::from([1u8, 200]));
    carries("[u8;32]", [200u8; 32]);
    carries("btreeset<u8>", BTreeSet::from([1u8, 200]));
    carries("vec<i8>", vec![-1i8, 127]);
}

#[test]
fn maps_with_any_key() {
    carries(
        "map int keys",
        BTreeMap::from([(1u64, "a".to_string()), (u64::MAX, "b".into())]),
    );
    carries(
        "map tuple keys",
        BTreeMap::from([((1u8, "x".to_string()), 1u8)]),
    );
    carries(
        "map struct keys",
        HashMap::from([(Key { a: 1, b: None }, 1u8)]),
    );
    carries(
        "map enum keys",
        externals()
            .into_iter()
            .map(|e| (e, ()))
            .collect::<BTreeMap<_, _>>(),
    );
    carries(
        "map opt keys",
        BTreeMap::from([(None, 1u8), (Some(None), 2), (Some(Some(1u8)), 3)]),
    );
    carries("map unit key", BTreeMap::from([((), 1u8)]));
    carries(
        "map vec keys",
        BTreeMap::from([(vec![1u8, 2], 1u8), (vec![], 2)]),
    );
    carries("map bool char", BTreeMap::from([(true, 'a')]));
}

#[test]
fn json_values() {
    carries(
        "json value",
        serde_json::json!({
            "a": [1, -2, 0.5, null, "x", {"b": {}}, 18446744073709551615u64, true, [[]]]
        }),
    );
    carries("json null", serde_json::Value::Null);
    carries("some json null", Some(serde_json::json!(1)));
}

#[test]
fn types_of_std_and_human_readable_ones() {
    carries("ip", (ip(), IpAddr::V6(Ipv6Addr::LOCALHOST)));
    carries("socketaddr", SocketAddr::new(ip(), 80));
    carries("duration", Duration::new(1, 999_999_999));
    carries("systemtime", UNIX_EPOCH + Duration::new(12, 5));
    carries("path", PathBuf::from("/a/b"));
    carries("id", Id([1, 2, 3, 4]));
    carries("range", 1u8..9);
    carries("bound", std::ops::Bound::Included(1u8));
    carries("nonzero", std::num::NonZeroU8::new(3));
    carries("wrapping", std::num::Wrapping(3u8));
    carries("osstring", std::ffi::OsString::from("x"));
    carries("phantom", std::marker::PhantomData::<u8>);
    carries("cell", std::cell::Cell::new(3));
    carries("cstring", std::ffi::CString::new("abc").unwrap());
}

#[test]
fn unknown_lengths_and_unknown_fields() {
    carries("lazy seq", Lazy(vec![1, 2, 3]));
    carries("lazy map", LazyMap(BTreeMap::from([(1, "x".into())])));
    carries("unknown fields", Wide(3));
    carries("linked list", LinkedList::from([1, 2]));
    carries(
        "12-tuple",
        (5u8, 6u8, 7u8, 8u8, 9u8, 10u8, 11u8, 12u8, 13u8, 14u8),
    );
}

#[test]
fn a_wrong_announced_length_is_no_matter() {
    use serde::ser::SerializeSeq;
    struct Lies(Option<usize>, usize);
    impl Serialize for Lies {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut seq = s.serialize_seq(self.0)?;
            for _ in 0..self.1 {
                seq.serialize_element(&200u8)?;
            }
            seq.end()
        }
    }
    for announced in [
        None,
        Some(0),
        Some(3),
        Some(127),
        Some(128),
        Some(300),
        Some(70_000),
        Some(usize::MAX),
    ] {
        for len in [0, 1, 127, 128, 255, 256, 70_000] {
            reads(
                (Lies(announced, len), "behind"),
                (vec![200u8; len], "behind".to_owned()),
            );
        }
    }
}

#[test]
fn a_run_of_bytes_may_end_anywhere() {
    for bytes in [0usize, 1, 2, 127, 128, 300] {
        for byte in [0u8, 127, 128, 255] {
            let mut mixed = vec![Untagged::Int(byte.into()); bytes];
            mixed.push(Untagged::Str("then".into()));
            mixed.push(Untagged::Int(200));
            mixed.push(Untagged::Seq(vec![Untagged::Int(200); 3]));
            carries("ints, then others", mixed);
            let mut ints = vec![Mixed::Byte(byte); bytes];
            ints.push(Mixed::Wide(300));
            ints.extend([Mixed::Byte(200), Mixed::Byte(1)]);
            reads(
                ints,
                [vec![u64::from(byte); bytes], vec![300, 200, 1]].concat(),
            );
        }
    }
    carries("a byte first", (200u8, "x".to_owned(), vec![200u8], 200u8));
    carries(
        "bytes around",
        (
            200u8,
            vec![(200u8, 200u8), (1, 2)],
            (200u8, (200u8, vec![((), 200u8)])),
        ),
    );
    carries(
        "newtypes of bytes",
        vec![Newtype(Newtype(200u8)), Newtype(Newtype(1))],
    );
    carries("options of bytes", vec![Some(200u8), None]);
    carries("chars and bytes", (200u8, 'x', 200u8, -100i8, true, 0.5f32));
}

#[test]
fn bytes_take_one_byte_each() {
    fn size<T: Serialize>(value: T) -> usize {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes).expect("encodes");
        bytes.len()
    }
    assert_eq!(size(vec![200u8; 1000]), 1 + 3 + 1000);
    assert_eq!(size([200u8; 32]), 2 + 32);
    assert_eq!(
        size((1u64, vec![200u8; 100], "x")),
        1 + 1 + (2 + 100) + 2 + 1
    );
    assert_eq!(size(VecDeque::from(vec![200u8; 100])), 102);
    assert_eq!(size(vec![200u8; 100].into_boxed_slice()), 102);
    assert_eq!(size(bytes::Bytes::from(vec![200u8; 100])), 102);
}

/// A sequence of bytes that says it has another number of them than it has.
struct Liar {
    says: usize,
    has: usize,
}

impl Iterator for Liar {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.has = self.has.checked_sub(1)?;
        Some(self.has as u8)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.says, Some(self.says))
    }
}

#[test]
fn a_sequence_of_bytes_that_lies_about_its_length_comes_back_all_the_same() {
    struct Sequence(usize, usize);
    impl Serialize for Sequence {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(Liar {
                says: self.0,
                has: self.1,
            })
        }
    }
    let few = [(0, 3), (3, 0), (2, 5), (5, 2), (200, 100), (usize::MAX, 9)];
    // They are written in parts of 32 KiB.
    let many = [32_767, 32_768, 32_769, 65_536, 100_000];
    let pairs = many.map(|says| many.map(|has| (says, has)));
    for (says, has) in few.into_iter().chain(pairs.into_iter().flatten()) {
        let mut bytes = Vec::new();
        procpool_wire::value::encode(&(1_u8, Sequence(says, has), "end"), &mut bytes).unwrap();
        let back: (u8, Vec<u8>, String) = procpool_wire::value::decode(&bytes).unwrap();
        let bytes = (0..has).rev().map(|byte| byte as u8).collect();
        assert!(back == (1, bytes, "end".to_owned()), "{says}, {has}");
    }
}

#[test]
fn bytes_beside_other_items_and_in_long_rows_come_back() {
    let long: Vec<u8> = (0..3_000_000).map(|i: u32| (i % 251) as u8).collect();
    for bytes in [vec![], vec![0], long] {
        let mut encoded = Vec::new();
        procpool_wire::value::encode(&bytes, &mut encoded).unwrap();
        assert!(procpool_wire::value::decode::<Vec<u8>>(&encoded).unwrap() == bytes);
        encoded.push(0);
        assert!(procpool_wire::value::decode::<Vec<u8>>(&encoded).is_err());
    }
}
