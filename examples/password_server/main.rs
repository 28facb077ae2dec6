//! A web server that hashes passwords, with deadlines, load shedding and a graceful shutdown.
//!
//! A good password hash takes tens of milliseconds of a processor and megabytes of memory on purpose. So
//! it must run neither in tokio's threads nor in as many other threads as there are requests. Here a
//! few workers hash, a few more requests may wait, and further ones are told at once to come back
//! later. A hash that takes too long is killed, and so is one whose client has disconnected.
//!
//! ```console
//! $ cargo run --release --example password_server                           # with a client of its own
//! $ cargo run --release --example password_server -- --listen 127.0.0.1:8080
//! $ curl --json '{"name": "ada", "password": "tea at five"}' http://127.0.0.1:8080/accounts
//! $ curl --json '{"name": "ada", "password": "tea at five"}' http://127.0.0.1:8080/login
//! ```
//!
//! The path of a login: [`server`] finds the account's hash → [`hashing::Hasher`] gets a place in the
//! pool or refuses → a worker runs [`hashing::verify`].
#![forbid(unsafe_code)]

mod accounts;
mod hashing;
mod self_check;
mod server;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::hashing::Hasher;
use crate::server::Server;

const WORKERS: usize = 2;

#[procpool::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => self_check::run().await?,
        ["--listen", address] => {
            let address: SocketAddr = address.parse().context("--listen takes ADDRESS:PORT")?;
            let listener = TcpListener::bind(address).await?;
            println!("http://{}, until Ctrl-C", listener.local_addr()?);
            let server = Arc::new(Server::new(Hasher::start(WORKERS)?).await?);
            serve(listener, server, async {
                // Without a signal handler the server ends anyway, but not gracefully.
                let _ = tokio::signal::ctrl_c().await;
            })
            .await?;
        }
        _ => {
            eprintln!("usage: password_server [--listen ADDRESS:PORT]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves until `stop`, and then until every accepted request is answered.
async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    // The connections end first, then the requests, then the workers.
    axum::serve(listener, server::routes(Arc::clone(&server)))
        .with_graceful_shutdown(stop)
        .await?;
    server.hasher().shutdown().await;
    Ok(())
}

/// Listens on a free port of the loopback interface.
async fn any_port() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}
