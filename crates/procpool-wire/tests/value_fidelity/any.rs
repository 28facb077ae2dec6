//! Readers that ask for anything, and values of any shape.

use crate::prelude::*;

/// Which method of a visitor is called where the type does not say what it expects.
#[test]
fn a_self_describing_reader_sees_what_was_written() {
    reads((), Seen("unit".into()));
    reads(Unit, Seen("unit".into()));
    reads(None::<u8>, Seen("none".into()));
    reads(Some(()), Seen("some unit".into()));
    reads(Some(None::<u8>), Seen("some none".into()));
    reads(Newtype(Some(1u8)), Seen("some u64".into()));
    reads(External::Unit, Seen("str".into()));
    reads(External::NewOpt(None), Seen("map str none".into()));
    reads(
        External::Tup(1, "x".into()),
        Seen("map str seq u64 str".into()),
    );
    reads(
        External::Struct {
            a: 1,
            b: Some("x".into()),
        },
        Seen("map str map str u64 str some str".into()),
    );
    reads(vec![1u8, 2], Seen("seq u8 u8".into()));
    reads(serde_bytes::Bytes::new(b"ab"), Seen("bytes".into()));
    reads(
        (1u8, 'c', -1i8, 0.5f32, 0.5f64, true, u128::MAX, i128::MIN),
        Seen("seq u64 char i64 f32 f64 bool u128 i128".into()),
    );
}

#[derive(PartialEq, Debug)]
struct Seen(String);

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        macro_rules! scalars {
            ($($method:ident: $type:ty = $name:literal;)*) => {
                $(fn $method<E>(self, _: $type) -> Result<Seen, E> { Ok(Seen($name.into())) })*
            };
        }
        impl<'de> Visitor<'de> for V {
            type Value = Seen;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }
            scalars! {
                visit_bool: bool = "bool";
                visit_u8: u8 = "u8";
                visit_u64: u64 = "u64";
                visit_i64: i64 = "i64";
                visit_u128: u128 = "u128";
                visit_i128: i128 = "i128";
                visit_f32: f32 = "f32";
                visit_f64: f64 = "f64";
                visit_char: char = "char";
                visit_str: &str = "str";
                visit_bytes: &[u8] = "bytes";
            }
            fn visit_unit<E>(self) -> Result<Seen, E> {
                Ok(Seen("unit".into()))
            }
            fn visit_none<E>(self) -> Result<Seen, E> {
                Ok(Seen("none".into()))
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Seen, D::Error> {
                Seen::deserialize(d).map(|inner| Seen(format!("some {}", inner.0)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut a: A) -> Result<Seen, A::Error> {
                let mut all = "seq".to_owned();
                while let Some(Seen(item)) = a.next_element()? {
                    all = all + " " + &item;
                }
                Ok(Seen(all))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<Seen, A::Error> {
                let mut all = "map".to_owned();
                while let Some((Seen(key), Seen(value))) = a.next_entry()? {
                    all = all + " " + &key + " " + &value;
                }
                Ok(Seen(all))
            }
        }
        d.deserialize_any(V)
    }
}

/// Anything that serde can say, without a type's help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Any {
    Unit,
    Bool(bool),
    Int(i128),
    Uint(u128),
    Byte(u8),
    Float(Bits),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    Blob(Blob),
    Option(Option<Option<Box<Any>>>),
    Seq(Vec<Any>),
    Pair(u8, Box<Any>),
    Map(Vec<(Any, Any)>),
    Named {
        first: Box<Any>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        second: Option<Box<Any>>,
    },
    Inside(Internally),
    Flat(Flat<BTreeMap<String, serde_json::Value>>),
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internally {
    A {
        any: Option<Option<u8>>,
        bytes: Vec<u8>,
    },
    B(BTreeMap<String, Vec<Option<Option<()>>>>),
}

fn any() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Unit),
        proptest::bool::ANY.prop_map(Any::Bool),
        (proptest::num::i128::ANY, 0u32..128).prop_map(|(n, shift)| Any::Int(n >> shift)),
        (proptest::num::u128::ANY, 0u32..128).prop_map(|(n, shift)| Any::Uint(n >> shift)),
        proptest::num::u8::ANY.prop_map(Any::Byte),
        proptest::num::u64::ANY.prop_map(|bits| Any::Float(Bits(f64::from_bits(bits)))),
        proptest::char::any().prop_map(Any::Char),
        proptest::collection::vec(proptest::char::any(), 0..40)
            .prop_map(|s| Any::Str(s.into_iter().collect())),
        proptest::collection::vec(proptest::num::u8::ANY, 0..300).prop_map(Any::Bytes),
        proptest::collection::vec(proptest::num::u8::ANY, 0..40).prop_map(|b| Any::Blob(Blob {
            o: Some(serde_bytes::ByteBuf::from(b.clone())),
            b
        })),
        (
            proptest::option::of(proptest::option::of(0u8..)),
            proptest::collection::vec(0u8.., 0..5)
        )
            .prop_map(|(any, bytes)| Any::Inside(Internally::A { any, bytes })),
        proptest::collection::vec(proptest::option::of(proptest::option::of(Just(()))), 0..5)
            .prop_map(|v| Any::Inside(Internally::B([("k".to_owned(), v)].into()))),
        (0u8.., proptest::num::i64::ANY).prop_map(|(before, n)| Any::Flat(Flat {
            before,
            inner: [("n".to_owned(), serde_json::json!([n, null, {"x": n}]))].into(),
            after: None
        })),
    ];
    leaf.prop_recursive(8, 200, 10, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            proptest::option::of(proptest::option::of(boxed.clone())).prop_map(Any::Option),
            proptest::collection::vec(inner.clone(), 0..10).prop_map(Any::Seq),
            (proptest::num::u8::ANY, boxed.clone()).prop_map(|(n, any)| Any::Pair(n, any)),
            proptest::collection::vec((inner.clone(), inner), 0..5).prop_map(Any::Map),
            (boxed.clone(), proptest::option::of(boxed))
                .prop_map(|(first, second)| Any::Named { first, second }),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_comes_back(value in any()) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes).expect("encodes");
        prop_assert_eq!(decode::<Any>(&bytes).expect("decodes"), value);
    }

    #[test]
    fn any_cut_is_an_error(value in any(), cut in proptest::num::usize::ANY) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes).expect("encodes");
        prop_assert!(decode::<Any>(&bytes[..cut % bytes.len()]).is_err());
    }
}
