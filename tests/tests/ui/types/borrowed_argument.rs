//! A worker can't access the caller's stack, so arguments must be owned.

fn length(text: &str) -> usize {
    text.len()
}

#[procpool::main]
async fn main() {
    let text = String::from("text");
    let _ = procpool::run_in_process(length, &text);
}
