//! A program whose `main` has the attribute, with an argument and a `Result`. It doubles the number in its
//! argument.
#![forbid(unsafe_code)]

use std::error::Error;

use tokio::runtime::{Handle, RuntimeFlavor};

#[procpool::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    assert_eq!(
        Handle::current().runtime_flavor(),
        RuntimeFlavor::CurrentThread
    );
    let number = std::env::args().nth(1).ok_or("which number?")?;
    let double = procpool::run_in_process(|x: u64| x * 2, number.parse()?).await?;
    println!("{double}");
    Ok(())
}
