//! What is refused, and what is no worse than with JSON.

use crate::prelude::*;

#[test]
fn wide_integers_in_serdes_buffer_are_refused() {
    refused("untagged u128", U::A(7u128));
    refused("untagged big u128", U::A(u128::MAX));
    refused("untagged i128", U::A(-7i128));
    refused(
        "flattened u128",
        Flat {
            before: 1,
            inner: Field { f: 7u128 },
            after: None,
        },
    );
    // A reader of a narrower type gets them, as from JSON.
    reads(Field { f: 7u128 }, U::A(Field { f: 7u64 }));
    reads(Field { f: -7i128 }, U::A(Field { f: -7i64 }));
}

#[test]
fn an_ambiguous_untagged_enum_is_as_with_json() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Ambiguous {
        A(u8),
        B(u64),
    }
    reads(Ambiguous::B(300), Ambiguous::B(300));
    reads(Ambiguous::B(3), Ambiguous::A(3));
}

#[test]
fn both_sides_say_human_readable() {
    struct Asks;
    impl Serialize for Asks {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            assert!(s.is_human_readable());
            s.serialize_unit()
        }
    }
    impl<'de> Deserialize<'de> for Asks {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            assert!(d.is_human_readable());
            IgnoredAny::deserialize(d).map(|_| Asks)
        }
    }
    let mut bytes = Vec::new();
    encode(&vec![Asks, Asks], &mut bytes).expect("encodes");
    assert_eq!(decode::<Vec<Asks>>(&bytes).expect("decodes").len(), 2);
    assert_eq!(
        decode::<Vec<Asks>>(&[0xd4, 2, 0, 0])
            .expect("decodes")
            .len(),
        2
    );
}

#[test]
fn what_is_written_one_way_and_read_another_is_as_with_json() {
    reads(5u8, Some(5u8));
    reads(Some(5u8), 5u8);
    reads((), None::<u8>);
    reads(vec![Some(1u8)], vec![1u8]);
    reads(vec![1u8, 200], vec![Some(1u8), Some(200)]);
    reads(vec![1u8, 200], vec![1u64, 200]);
    reads(vec![1u64, 200], vec![1u8, 200]);
    reads(vec![1u8, 200], serde_bytes::ByteBuf::from(vec![1, 200]));
    reads(serde_bytes::ByteBuf::from(vec![1, 200]), vec![1u8, 200]);
    reads(vec![1u8, 200], (1u8, 200i64));
    reads((1u8, 2u8), Newtype(Tuple2b(1, 2)));
    reads(BTreeMap::from([("New", 9u64)]), External::New(9));
    reads(External::New(9), BTreeMap::from([("New".to_owned(), 9u64)]));
    reads(BTreeMap::from([("f", 1u8)]), Field { f: 1u8 });
    reads((1u8,), Field { f: 1u8 });
    reads(1.5f32, 1.5f64);
    reads(7u8, 7.0f64);
    reads('x', "x".to_owned());
    reads("x", 'x');
    reads(
        serde_json::json!({"before": 1, "a": [1, 2], "after": null}),
        Flat {
            before: 1,
            inner: BTreeMap::from([("a".to_owned(), vec![1u8, 2])]),
            after: None,
        },
    );
}

#[test]
fn what_does_not_fit_is_an_error() {
    fn fails<A: Serialize, B: DeserializeOwned + Debug + 'static>(written: A) {
        let mut bytes = Vec::new();
        encode(&written, &mut bytes).expect("encodes");
        let error = decode::<B>(&bytes).expect_err("does not fit");
        assert!(!error.to_string().contains('\n') && !error.to_string().is_empty());
    }
    fails::<_, u8>(256u16);
    fails::<_, u64>(-1i8);
    fails::<_, i128>(u128::MAX);
    fails::<_, (u8, u8)>((1u8, 2u8, 3u8));
    fails::<_, (u8, u16)>((1u8, 2u16, 300u16));
    fails::<_, (u16, u16, u16)>((1u16, 2u16));
    fails::<_, String>(1u8);
    fails::<_, u8>(None::<u8>);
    fails::<_, External>("Nowhere");
    fails::<_, External>(External2::Other(1));
    fails::<_, External>(BTreeMap::from([("New", 9u64), ("Unit", 1)]));
    fails::<_, External>(BTreeMap::<String, u64>::new());
}

#[test]
fn an_error_leaves_the_output_as_it_was() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no\nway"))
        }
    }
    let mut out = b"before".to_vec();
    let error = encode(&(1u8, vec!["x"], Fails), &mut out).expect_err("refused");
    assert_eq!(error.to_string(), "no way");
    assert_eq!(out, b"before");
}

#[test]
fn a_serialization_left_unfinished_is_refused() {
    use serde::ser::SerializeSeq;
    struct Drops;
    impl Serialize for Drops {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut outer = s.serialize_seq(None)?;
            // The part fails in its middle, and its whole goes on as if nothing had been written.
            let _ = outer.serialize_element(&Half);
            outer.end()
        }
    }
    struct Half;
    impl Serialize for Half {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut inner = s.serialize_seq(None)?;
            inner.serialize_element("x")?;
            Err(serde::ser::Error::custom("half"))
        }
    }
    assert!(encode(&Drops, &mut Vec::new()).is_err());
}

/// A reader that swallows the error of a part must not go on from that part's middle.
#[test]
fn a_failed_part_fails_the_whole() {
    #[derive(PartialEq, Debug)]
    struct Forgives;
    impl<'de> Deserialize<'de> for Forgives {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl<'de> Visitor<'de> for V {
                type Value = Forgives;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a sequence")
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Forgives, A::Error> {
                    assert!(seq.next_element::<u8>().is_err());
                    while let Ok(Some(IgnoredAny)) = seq.next_element() {}
                    Ok(Forgives)
                }
            }
            d.deserialize_seq(V)
        }
    }
    let mut bytes = Vec::new();
    encode(&("no number", 1u16, 2u16), &mut bytes).expect("encodes");
    assert!(decode::<Forgives>(&bytes).is_err());
}

/// A reader that takes the name of a variant and leaves its content does not get what follows.
#[test]
fn a_variant_half_read_is_an_error() {
    use serde::de::EnumAccess;
    #[derive(PartialEq, Debug)]
    struct NameOnly(String);
    impl<'de> Deserialize<'de> for NameOnly {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl<'de> Visitor<'de> for V {
                type Value = NameOnly;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an enum")
                }
                fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<NameOnly, A::Error> {
                    access.variant().map(|(name, _)| NameOnly(name))
                }
            }
            d.deserialize_enum("NameOnly", &[], V)
        }
    }
    let mut bytes = Vec::new();
    encode(&(External::New(9),), &mut bytes).expect("encodes");
    // The content would be taken for the tuple's second element.
    assert!(decode::<(NameOnly, u64)>(&bytes).is_err());
    reads((External::Unit, 9u64), (NameOnly("Unit".into()), 9u64));
}
