//! A closure with captures is no `fn(A) -> R`: the captured values would not exist in the worker.

#[procpool::main]
async fn main() {
    let factor = 3;
    let _ = procpool::run_in_process(|x: u64| x * factor, 14);
}
