//! A task that is dropped is cancelled: not using it is nearly always a mistake.
#![deny(unused_must_use)]

#[procpool::main]
async fn main() {
    procpool::run_in_process(|x: u64| x * x, 12);
}
