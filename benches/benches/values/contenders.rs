//! The formats, each called in its usual way.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use procpool_wire::value;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) const PROCPOOL: &str = "procpool";
pub(crate) const RMP: &str = "rmp-serde";

/// Those that leave out what both sides know.
pub(crate) const COMPACT: [&str; 3] = ["postcard", "bincode", "bitcode"];

/// One format, with the value that it is to carry.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// Encodes and decodes the value so many times.
    pub(crate) run: Box<dyn Fn(usize) -> Took>,
}

/// Of one value: microseconds, and how many bytes it is encoded.
pub(crate) struct Took {
    pub(crate) encode: f64,
    pub(crate) decode: f64,
    pub(crate) size: usize,
}

/// All of them, with this value.
pub(crate) fn all<T: Serialize + DeserializeOwned + PartialEq + 'static>(
    value: T,
) -> Vec<Contender> {
    let value = Rc::new(value);
    vec![
        contender(
            PROCPOOL,
            &value,
            |value| {
                let mut bytes = Vec::new();
                value::encode(value, &mut bytes).expect("procpool should encode it");
                bytes
            },
            |bytes| value::decode(bytes).expect("procpool should decode it"),
        ),
        contender(
            COMPACT[0],
            &value,
            |value| postcard::to_allocvec(value).expect("postcard should encode it"),
            |bytes| postcard::from_bytes(bytes).expect("postcard should decode it"),
        ),
        contender(
            COMPACT[1],
            &value,
            |value| {
                bincode::serde::encode_to_vec(value, bincode::config::standard())
                    .expect("bincode should encode it")
            },
            |bytes| {
                bincode::serde::decode_from_slice(bytes, bincode::config::standard())
                    .expect("bincode should decode it")
                    .0
            },
        ),
        contender(
            COMPACT[2],
            &value,
            |value| bitcode::serialize(value).expect("bitcode should encode it"),
            |bytes| bitcode::deserialize(bytes).expect("bitcode should decode it"),
        ),
        contender(
            RMP,
            &value,
            |value| rmp_serde::to_vec_named(value).expect("rmp-serde should encode it"),
            |bytes| rmp_serde::from_slice(bytes).expect("rmp-serde should decode it"),
        ),
    ]
}

fn contender<T: PartialEq + 'static>(
    name: &'static str,
    value: &Rc<T>,
    encode: impl Fn(&T) -> Vec<u8> + 'static,
    decode: impl Fn(&[u8]) -> T + 'static,
) -> Contender {
    let value = Rc::clone(value);
    assert!(decode(&encode(&value)) == *value, "{name} should carry it");
    let run = move |repeats: usize| {
        let began = Instant::now();
        for _ in 1..repeats {
            black_box(encode(black_box(&value)));
        }
        let bytes = encode(black_box(&value));
        let encoded = began.elapsed();
        // To drop a value takes as long with each format, and is none of its work.
        let mut values = Vec::with_capacity(repeats);
        let began = Instant::now();
        for _ in 0..repeats {
            values.push(decode(black_box(&bytes)));
        }
        let decoded = began.elapsed();
        Took {
            encode: encoded.as_secs_f64() * 1e6 / repeats as f64,
            decode: decoded.as_secs_f64() * 1e6 / repeats as f64,
            size: bytes.len(),
        }
    };
    Contender {
        name,
        run: Box::new(run),
    }
}
