//! A program that doubles numbers in a worker. Each line of its input is a number; a line of its output is
//! the result or an error. The line `die` kills the worker.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{BufRead, stdin};

fn main() -> Result<(), Box<dyn Error>> {
    procpool::init();
    run()
}

#[tokio::main]
async fn run() -> Result<(), Box<dyn Error>> {
    let pool = procpool::ProcessPool::builder().workers(1).build()?;
    for line in stdin().lock().lines() {
        let line = line?;
        let done = match line.as_str() {
            "die" => pool.run_in_process(die, ()).await,
            number => pool.run_in_process(double, number.parse()?).await,
        };
        match done {
            Ok(double) => println!("{double}"),
            Err(error) => println!("{error}"),
        }
    }
    pool.shutdown().await;
    Ok(())
}

fn double(x: u64) -> u64 {
    x * 2
}

fn die((): ()) -> u64 {
    std::process::exit(13)
}
