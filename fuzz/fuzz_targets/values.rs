//! Any bytes as arguments and results of many types.
#![no_main]

use libfuzzer_sys::fuzz_target;
use procpool_fuzz::values;

fuzz_target!(|bytes: &[u8]| values::decode_as_everything(bytes));
