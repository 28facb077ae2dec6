//! What the worker reads: bytes to frames to commands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use procpool_fuzz::stream;

fuzz_target!(|bytes: &[u8]| {
    let whole = stream::commands([bytes]);
    assert_eq!(whole, stream::commands(bytes.chunks(1)));
    assert_eq!(whole, stream::commands(bytes.chunks(13)));
});
