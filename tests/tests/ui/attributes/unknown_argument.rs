//! `workers` is asked of a pool's builder; the macro's arguments are those of tokio's.

#[procpool::main(workers = 4)]
async fn main() {}
