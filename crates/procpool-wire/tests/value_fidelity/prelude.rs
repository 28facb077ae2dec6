//! What all of these tests use: checks, names, and types of every shape.

pub(crate) use procpool_wire::value::{decode, encode};
pub(crate) use proptest::prelude::*;
pub(crate) use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
pub(crate) use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub(crate) use std::borrow::Cow;
pub(crate) use std::collections::{BTreeMap, BTreeSet, HashMap, LinkedList, VecDeque};
pub(crate) use std::fmt::Debug;
pub(crate) use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
pub(crate) use std::path::PathBuf;
pub(crate) use std::time::{Duration, UNIX_EPOCH};

pub(crate) use crate::shapes::*;

/// The value comes back equal, every strict prefix of its bytes is an error, and it can be skipped.
#[track_caller]
pub(crate) fn carries<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(
    name: &str,
    value: T,
) {
    let mut bytes = vec![0xee];
    encode(&value, &mut bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(bytes[0], 0xee, "{name}: what stood before is untouched");
    let bytes = &bytes[1..];
    let back: T = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}, of {bytes:x?}"));
    assert_eq!(back, value, "{name}");
    is_whole::<T>(name, bytes);

    // Again and again, by its shape.
    let mut bytes = Vec::new();
    let values = (&value, &value, &value);
    encode(&values, &mut bytes).unwrap_or_else(|error| panic!("{name}, thrice: {error}"));
    let back: (T, T, T) =
        decode(&bytes).unwrap_or_else(|error| panic!("{name}, thrice: {error}, of {bytes:x?}"));
    assert_eq!((&back.0, &back.1, &back.2), values, "{name}, thrice");
    is_whole::<(T, T, T)>(name, &bytes);
}

/// Every strict prefix is an error, and the value can be skipped.
#[track_caller]
fn is_whole<T: DeserializeOwned + 'static>(name: &str, bytes: &[u8]) {
    decode::<IgnoredAny>(bytes).unwrap_or_else(|error| panic!("{name}: skipping: {error}"));
    if bytes.len() < 1000 {
        for cut in 0..bytes.len() {
            assert!(
                decode::<T>(&bytes[..cut]).is_err(),
                "{name}: cut to {cut} bytes"
            );
        }
    }
}

/// What serde itself cannot carry is an error with us, and is none of JSON's types either.
#[track_caller]
pub(crate) fn refused<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(
    name: &str,
    value: T,
) {
    let mut bytes = Vec::new();
    if encode(&value, &mut bytes).is_ok() {
        assert!(decode::<T>(&bytes).is_err(), "{name}");
    }
    let by_json = serde_json::to_string(&value)
        .ok()
        .and_then(|json| serde_json::from_str(&json).ok());
    assert_ne!(by_json, Some(value), "{name}: JSON carries it");
}

/// Writes an `A`, reads a `B`.
#[track_caller]
pub(crate) fn reads<A: Serialize, B: DeserializeOwned + PartialEq + Debug + 'static>(
    written: A,
    read: B,
) {
    let mut bytes = Vec::new();
    encode(&written, &mut bytes).expect("encodes");
    assert_eq!(
        decode::<B>(&bytes).unwrap_or_else(|error| panic!("{read:?}: {error}")),
        read
    );

    // Again and again, by its shape.
    let mut bytes = Vec::new();
    encode(&[&written, &written, &written], &mut bytes).expect("encodes");
    let back: Vec<B> =
        decode(&bytes).unwrap_or_else(|error| panic!("{read:?}, thrice: {error}, of {bytes:x?}"));
    assert!(
        back.len() == 3 && back.iter().all(|back| *back == read),
        "{read:?}, thrice"
    );
}
