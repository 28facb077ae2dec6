//! What travels beside a payload, and what a payload is in each of its forms.
#![forbid(unsafe_code)]

use std::sync::Arc;

use bytes::Bytes;
use procpool_wire::value::attachment::{self, Attach, Attachment, MAX_ATTACHMENTS, NAME};
use procpool_wire::value::{self, DecodeError};
use procpool_wire::{EncodedValue, Encoding, Payload};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// From this size on bytes that are a whole value are kept as they are.
const LARGE: usize = 24 << 10;

/// Bytes that attach themselves where that is possible.
#[derive(Debug, Clone, PartialEq)]
struct Shared(Vec<u8>);

impl Attach for Shared {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Content<'a>(&'a Shared);
        impl Serialize for Content<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match attachment::attach(|| Arc::new(self.0.clone())) {
                    true => serializer.serialize_unit(),
                    false => serializer.serialize_bytes(&self.0.0),
                }
            }
        }
        serializer.serialize_newtype_struct(NAME, &Content(self))
    }
}

/// What was attached, or the bytes of a copy.
#[derive(Debug)]
enum Arrived {
    Attached(Attachment),
    Copied(Vec<u8>),
}

impl<'de> Deserialize<'de> for Arrived {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Arrival;
        impl<'de> Visitor<'de> for Arrival {
            type Value = Arrived;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Arrived, E> {
                let attached = attachment::take_attached();
                attached
                    .map(Arrived::Attached)
                    .ok_or_else(|| E::custom("nothing is attached"))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Arrived, D::Error> {
                deserializer.deserialize_bytes(self)
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Arrived, E> {
                Ok(Arrived::Copied(bytes.to_vec()))
            }
        }
        deserializer.deserialize_newtype_struct(NAME, Arrival)
    }
}

fn shared(bytes: &[u8]) -> Shared {
    Shared(bytes.to_vec())
}

fn encoded<T: Serialize>(value: &T) -> Payload {
    Encoding::payload(value, Vec::reserve).expect("it can be encoded")
}

fn attached_bytes(payload: &Payload) -> Vec<&[u8]> {
    payload.attached().iter().map(|it| it.bytes()).collect()
}

#[test]
fn attachments_are_named_by_their_index_and_arrive_in_order() {
    let value = (shared(b"one"), 7, vec![shared(b"two"), shared(b"three")]);
    let payload = encoded(&value);
    assert_eq!(attached_bytes(&payload), [&b"one"[..], b"two", b"three"]);
    let expected = [0xd4, 3, 0xd7, 0, 7, 0xd4, 2, 0xd7, 1, 0xd7, 2];
    assert_eq!(payload.bytes(), expected);
    let (one, seven, rest): (Arrived, u8, Vec<Arrived>) = payload.decode().expect("it came");
    assert_eq!(seven, 7);
    let all: Vec<_> = [one].into_iter().chain(rest).collect();
    for (arrived, expected) in all.iter().zip([&b"one"[..], b"two", b"three"]) {
        match arrived {
            Arrived::Attached(attachment) => assert_eq!(attachment.bytes(), expected),
            other => panic!("{other:?}"),
        }
    }
}

/// A sequence of bytes that is broken off by an attachment.
#[test]
fn an_attachment_among_bytes_keeps_its_place() {
    let payload = encoded(&(1_u8, 2_u8, shared(b"one"), 3_u8));
    assert_eq!(payload.bytes(), [0xd4, 4, 1, 2, 0xd7, 0, 3]);
}

#[test]
fn beyond_the_most_attachments_of_a_value_they_are_copied() {
    let values = vec![shared(b"x"); MAX_ATTACHMENTS + 1];
    let payload = encoded(&values);
    assert_eq!(payload.attached().len(), MAX_ATTACHMENTS);
    let arrived: Vec<Arrived> = payload.decode().expect("all came");
    let (last, attached) = arrived.split_last().expect("there are some");
    assert!(attached.iter().all(|it| matches!(it, Arrived::Attached(_))));
    assert!(matches!(last, Arrived::Copied(bytes) if bytes == b"x"));
}

#[test]
fn a_value_without_a_place_for_attachments_has_copies() {
    let mut bytes = Vec::new();
    value::encode(&shared(b"one"), &mut bytes).expect("it can be encoded");
    assert_eq!(bytes, [0xd3, 3, b'o', b'n', b'e']);
    let arrived: Arrived = value::decode(&bytes).expect("bytes");
    assert!(matches!(arrived, Arrived::Copied(bytes) if bytes == b"one"));
    assert!(!attachment::attach(|| panic!("nobody asks for it")));
    assert!(attachment::take_attached().is_none());
}

/// To a type that knows nothing of attachments it is its bytes.
#[test]
fn an_attachment_can_be_read_as_bytes() {
    let payload = encoded(&shared(b"one"));
    assert_eq!(payload.clone().decode::<Bytes>().expect("bytes"), "one");
    assert_eq!(payload.decode::<Vec<u8>>().expect("bytes"), b"one");
}

#[test]
fn an_attachment_that_did_not_come_is_an_error() {
    for bytes in [&[0xd7, 0][..], &[0xd9, 1], &[0xd9], &[0xd9, 0xc1]] {
        let mut payload = Payload::from(bytes);
        if bytes == [0xd9, 1] {
            payload.attach(Ok(vec![Arc::new(shared(b"one"))]));
        }
        let _: DecodeError = payload
            .clone()
            .decode::<Arrived>()
            .expect_err("it is not there");
        let _: DecodeError = payload.decode::<Bytes>().expect_err("it is not there");
    }
}

#[test]
fn attachments_that_are_not_available_fail_the_value_with_the_reason() {
    let mut payload = Payload::from(encoded(&shared(b"one")).to_bytes());
    payload.attach(Err("out of descriptors".to_owned()));
    assert!(payload.attached().is_empty());
    let error = payload
        .decode::<Arrived>()
        .expect_err("it is not available");
    assert_eq!(error.to_string(), "out of descriptors");
}

#[test]
fn a_payload_with_attachments_is_its_bytes_and_equals_only_its_clones() {
    let payload = encoded(&shared(b"one"));
    assert_eq!(payload.bytes(), [0xd7, 0]);
    assert_eq!((payload.len(), payload.is_empty()), (2, false));
    assert!(payload.prefix().is_empty());
    assert_eq!(payload, payload.clone());
    assert_ne!(payload, encoded(&shared(b"one")));
    let alone = Payload::from(&[0xd7, 0][..]);
    assert_ne!(payload, alone);
    assert_ne!(alone, payload);
    assert_eq!(payload.to_bytes(), alone.to_bytes());
}

#[test]
fn attaching_nothing_or_to_bytes_alone_changes_nothing() {
    let mut payload = Payload::from(&[7][..]);
    payload.attach(Ok(Vec::new()));
    assert_eq!(payload, Payload::from(&[7][..]));
    let mut bytes = Payload::of_bytes(vec![7_u8; LARGE + 1]).expect("it is moved");
    bytes.attach(Ok(vec![Arc::new(shared(b"one"))]));
    assert!(bytes.attached().is_empty());
    assert_eq!(bytes.decode::<Vec<u8>>().expect("bytes").len(), LARGE + 1);
}

#[test]
fn only_large_bytes_are_kept_as_they_are() {
    for (len, is_kept) in [(LARGE, false), (LARGE + 1, true)] {
        assert_eq!(Payload::of_bytes(vec![7_u8; len]).is_ok(), is_kept, "{len}");
        assert_eq!(
            Payload::of_bytes(Bytes::from(vec![7; len])).is_ok(),
            is_kept,
            "{len}"
        );
    }
    assert_eq!(
        Payload::of_bytes("text".repeat(LARGE)),
        Err("text".repeat(LARGE))
    );
    assert_ne!(
        Payload::of_bytes(vec![7_u8; LARGE + 1]).expect("it is moved"),
        Payload::of_bytes(Bytes::from(vec![7; LARGE + 1])).expect("it is moved")
    );
}

#[test]
fn a_payload_holds_what_it_was_filled_with_last() {
    let mut payload = Payload::default();
    assert!(payload.is_empty());
    for len in [1, 38, 39, 100, 0, 38] {
        let bytes = vec![len as u8; len];
        payload.fill(&bytes);
        assert_eq!(payload.bytes(), bytes);
        assert_eq!(payload, Payload::from(&bytes[..]));
        assert_eq!(payload, Payload::from(Bytes::from(bytes.clone())));
        assert_eq!(payload.to_bytes(), bytes);
        assert_eq!(
            EncodedValue::bytes(&payload),
            EncodedValue::bytes(&bytes[..])
        );
    }
    payload.fill(&[7; 100]);
    payload.clear();
    assert!(payload.is_empty(), "memory outside of it is given back");
}

#[test]
fn an_encoding_is_moved_to_a_payload_once() {
    let mut encoding = Encoding::new();
    let mut payload = Payload::default();
    for len in [0, 120, 128, 129, 200, 5000] {
        let text = "x".repeat(len);
        encoding
            .encode(&text, Vec::reserve)
            .expect("it can be encoded");
        let whole = encoding.len();
        assert!(whole > len && !encoding.is_empty());
        assert_eq!(encoding.small().is_some(), whole <= 128, "{whole}");
        encoding.fill(&mut payload);
        assert!(encoding.is_empty());
        assert_eq!(payload.len(), whole);
        assert_eq!(payload.clone().decode::<String>().expect("a text"), text);
    }
    encoding
        .encode(&shared(b"one"), Vec::reserve)
        .expect("it can be encoded");
    assert_eq!(encoding.small(), None, "it has an attachment");
    encoding.fill(&mut payload);
    assert_eq!(attached_bytes(&payload), [b"one"]);
    assert_eq!(encoding.small(), Some(&[][..]), "the attachment was moved");
    encoding
        .encode(&shared(b"one"), Vec::reserve)
        .expect("it can be encoded");
    encoding.clear();
    assert_eq!(encoding.small(), Some(&[][..]));
}
