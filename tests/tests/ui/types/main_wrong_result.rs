//! Errors in the body have their own location and the compiler's message.

#[procpool::main]
async fn main() -> Result<(), String> {
    println!("no result");
}
