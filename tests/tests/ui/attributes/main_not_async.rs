#[procpool::main]
fn main() {
    println!("nothing to await");
}
