//! `workers` is an option of the pool's builder; the macro takes tokio's arguments.

#[procpool::main(workers = 4)]
async fn main() {}
