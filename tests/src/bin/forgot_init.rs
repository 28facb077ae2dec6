//! A program without `procpool::init()`. It notes each run of its `main` in the file that its argument
//! names.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let runs = std::env::args().nth(1).ok_or("where to note the runs")?;
    let mut runs = File::options().append(true).create(true).open(runs)?;
    writeln!(runs, "{}", std::process::id())?;
    let refused = procpool::blocking::ProcessPool::new();
    println!("{}", refused.err().ok_or("a blocking pool was built")?);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let refused = procpool::ProcessPool::new();
        println!("{}", refused.err().ok_or("a pool was built")?);
        let task = procpool::run_in_process(|x: u64| x * 2, 21).await;
        let error = task.err().ok_or("a task ran")?;
        println!("{error}: {}", error.source().ok_or("for no reason")?);
        Ok(())
    })
}
