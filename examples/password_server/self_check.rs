//! The default run: a client that checks the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::hashing::{Hasher, Load, WAITING_PER_WORKER};
use crate::server::{Credentials, Server};
use crate::{WORKERS, any_port, serve};

/// More logins than the workers and the queue can hold.
const BURST: usize = 64;
/// A time that only a bug exceeds.
const PATIENCE: Duration = Duration::from_secs(60);

/// An account from elsewhere, whose hash costs four million passes: far more than any deadline
/// allows.
const COSTLY: (&str, &str) = (
    "costly",
    "$argon2id$v=19$m=1024,t=4000000,p=1$c29tZXNhbHRzb21lc2FsdA$\
     q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k",
);

pub(crate) async fn run() -> anyhow::Result<()> {
    let listener = any_port().await?;
    let client = Client::new(listener.local_addr()?)?;
    let server = Arc::new(Server::new(Hasher::start(WORKERS)?).await?);
    let (name, hash) = COSTLY;
    ensure!(server.accounts().insert(name.to_owned(), hash.to_owned()));
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(listener, server, async {
        let _ = stopped.await;
    }));

    passwords(&client).await?;
    overload(&client).await?;
    hang_up(&client).await?;
    graceful_shutdown(&client, stop).await?;

    timeout(PATIENCE, serving)
        .await
        .context("it keeps serving")???;
    let refused = client.load().await;
    ensure!(refused.is_err(), "it keeps answering: {refused:?}");
    println!("shutdown: no answer is missing, and no connection is accepted any more");
    Ok(())
}

async fn passwords(client: &Client) -> anyhow::Result<()> {
    let created = client.post("accounts", "ada", "tea at five").await?;
    ensure!(created == StatusCode::CREATED, "{created}");
    let taken = client.post("accounts", "ada", "mine!").await?;
    ensure!(taken == StatusCode::CONFLICT, "{taken}");
    for (name, password, expected) in [
        ("ada", "tea at five", StatusCode::NO_CONTENT),
        ("ada", "tea at six", StatusCode::UNAUTHORIZED),
        ("nobody", "tea at five", StatusCode::UNAUTHORIZED),
        ("nobody", "", StatusCode::UNAUTHORIZED),
    ] {
        let status = client.post("login", name, password).await?;
        ensure!(status == expected, "{name}, {password:?}: {status}");
    }
    println!("passwords: only the right one is accepted");
    Ok(())
}

/// Keeps both workers busy with endless hashes. Some of the next logins may wait; the others are
/// refused at once. After the deadline the workers are free again.
async fn overload(client: &Client) -> anyhow::Result<()> {
    let before = client.load().await?;
    let costly = client.logins(COSTLY.0, WORKERS);
    client
        .until("both workers are busy", |load| {
            load.accepted == before.accepted + WORKERS as u64
        })
        .await?;
    let mut burst = client.logins("ada", BURST).join_all().await;
    let costly = costly.join_all().await;
    let after = client.load().await?;

    let mut answers: BTreeMap<StatusCode, usize> = BTreeMap::new();
    for status in burst.drain(..) {
        *answers.entry(status?).or_default() += 1;
    }
    println!("overload: {BURST} logins at once gave {answers:?}");
    let count = |status| answers.get(&status).copied().unwrap_or(0);
    let (shed, served) = (
        count(StatusCode::SERVICE_UNAVAILABLE),
        count(StatusCode::NO_CONTENT),
    );
    ensure!(shed + served == BURST, "{answers:?}");
    ensure!(shed > 0, "no login was refused");
    ensure!(served >= WORKERS * WAITING_PER_WORKER, "{answers:?}");
    ensure!(after.shed == before.shed + shed as u64, "{after:?}");
    for status in costly {
        let status = status?;
        ensure!(status == StatusCode::GATEWAY_TIMEOUT, "{status}");
    }
    ensure!(
        after.timed_out == before.timed_out + WORKERS as u64,
        "{after:?}"
    );
    println!("deadline: {WORKERS} hashes took too long and were killed");
    Ok(())
}

/// Checks that a client that disconnects costs nothing more.
async fn hang_up(client: &Client) -> anyhow::Result<()> {
    let before = client.load().await?;
    let costly = client.logins(COSTLY.0, 1);
    client
        .until("the hash is accepted", |load| {
            load.accepted == before.accepted + 1
        })
        .await?;
    drop(costly);
    let after = client
        .until("its client has hung up", |load| load.unanswered == 0)
        .await?;
    ensure!(after.timed_out == before.timed_out, "the deadline passed");
    println!("disconnect: the hash of a client that disconnected was cancelled");
    Ok(())
}

/// Checks that logins that wait behind endless hashes are still answered after the stop, if they were
/// accepted before it.
async fn graceful_shutdown(client: &Client, stop: oneshot::Sender<()>) -> anyhow::Result<()> {
    let before = client.load().await?;
    let costly = client.logins(COSTLY.0, WORKERS);
    let all_wait = |count: usize| move |load: Load| load.accepted == before.accepted + count as u64;
    client
        .until("both workers are busy", all_wait(WORKERS))
        .await?;
    let waiting = client.logins("ada", WORKERS);
    client.until("all wait", all_wait(2 * WORKERS)).await?;
    stop.send(())
        .ok()
        .context("the server has stopped before")?;

    let (waiting, costly) = (waiting.join_all().await, costly.join_all().await);
    for (statuses, expected) in [
        (waiting, StatusCode::NO_CONTENT),
        (costly, StatusCode::GATEWAY_TIMEOUT),
    ] {
        for status in statuses {
            let status = status?;
            ensure!(status == expected, "{status}, not {expected}");
        }
    }
    Ok(())
}

#[derive(Debug, Clone)]
struct Client {
    http: reqwest::Client,
    address: SocketAddr,
}

impl Client {
    fn new(address: SocketAddr) -> anyhow::Result<Self> {
        // This client uses plain HTTP on this machine only, but reqwest requires a TLS provider. An error
        // means that one is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        Ok(Self { http, address })
    }

    async fn post(&self, path: &str, name: &str, password: &str) -> anyhow::Result<StatusCode> {
        let credentials = Credentials {
            name: name.to_owned(),
            password: password.to_owned(),
        };
        let url = format!("http://{}/{path}", self.address);
        let request = self.http.post(url).json(&credentials);
        Ok(request.send().await?.status())
    }

    /// Sends many requests at the same time; dropping the future disconnects them.
    fn logins(&self, name: &'static str, count: usize) -> JoinSet<anyhow::Result<StatusCode>> {
        (0..count)
            .map(|_| {
                let client = self.clone();
                async move { client.post("login", name, "tea at five").await }
            })
            .collect()
    }

    async fn load(&self) -> anyhow::Result<Load> {
        let url = format!("http://{}/load", self.address);
        Ok(self.http.get(url).send().await?.json().await?)
    }

    /// Polls the statistics until they are as expected.
    async fn until(&self, what: &str, is_so: impl Fn(Load) -> bool) -> anyhow::Result<Load> {
        let asking = async {
            loop {
                let load = self.load().await?;
                if is_so(load) {
                    return anyhow::Ok(load);
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, asking)
            .await
            .with_context(|| format!("no such statistics: {what}"))?
    }
}
