//! Values of one type again and again, which are written by their shape.

use crate::prelude::*;

use serde::ser::{SerializeMap, SerializeStruct};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Row {
    id: u32,
    weight: f32,
    name: String,
    tags: Vec<String>,
    place: Option<(u8, f64)>,
}

fn row(id: u32) -> Row {
    Row {
        id,
        weight: id as f32 / 3.0,
        name: format!("row {id}"),
        tags: vec!["t".to_owned(); id as usize % 3],
        place: id.is_multiple_of(2).then_some((id as u8, f64::from(id))),
    }
}

#[test]
fn rows_of_structs() {
    carries("rows", (0..50).map(row).collect::<Vec<_>>());
    carries(
        "a map of rows",
        (0..50).map(|id| (id, row(id))).collect::<BTreeMap<_, _>>(),
    );
    let keys: HashMap<_, _> = (0..20)
        .map(|a| (Key { a, b: None }, row(a.into())))
        .collect();
    carries("keys that are structs", keys);
    carries(
        "rows of rows",
        vec![
            vec![
                Flat {
                    before: 1,
                    inner: row(3),
                    after: None,
                };
                3
            ];
            3
        ],
    );
    carries("externals", [externals(), externals(), externals()]);
    carries("internals", [internals(), internals(), internals()]);
    carries("adjacents", [adjacents(), adjacents(), adjacents()]);
    carries("tuples", vec![(1u8, 'x', -5i64, "t".to_owned()); 9]);
    carries("arrays", vec![[1.5f64; 3]; 9]);
    carries("long arrays", vec![[7i32; 20]; 9]);
    carries("units", vec![(Unit, Empty {}, ()); 9]);
    carries("nothing", vec![[0u64; 0]; 9]);
}

/// The numbers that are the least of their bytes, and all that JSON has.
#[test]
fn columns_of_each_kind() {
    carries("i8", vec![i8::MIN, -1, 0, i8::MAX]);
    carries("bool", vec![true, false, true]);
    carries("u16", vec![0, 1, u16::MAX]);
    carries("i16", vec![i16::MIN, -1, 0]);
    carries("u32", vec![0, 1, u32::MAX]);
    carries("i32", vec![i32::MIN, -1, 0]);
    carries("char", vec!['a', '\0', char::MAX]);
    carries("u64", vec![0, 1, u64::MAX]);
    carries("i64", vec![i64::MIN, -1, 0]);
    carries("usize", vec![0, 1, usize::MAX]);
    carries("isize", vec![isize::MIN, -1, 0]);
    carries("u128", vec![0, 1, u128::MAX]);
    carries("f32", vec![Bits32(f32::NAN), Bits32(-0.0)]);
    carries("bare f32", vec![0.1f32, -0.0, f32::INFINITY]);
    carries("bare f64", vec![0.1f64, -0.0, f64::MIN_POSITIVE / 2.0]);
    carries("deque", VecDeque::from(vec![1u16, 2]));
    carries("set", BTreeSet::from([-1i32, 2]));
    carries("boxed", vec![1.5f32; 3].into_boxed_slice());
    carries("empty", (Vec::<f32>::new(), Vec::<bool>::new(), [0i64; 0]));
    carries("in a struct", vec![Field { f: vec![1.5f64; 3] }; 3]);
    carries("nested", vec![vec![vec![7u32; 3]; 2]; 2]);
    carries("untagged", U::A(vec![1u32, 2]));
    carries("newtypes", vec![Newtype(Newtype(-5i16)); 3]);
    reads(vec![1u16, 2], vec![Some(1u64), Some(2)]);
    reads(vec![1i32, -2], vec![Newtype(1i64), Newtype(-2)]);
    reads(vec![1.5f32, 2.0], vec![1.5f64, 2.0]);
    reads(vec![1i64, 2], vec![1u8, 2]);
    reads(vec![1u32, 2], BTreeSet::from([1u32, 2]));
    reads([2u32, 3], serde_bytes::ByteBuf::from(vec![2, 3]));
    reads(vec!['a', 'b'], vec!["a".to_owned(), "b".to_owned()]);
    reads(vec![7u64; 20], serde_json::json!(vec![7; 20]));
    reads(vec![true; 20], serde_json::json!(vec![true; 20]));
}

/// A column that turns out to be none, after so many elements.
#[test]
fn a_column_may_end_anywhere() {
    for before in [0usize, 1, 2, 127, 128, 300] {
        for number in [-1e9, -1.0, 0.0, 1.0, 200.0, 1e12] {
            let mut mixed = vec![serde_json::json!(number); before];
            mixed.push(serde_json::json!({"then": [1, 2]}));
            mixed.push(serde_json::json!(number as i64));
            carries("numbers, then others", mixed.clone());
            let integers: Vec<_> = mixed
                .iter()
                .map(|_| serde_json::json!(number as i64))
                .collect();
            carries("integers, then others", [integers, mixed].concat());
        }
    }
    carries(
        "each kind, then another",
        [
            vec![Any::I8(-1), Any::I8(5), Any::Char('x'), Any::I8(5)],
            vec![Any::I16(-300), Any::Bool(true)],
            vec![Any::I32(-70_000), Any::Bool(true)],
            vec![Any::I64(i64::MIN), Any::Bool(true)],
            vec![Any::Bool(true), Any::Bool(false), Any::Char('x')],
            vec![Any::Char('x'), Any::Bool(false)],
            vec![Any::Single(0.1), Any::Bool(false)],
        ],
    );
}

#[test]
fn a_column_of_f64_may_end() {
    carries(
        "f64",
        vec![
            UFloat::Float(0.1),
            UFloat::Float(-0.0),
            UFloat::Text("x".into()),
        ],
    );
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(untagged)]
enum UFloat {
    Float(f64),
    Text(String),
}

/// Told apart by their values, as far as their kinds are not.
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(untagged)]
enum Any {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    Char(char),
    Single(f32),
}

/// The shapes are announced within what is moved when a sequence turns out to be longer than it said, or a
/// column to be none.
#[test]
fn what_is_moved_takes_its_shapes_along() {
    struct Unannounced(usize);
    impl Serialize for Unannounced {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut seq = s.serialize_seq(None)?;
            for id in 0..self.0 {
                seq.serialize_element(&row(id as u32))?;
            }
            seq.end()
        }
    }
    for len in [0, 1, 2, 3, 127, 128, 300] {
        let rows: Vec<_> = (0..len as u32).map(row).collect();
        reads((Unannounced(len), "behind"), (rows, "behind".to_owned()));
    }
    let objects = serde_json::json!([1, 2, 3, {"a": 1}, {"a": 2}]);
    carries("numbers, then objects", objects);
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    #[serde(untagged)]
    enum Late {
        Number(u64),
        Row(Vec<Row>),
    }
    let mut late = vec![Late::Number(7); 200];
    late.push(Late::Row((0..3).map(row).collect()));
    late.push(Late::Number(8));
    carries("numbers, then rows", late);
}

/// One field after the other is of another kind than before, or left out.
#[test]
fn fields_that_change() {
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    struct Changing {
        a: UUnit,
        b: Untagged,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        c: Option<u32>,
        d: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        e: Option<Box<Changing>>,
    }
    let changing = |n: u64| Changing {
        a: if n % 5 == 4 {
            UUnit::Unit
        } else {
            UUnit::Int(n as u8)
        },
        b: match n % 7 {
            0..3 => Untagged::Int(n),
            3 => Untagged::Float(0.5),
            4 => Untagged::Str("s".into()),
            5 => Untagged::Map([("k".into(), Untagged::Neg(-1))].into()),
            _ => Untagged::Seq(vec![Untagged::Int(1), Untagged::Bool(true)]),
        },
        c: (n % 3 == 1).then_some(n as u32),
        d: n,
        e: None,
    };
    let mut all: Vec<_> = (0..60).map(changing).collect();
    carries("changing", all.clone());
    all.reverse();
    carries("changing, reversed", all.clone());
    for n in (0..60).step_by(7) {
        all[n].e = Some(Box::new(changing(n as u64 + 1)));
        let inner = Some(Box::new(all[n].clone()));
        all[n + 1].e = inner;
    }
    carries("changing inside of itself", all);
    let skips = |n: u8| Skips {
        a: (n & 1 != 0).then_some(n),
        b: n,
        c: if n & 2 != 0 { vec![n] } else { vec![] },
        d: "d".into(),
        e: (n & 4 != 0).then_some((n & 8 != 0).then_some(n)),
    };
    carries(
        "all sets of skipped fields",
        (0..48).map(skips).collect::<Vec<_>>(),
    );
    let variants = (0..9).map(|n| VSkips::V {
        a: (n & 1 == 0).then_some(n),
        b: n,
        z: u8::is_multiple_of(n, 3).then_some(n),
    });
    carries("variants that skip", variants.collect::<Vec<_>>());
}

/// More shapes than there are numbers: the rest is written in full.
#[test]
fn more_shapes_than_can_be_numbered() {
    const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    #[derive(PartialEq, Debug, Clone)]
    struct Subset(u16);
    impl Serialize for Subset {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut fields = s.serialize_struct("Subset", self.0.count_ones() as usize)?;
            for (place, name) in NAMES.into_iter().enumerate() {
                if self.0 >> place & 1 == 1 {
                    fields.serialize_field(name, &(place as u64))?;
                }
            }
            fields.end()
        }
    }
    impl<'de> Deserialize<'de> for Subset {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            let fields = BTreeMap::<String, u64>::deserialize(d)?;
            Ok(Subset(fields.values().map(|place| 1 << place).sum()))
        }
    }
    let all: Vec<_> = (0..2).flat_map(|_| (0..512).map(Subset)).collect();
    carries("all subsets", all);
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    struct Nested(Subset, Option<Box<Nested>>);
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    struct Deep {
        subset: Subset,
        inner: Vec<Deep>,
    }
    let deep = (0..60).fold(None, |inner: Option<Deep>, n| {
        Some(Deep {
            subset: Subset(n * 8),
            inner: inner
                .into_iter()
                .flat_map(|inner| {
                    [
                        inner.clone(),
                        Deep {
                            inner: vec![],
                            ..inner
                        },
                    ]
                })
                .collect(),
        })
    });
    carries("subsets inside of each other", deep);
    let nested = (0..100).fold(None, |inner, n| {
        Some(Box::new(Nested(Subset(n * 5), inner)))
    });
    carries("a list of subsets", nested);
}

/// A visitor written by hand may know a map alone, and names as strings alone.
#[test]
fn visitors_that_know_only_maps() {
    #[derive(PartialEq, Debug, Clone)]
    struct ByHand {
        x: u8,
        y: f32,
    }
    impl Serialize for ByHand {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut fields = s.serialize_struct("ByHand", 2)?;
            fields.serialize_field("x", &self.x)?;
            fields.serialize_field("y", &self.y)?;
            fields.end()
        }
    }
    impl<'de> Deserialize<'de> for ByHand {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl<'de> Visitor<'de> for V {
                type Value = ByHand;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a map")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<ByHand, A::Error> {
                    let (mut x, mut y) = (None, None);
                    while let Some(Name(name)) = a.next_key()? {
                        match &*name {
                            "x" => x = Some(a.next_value()?),
                            "y" => y = Some(a.next_value()?),
                            _ => return Err(serde::de::Error::custom("another name")),
                        }
                    }
                    Ok(ByHand {
                        x: x.ok_or_else(|| serde::de::Error::missing_field("x"))?,
                        y: y.ok_or_else(|| serde::de::Error::missing_field("y"))?,
                    })
                }
            }
            d.deserialize_struct("ByHand", &["x", "y"], V)
        }
    }
    struct Name(String);
    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct V;
            impl Visitor<'_> for V {
                type Value = Name;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a name")
                }
                fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                    Ok(Name(name.to_owned()))
                }
            }
            d.deserialize_identifier(V)
        }
    }
    carries("by hand", vec![ByHand { x: 200, y: 0.5 }; 5]);
    carries(
        "durations",
        (0..5).map(|n| Duration::new(n, 9)).collect::<Vec<_>>(),
    );
    carries("ranges", vec![1u32..9; 5]);
}

/// What reads the fields may be another type than what wrote them.
#[test]
fn readers_that_differ() {
    #[derive(Serialize, Clone)]
    struct Written {
        a: u8,
        #[serde(rename(serialize = "two"))]
        b: u32,
        c: f64,
        extra: Vec<Row>,
    }
    #[derive(Deserialize, PartialEq, Debug, Clone)]
    struct Aliased {
        c: f64,
        #[serde(alias = "two")]
        b: u64,
        #[serde(default)]
        missing: Option<u8>,
        a: Newtype<u16>,
    }
    #[derive(Deserialize, PartialEq, Debug, Clone)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "it is never read")]
    struct Strict {
        a: u8,
        c: f64,
    }
    #[derive(Deserialize, PartialEq, Debug, Clone)]
    struct Fewer {
        a: u8,
        two: u32,
        c: f64,
    }
    #[derive(Deserialize, PartialEq, Debug, Clone)]
    struct Fewer2 {
        #[serde(rename = "c")]
        only: f64,
        #[serde(skip)]
        skipped: u8,
    }
    let written = vec![
        Written {
            a: 1,
            b: 2,
            c: 0.5,
            extra: vec![row(1), row(2)]
        };
        4
    ];
    let aliased = Aliased {
        c: 0.5,
        b: 2,
        missing: None,
        a: Newtype(1),
    };
    reads(written.clone(), vec![aliased; 4]);
    reads(
        written.clone(),
        vec![
            Fewer {
                a: 1,
                two: 2,
                c: 0.5
            };
            4
        ],
    );
    reads(
        written.clone(),
        vec![
            Fewer2 {
                only: 0.5,
                skipped: 0
            };
            4
        ],
    );
    let mut bytes = Vec::new();
    encode(&written, &mut bytes).expect("encodes");
    decode::<Vec<Strict>>(&bytes).expect_err("there is an unknown field");
    let rows = vec![row(1), row(2), row(3)];
    let json: serde_json::Value = serde_json::to_value(&rows).expect("is JSON");
    let mut bytes = Vec::new();
    encode(&rows, &mut bytes).expect("encodes");
    let seen: Vec<BTreeMap<Newtype2, serde::de::IgnoredAny>> = decode(&bytes).expect("decodes");
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|row| row.len() == 5));
    reads(json, rows);
}

/// A key of a map that the fields of a struct are read as.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug, Clone)]
struct Newtype2(String);

/// Structs of one name and several sets of fields, as internally tagged enums write them.
#[test]
fn structs_of_one_name() {
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    #[serde(tag = "t")]
    enum Message {
        Open { id: u32, path: String },
        Moved { id: u32, to: f64 },
        Seen { at: u64, by: Option<u8> },
        Closed,
    }
    let message = |n: u32| match n % 4 {
        0 => Message::Open {
            id: n,
            path: "p".into(),
        },
        1 => Message::Moved { id: n, to: 0.5 },
        2 => Message::Seen { at: 1, by: None },
        _ => Message::Closed,
    };
    carries("messages", (0..40).map(message).collect::<Vec<_>>());
    // The same name for a struct, a variant and a tuple.
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    enum Same {
        Row(u8),
        Field { f: u8 },
        Unit,
        Newtype2(u8, u8),
    }
    let same = [
        Same::Row(1),
        Same::Field { f: 2 },
        Same::Unit,
        Same::Newtype2(1, 2),
    ];
    let fields = (Field { f: 2u8 }, Unit, row(4), Newtype(1u8));
    carries("the same names", vec![(same, fields); 4]);
}

/// What is written by hand as a map of one entry, or as a struct of one field, may be read as an enum.
#[test]
fn maps_and_structs_that_are_read_as_enums() {
    #[derive(Clone)]
    struct AsMap(u64);
    impl Serialize for AsMap {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut map = s.serialize_map(Some(1))?;
            map.serialize_entry("New", &self.0)?;
            map.end()
        }
    }
    #[derive(Serialize, Clone)]
    #[allow(non_snake_case, reason = "it is a variant's name")]
    struct AsStruct {
        New: u64,
    }
    #[derive(Serialize, Clone)]
    #[allow(non_snake_case, reason = "it is a variant's name")]
    struct AsTuple {
        Tup: (u8, &'static str),
    }
    reads(vec![AsMap(9); 4], vec![External::New(9); 4]);
    reads(vec![AsStruct { New: 9 }; 4], vec![External::New(9); 4]);
    reads(
        vec![AsTuple { Tup: (1, "x") }; 4],
        vec![External::Tup(1, "x".into()); 4],
    );
    reads(
        vec![External::New(9); 4],
        vec![BTreeMap::from([("New".to_owned(), 9u64)]); 4],
    );
    reads(vec![External::Unit; 4], vec!["Unit".to_owned(); 4]);
    reads(vec!["Unit"; 4], vec![External::Unit; 4]);
}

/// A type whose values nest in each other by the shape that they have themselves.
#[test]
fn recursive_types() {
    let leaf = || Box::new(Tree::Leaf);
    let tree = (0..40).fold(Tree::Leaf, |inner, n| match n % 3 {
        0 => Tree::Node(Box::new(inner), n, leaf()),
        1 => Tree::Node(leaf(), n, Box::new(inner)),
        _ => Tree::Node(Box::new(inner.clone()), n, leaf()),
    });
    carries("a tree", tree);
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    struct Linked {
        value: Untagged,
        next: Option<Box<Linked>>,
    }
    let list = (0..50).fold(None, |next, n| {
        let value = match n % 4 {
            0 => Untagged::Int(n),
            1 => Untagged::Float(0.5),
            2 => Untagged::Str("s".into()),
            _ => Untagged::Bool(true),
        };
        Some(Box::new(Linked { value, next }))
    });
    carries("a list", list);
}

#[test]
fn what_is_repeated_takes_few_bytes() {
    fn size<T: Serialize>(value: T) -> usize {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes).expect("encodes");
        bytes.len()
    }
    #[derive(Serialize, Clone)]
    struct Point {
        x: f32,
        y: f32,
        id: u32,
    }
    let point = Point {
        x: 0.5,
        y: 1.5,
        id: 7,
    };
    let per_point = (size(vec![point.clone(); 2000]) - size(vec![point; 1000])) / 1000;
    assert_eq!(per_point, 2 + 12);
    let per_unit = (size(vec![External::Unit; 2000]) - size(vec![External::Unit; 1000])) / 1000;
    assert_eq!(per_unit, 2);
    assert_eq!(size(vec![0.5f32; 1000]), 1 + 3 + 4000);
    assert_eq!(size([1u64; 20]), 1 + 1 + 160);
}
