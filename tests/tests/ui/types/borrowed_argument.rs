//! A worker has no access to the caller's stack: arguments are owned.

fn length(text: &str) -> usize {
    text.len()
}

#[procpool::main]
async fn main() {
    let text = String::from("text");
    let _ = procpool::run_in_process(length, &text);
}
