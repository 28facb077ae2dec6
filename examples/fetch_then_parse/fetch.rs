//! Fetching pages from the network, with limits.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// The greatest length of a page.
const MOST_BYTES: usize = 16 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    pub(crate) fn new() -> anyhow::Result<Self> {
        // ring needs only a C compiler, unlike reqwest's default. An error means that a provider is
        // already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent("procpool-example")
                .connect_timeout(Duration::from_secs(10))
                .timeout(Duration::from_secs(30))
        };
        // Without root certificates this machine can still fetch by http; a page by https then fails
        // alone.
        let client = builder()
            .build()
            .or_else(|_| builder().tls_certs_only([]).build());
        Ok(Self(client.context("the HTTP client can't start")?))
    }

    /// Fetches the page at `url`, which must have a status of success, be UTF-8 and not too long.
    pub(crate) async fn fetch(&self, url: &str) -> anyhow::Result<String> {
        // The report already shows the URL.
        let response = self
            .0
            .get(url)
            .send()
            .await
            .map_err(reqwest::Error::without_url)?;
        ensure!(response.status().is_success(), "HTTP {}", response.status());
        let body = body_up_to(MOST_BYTES, response).await?;
        String::from_utf8(body).context("the page is not UTF-8")
    }
}

/// Stops reading when the page is too long, whatever length the server announced.
async fn body_up_to(limit: usize, mut response: reqwest::Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)?
    {
        if body.len() + chunk.len() > limit {
            bail!("the page is longer than {limit} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Returns the outcome of fetching if the server answers with these bytes.
    async fn fetch_answer(answer: Vec<u8>) -> anyhow::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let _request = stream.read(&mut [0; 4096]).await?;
            // The client may have disconnected before.
            let _ = stream.write_all(&answer).await;
            stream.shutdown().await
        });
        let page = Client::new()?.fetch(&url).await;
        server.abort();
        page
    }

    fn answer(body: &[u8]) -> Vec<u8> {
        [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", body].concat()
    }

    #[tokio::test]
    async fn a_page_of_the_full_length_is_taken_and_one_byte_more_is_not() {
        let page = fetch_answer(answer(&vec![b'x'; MOST_BYTES])).await.unwrap();
        assert_eq!(page.len(), MOST_BYTES);
        let error = fetch_answer(answer(&vec![b'x'; MOST_BYTES + 1]))
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("longer than 16777216 bytes"),
            "{error:#}"
        );
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_an_error() {
        let error = fetch_answer(answer(b"\xff\xfe")).await.unwrap_err();
        assert!(error.to_string().contains("not UTF-8"), "{error:#}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_an_error() {
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec();
        assert!(fetch_answer(cut).await.is_err());
        assert!(fetch_answer(Vec::new()).await.is_err());
    }

    #[tokio::test]
    async fn nobody_at_the_address_is_an_error() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let error = Client::new().unwrap().fetch(&url).await.unwrap_err();
        assert!(format!("{error:#}").contains("refused"), "{error:#}");
    }
}
