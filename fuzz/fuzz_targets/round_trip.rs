//! A value grown from the bytes, there and back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use procpool_fuzz::tree;

fuzz_target!(|bytes: &[u8]| tree::comes_back(bytes));
