//! Both macros work in crates that forbid `unsafe`. (`compile_fail.rs` compiles the expansion of the test,
//! since this file is not built as a test.)
#![forbid(unsafe_code)]
#![deny(warnings)]

#[procpool::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = procpool::run_in_process(|x: u64| x * x, 12).await?;
    assert_eq!(answer, 144);
    Ok(())
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_built() {}
