//! Types of every shape.

use crate::prelude::*;

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Unit;
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Newtype<T>(pub(crate) T);
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Tuple2(pub(crate) u8, pub(crate) String);
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Empty {}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Field<T> {
    pub(crate) f: T,
}
#[derive(Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Clone)]
pub(crate) enum External {
    Unit,
    New(u64),
    NewUnit(()),
    NewOpt(Option<u8>),
    NewNested(Option<Option<u8>>),
    Tup(u8, String),
    Struct { a: u8, b: Option<String> },
    EmptyTup(),
    EmptyStruct {},
}
pub(crate) fn externals() -> Vec<External> {
    use External::*;
    vec![
        Unit,
        New(9),
        NewUnit(()),
        NewOpt(None),
        NewOpt(Some(1)),
        NewNested(Some(None)),
        Tup(1, "x".into()),
        Struct { a: 1, b: None },
        EmptyTup(),
        EmptyStruct {},
    ]
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(tag = "t")]
pub(crate) enum Internal {
    Unit,
    New(Field<i64>),
    NewUnit(()),
    Map(BTreeMap<String, Option<u8>>),
    Struct {
        a: u8,
        b: Option<Option<u8>>,
        ip: IpAddr,
        c: char,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        v: Vec<u8>,
        f: f32,
    },
    Ext {
        e: External,
        es: Vec<External>,
    },
}
pub(crate) fn internals() -> Vec<Internal> {
    vec![
        Internal::Unit,
        Internal::New(Field { f: -3 }),
        Internal::NewUnit(()),
        Internal::Map([("k".into(), None), ("j".into(), Some(2))].into()),
        Internal::Ext {
            e: External::Unit,
            es: externals(),
        },
    ]
}
pub(crate) fn internal_struct() -> Internal {
    Internal::Struct {
        a: 1,
        b: None,
        ip: ip(),
        c: 'é',
        bytes: vec![1, 2, 200],
        v: vec![3, 4],
        f: 0.1,
    }
}
pub(crate) fn internal_nested() -> Internal {
    Internal::Struct {
        a: 1,
        b: Some(None),
        ip: ip(),
        c: 'é',
        bytes: vec![],
        v: vec![],
        f: -0.0,
    }
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(tag = "t", content = "c")]
pub(crate) enum Adjacent {
    Unit,
    New(u64),
    NewUnit(()),
    Opt(Option<u8>),
    Nested(Option<Option<()>>),
    Tup(u8, String),
    Struct { a: u8, b: Option<String> },
}
pub(crate) fn adjacents() -> Vec<Adjacent> {
    use Adjacent::*;
    vec![
        Unit,
        New(1),
        NewUnit(()),
        Opt(None),
        Opt(Some(1)),
        Tup(1, "a".into()),
        Struct {
            a: 1,
            b: Some("x".into()),
        },
    ]
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Bool(bool),
    Int(u64),
    Neg(i64),
    Float(f64),
    Str(String),
    Seq(Vec<Untagged>),
    Map(BTreeMap<String, Untagged>),
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(untagged)]
pub(crate) enum U<T> {
    A(T),
    B { zzz: T },
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(untagged)]
pub(crate) enum UUnit {
    Unit,
    Int(u8),
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(untagged)]
pub(crate) enum UOpt {
    Opt(Option<u8>),
    S(String),
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Flat<T> {
    pub(crate) before: u8,
    #[serde(flatten)]
    pub(crate) inner: T,
    pub(crate) after: Option<u8>,
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Skips {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) a: Option<u8>,
    pub(crate) b: u8,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) c: Vec<u8>,
    pub(crate) d: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) e: Option<Option<u8>>,
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) enum VSkips {
    V {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        a: Option<u8>,
        b: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        z: Option<u8>,
    },
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(default)]
pub(crate) struct Defaults {
    pub(crate) x: u8,
    #[serde(skip)]
    pub(crate) s: u8,
    pub(crate) y: Option<String>,
}
impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            x: 1,
            s: 7,
            y: Some("d".into()),
        }
    }
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Blob {
    #[serde(with = "serde_bytes")]
    pub(crate) b: Vec<u8>,
    pub(crate) o: Option<serde_bytes::ByteBuf>,
}
#[derive(Debug, Clone)]
pub(crate) struct Bits(pub(crate) f64);
impl PartialEq for Bits {
    fn eq(&self, o: &Self) -> bool {
        self.0.to_bits() == o.0.to_bits()
    }
}
impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(self.0)
    }
}
impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        f64::deserialize(d).map(Bits)
    }
}
#[derive(Debug, Clone)]
pub(crate) struct Bits32(pub(crate) f32);
impl PartialEq for Bits32 {
    fn eq(&self, o: &Self) -> bool {
        self.0.to_bits() == o.0.to_bits()
    }
}
impl Serialize for Bits32 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f32(self.0)
    }
}
impl<'de> Deserialize<'de> for Bits32 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        f32::deserialize(d).map(Bits32)
    }
}
/// Writes itself differently for a human reader, as a UUID does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Id(pub(crate) [u8; 4]);
impl Serialize for Id {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(&u32::from_be_bytes(self.0))
        } else {
            s.serialize_bytes(&self.0)
        }
    }
}
impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let s = String::deserialize(d)?;
            Ok(Id(s
                .parse::<u32>()
                .map_err(serde::de::Error::custom)?
                .to_be_bytes()))
        } else {
            let b = serde_bytes::ByteBuf::deserialize(d)?;
            Ok(Id(b
                .as_slice()
                .try_into()
                .map_err(serde::de::Error::custom)?))
        }
    }
}
/// A sequence that does not know its length.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lazy(pub(crate) Vec<u32>);
impl Serialize for Lazy {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut q = s.serialize_seq(None)?;
        for x in &self.0 {
            q.serialize_element(x)?;
        }
        q.end()
    }
}
impl<'de> Deserialize<'de> for Lazy {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Vec::deserialize(d).map(Lazy)
    }
}
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LazyMap(pub(crate) BTreeMap<u32, String>);
impl Serialize for LazyMap {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut q = s.serialize_map(None)?;
        for (k, v) in &self.0 {
            q.serialize_key(k)?;
            q.serialize_value(v)?;
        }
        q.end()
    }
}
impl<'de> Deserialize<'de> for LazyMap {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(d).map(LazyMap)
    }
}
/// Writes more fields than it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wide(pub(crate) u8);
impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut q = s.serialize_struct("Wide", 4)?;
        q.serialize_field("unknown", &externals())?;
        q.serialize_field("bytes", &vec![1u8, 2])?;
        q.serialize_field("x", &self.0)?;
        q.serialize_field("opt", &Some(Some(())))?;
        q.end()
    }
}
impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct N {
            x: u8,
        }
        N::deserialize(d).map(|n| Wide(n.x))
    }
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) enum Tree {
    Leaf,
    Node(Box<Tree>, u8, Box<Tree>),
}
#[derive(Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Clone)]
pub(crate) struct Key {
    pub(crate) a: u8,
    pub(crate) b: Option<String>,
}
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Fb {
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, serde_json::Value>,
}

pub(crate) fn ip() -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1))
}

#[derive(Serialize)]
#[serde(untagged)]
#[derive(Clone)]
pub(crate) enum Mixed {
    Byte(u8),
    Wide(u64),
}

#[derive(Deserialize, PartialEq, Debug)]
pub(crate) struct Tuple2b(pub(crate) u8, pub(crate) u8);

#[derive(Serialize)]
pub(crate) enum External2 {
    Other(u8),
}
