//! A task that is dropped is cancelled: not using it is nearly always a mistake.
#![deny(unused_must_use)]

/// With a second type of this name around, the compiler writes the path of the other. Without it,
/// whether it does depends on what else was compiled.
pub struct Task;

#[procpool::main]
async fn main() {
    procpool::run_in_process(|x: u64| x * x, 12);
}
