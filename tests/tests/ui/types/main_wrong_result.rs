//! The body's mistakes are told at their place, in the compiler's words.

#[procpool::main]
async fn main() -> Result<(), String> {
    println!("no result");
}
