//! Results are sent back from another process, so they must be `DeserializeOwned`.

#[derive(serde::Serialize)]
struct Page(String);

fn page(text: String) -> Page {
    Page(text)
}

#[procpool::main]
async fn main() {
    let _ = procpool::run_in_process(page, String::new());
}
