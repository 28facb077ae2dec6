//! A dropped task is cancelled, so not using it is nearly always a mistake.
#![deny(unused_must_use)]

/// With a second type of this name, the compiler always prints the path of procpool's. Without it,
/// that depends on the other crates in the build.
pub struct Task;

#[procpool::main]
async fn main() {
    procpool::run_in_process(|x: u64| x * x, 12);
}
