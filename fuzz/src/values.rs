//! Any bytes, decoded as many types.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use procpool_wire::value::{MAX_DEPTH, decode, encode};
use procpool_wire::{PanicReport, Refusal, Setup};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// A float that equals itself, bit by bit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bits(pub f64);

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

/// Each form of an enum variant.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum External {
    /// Nothing.
    Unit,
    /// One value without a level of its own.
    Newtype(Option<u32>),
    /// A sequence.
    Tuple(u8, String),
    /// A map.
    Struct {
        /// Nested options.
        a: Option<Option<u8>>,
    },
}

/// Goes through serde's buffer to look for its tag.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum Internal {
    /// Nothing.
    Unit,
    /// A map, among whose keys the tag stands.
    Newtype(BTreeMap<String, u8>),
    /// A map.
    Struct {
        /// Nested options.
        a: Option<Option<u8>>,
        /// A type that writes itself for a human reader.
        ip: IpAddr,
    },
}

/// Goes through serde's buffer, and the first that fits is taken.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Untagged {
    /// A bool.
    Bool(bool),
    /// Any number.
    Number(Bits),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A variant; before all strings, since one without content is its name.
    External(External),
    /// A string.
    Text(String),
    /// Anything nested.
    Map(BTreeMap<String, Untagged>),
}

/// Fields beside a map of all others.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    /// A field.
    pub a: u8,
    /// All others.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// One type for all that can nest without taking a name.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Option<Box<(Nest, Vec<Nest>)>>);

/// Decodes as every type there is here. What can be decoded must be whole, and come back equal when
/// it is encoded again.
pub fn decode_as_everything(bytes: &[u8]) {
    settles::<()>(bytes);
    settles::<bool>(bytes);
    settles::<u8>(bytes);
    settles::<i64>(bytes);
    settles::<u128>(bytes);
    settles::<i128>(bytes);
    settles::<Bits>(bytes);
    settles::<char>(bytes);
    settles::<String>(bytes);
    settles::<Vec<u8>>(bytes);
    settles::<Vec<u64>>(bytes);
    settles::<Vec<()>>(bytes);
    settles::<[u8; 4]>(bytes);
    settles::<serde_bytes::ByteBuf>(bytes);
    settles::<Option<Option<Option<u8>>>>(bytes);
    settles::<Option<Option<()>>>(bytes);
    settles::<(u8, String, Option<bool>)>(bytes);
    settles::<Result<Vec<Option<u8>>, String>>(bytes);
    settles::<BTreeMap<Vec<u8>, Option<()>>>(bytes);
    settles::<External>(bytes);
    settles::<Vec<Internal>>(bytes);
    settles::<Internal>(bytes);
    settles::<Untagged>(bytes);
    settles::<Flat>(bytes);
    settles::<serde_json::Value>(bytes);
    settles::<Nest>(bytes);
    settles::<Setup>(bytes);
    settles::<Refusal>(bytes);
    settles::<PanicReport>(bytes);
}

fn settles<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(bytes: &[u8]) {
    let value = match decode::<T>(bytes) {
        Ok(value) => value,
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains('\n'), "an error of several lines: {error}");
            return;
        }
    };
    // So few bytes can't be too deep, which the two below might see differently.
    let shallow = bytes.len() < MAX_DEPTH / 4;
    if shallow {
        decode::<IgnoredAny>(bytes).expect("what can be read can be skipped");
    }
    let mut encoded = Vec::new();
    match encode(&value, &mut encoded) {
        Ok(()) => comes_back(&value, &encoded),
        Err(error) => assert!(!shallow, "{value:?}: {error}"),
    }
}

fn comes_back<T: DeserializeOwned + PartialEq + Debug + 'static>(value: &T, encoded: &[u8]) {
    match decode::<T>(encoded) {
        Ok(back) => assert_eq!(back, *value, "through {encoded:02x?}"),
        Err(error) => panic!("{value:?}: {error}, of {encoded:02x?}"),
    }
}
