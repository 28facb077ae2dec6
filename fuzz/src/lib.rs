//! What the fuzz targets do with their bytes.
//!
//! It is apart from the targets because the ordinary test `corpus` of `procpool-wire` runs the same
//! modules over the kept corpus; so they use nothing but what that test has too.
#![forbid(unsafe_code)]

pub mod samples;
pub mod stream;
pub mod tree;
pub mod values;
