//! What the parent reads: bytes to frames to events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use procpool_fuzz::stream;

fuzz_target!(|bytes: &[u8]| {
    let whole = stream::events([bytes]);
    assert_eq!(whole, stream::events(bytes.chunks(1)));
    assert_eq!(whole, stream::events(bytes.chunks(13)));
});
