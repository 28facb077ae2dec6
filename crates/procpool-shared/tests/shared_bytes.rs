//! Shared bytes as a value: what they are made of, and what they are to other formats.
#![forbid(unsafe_code)]

use procpool_shared::SharedBytes;
use procpool_wire::{Encoding, Payload, value};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    name: String,
    body: SharedBytes,
}

#[test]
fn they_are_the_bytes_that_they_were_made_of() {
    for len in [0, 1, 5000, 200_000] {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let filled = SharedBytes::with_len(len, |buffer| {
            assert_eq!(buffer.len(), len);
            buffer.copy_from_slice(&bytes);
        });
        assert_eq!(*filled, *bytes);
        assert_eq!(filled.as_ref(), bytes);
        assert_eq!(filled, SharedBytes::from(&bytes[..]));
        assert_eq!(filled, SharedBytes::from(bytes));
        assert_eq!(filled.clone().as_ptr(), filled.as_ptr());
    }
}

#[test]
fn they_are_equal_if_their_bytes_are() {
    let one = SharedBytes::from(&b"one"[..]);
    assert_eq!(one, one.clone());
    for other in [&b"two"[..], b"on", b"ones", b""] {
        assert_ne!(one, SharedBytes::from(other));
    }
}

#[test]
fn their_debug_output_is_their_length() {
    let bytes = SharedBytes::from(&b"secret"[..]);
    assert_eq!(format!("{bytes:?}"), "SharedBytes { len: 6, .. }");
}

#[test]
fn they_are_attached_to_a_payload_and_not_a_part_of_its_bytes() {
    let page = Page {
        name: "index".to_owned(),
        body: SharedBytes::from(vec![7; 100_000]),
    };
    let payload = Encoding::payload(&page, Vec::reserve).expect("it can be encoded");
    assert_eq!(payload.attached().len(), 1);
    assert_eq!(payload.attached()[0].bytes(), &*page.body);
    assert!(payload.len() < 100);
    let back: Page = payload.decode().expect("the attachment is there");
    assert_eq!(back.body.as_ptr(), page.body.as_ptr());
    assert_eq!(back, page);
}

#[test]
fn where_nothing_can_be_attached_they_are_bytes() {
    let bytes = SharedBytes::from(&b"few"[..]);
    let mut encoded = Vec::new();
    value::encode(&bytes, &mut encoded).expect("bytes can be encoded");
    assert_eq!(encoded, [0xd3, 3, b'f', b'e', b'w']);
    for same in [&encoded[..], &[0xe0, 3, b'f', b'e', b'w'], b"\xa3few"] {
        assert_eq!(value::decode::<SharedBytes>(same).expect("bytes"), bytes);
    }
    for other in [&[0xc0][..], &[7]] {
        value::decode::<SharedBytes>(other).expect_err("no bytes");
    }
    // They came as a copy, so that they are one in the next process, too.
    let copy: SharedBytes = value::decode(&encoded).expect("bytes");
    let payload = Encoding::payload(&copy, Vec::reserve).expect("bytes can be encoded");
    assert_eq!(
        (payload.attached().len(), payload.bytes()),
        (0, &encoded[..])
    );
}

#[test]
fn they_come_back_from_json() {
    let page = Page {
        name: "index".to_owned(),
        body: SharedBytes::from(&b"few"[..]),
    };
    let json = serde_json::to_string(&page).expect("bytes can be encoded");
    assert_eq!(json, r#"{"name":"index","body":[102,101,119]}"#);
    assert_eq!(serde_json::from_str::<Page>(&json).expect("bytes"), page);
    let error = serde_json::from_str::<SharedBytes>("true").expect_err("no bytes");
    assert!(error.to_string().contains("expected bytes"), "{error}");
}

/// An attachment of another type is none of these bytes.
#[test]
fn the_attachment_of_another_type_is_refused() {
    use std::sync::Arc;

    use procpool_wire::value::attachment::Attach;

    #[derive(Debug)]
    struct Other;

    impl Attach for Other {
        fn bytes(&self) -> &[u8] {
            b"other"
        }
    }

    let mut payload = Payload::from(&[0xd7, 0][..]);
    payload.attach(Ok(vec![Arc::new(Other)]));
    payload.decode::<SharedBytes>().expect_err("another type");
}
