//! Arguments are sent to another process, so they must be `Serialize`.

#[derive(serde::Deserialize)]
struct Page(String);

fn length(page: Page) -> usize {
    page.0.len()
}

#[procpool::main]
async fn main() {
    let _ = procpool::run_in_process(length, Page(String::new()));
}
