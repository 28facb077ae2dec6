//! A local server with real pages, and two pages that break the parser.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The pages on which the parser hangs or crashes; it must not do so on any other.
pub(crate) const HANGING: &str = "/broken/hangs-the-parser.html";
pub(crate) const CRASHING: &str = "/broken/overflows-the-stack.html";

/// The server, which runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Corpus {
    address: SocketAddr,
    server: JoinHandle<std::io::Result<()>>,
}

impl Corpus {
    /// Starts the server on a free port of the loopback interface.
    pub(crate) async fn serve() -> std::io::Result<Self> {
        let routes = Router::new()
            .route("/sqlite/{name}", get(real_page))
            .route(HANGING, get(async || Html(hanging_page())))
            .route(CRASHING, get(async || Html(crashing_page())));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, server })
    }

    /// Returns the URLs of all pages. The bad ones are among the first, so the other pages are parsed meanwhile.
    pub(crate) fn urls(&self) -> Vec<String> {
        let mut paths: Vec<String> = PAGES
            .iter()
            .map(|(name, _)| format!("/sqlite/{name}.html"))
            .collect();
        paths.insert(2, HANGING.to_owned());
        paths.insert(6, CRASHING.to_owned());
        paths
            .iter()
            .map(|path| format!("http://{}{path}", self.address))
            .collect()
    }
}

impl Drop for Corpus {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn real_page(Path(name): Path<String>) -> Result<Html<&'static str>, StatusCode> {
    let stem = name.strip_suffix(".html").unwrap_or(&name);
    let page = PAGES.iter().find(|(name, _)| *name == stem);
    page.map(|(_, html)| Html(*html))
        .ok_or(StatusCode::NOT_FOUND)
}

/// A page of one megabyte that takes the parser minutes. At each `<div>` the HTML standard requires a
/// search for an open `<p>` through all open elements, and nothing limits their number.
pub(crate) fn hanging_page() -> String {
    format!(
        "<!DOCTYPE html><title>Deep divs</title>{}",
        "<div>".repeat(200_000)
    )
}

/// A deeply nested page. The parser is fast, since spans need no such search. But a recursive
/// function, such as [`crate::parse::parse`], overflows its stack.
pub(crate) fn crashing_page() -> String {
    format!(
        "<!DOCTYPE html><title>Deep spans</title>{}",
        "<span>".repeat(50_000)
    )
}

/// Declares the embedded pages by their names.
macro_rules! pages {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../corpus/sqlite/", $name, ".html")))),*]
    };
}

/// `../corpus/README.md` names their origin and licence.
pub(crate) static PAGES: [(&str, &str); 18] = pages![
    "index" "about" "arch" "atomiccommit" "changes" "copyright" "different" "famous" "foreignkeys"
    "fts5" "json1" "pragma" "queryplanner" "quirks" "serverless" "vdbe" "wal" "whentouse"
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Client;

    #[tokio::test]
    async fn every_page_comes_back_as_it_lies_in_the_corpus() {
        let corpus = Corpus::serve().await.unwrap();
        let client = Client::new().unwrap();
        for (name, html) in PAGES {
            let url = format!("http://{}/sqlite/{name}.html", corpus.address);
            assert_eq!(client.fetch(&url).await.unwrap(), html, "{url}");
        }
        assert_eq!(corpus.urls().len(), PAGES.len() + 2);
        for url in corpus.urls() {
            client.fetch(&url).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_unknown_page_is_not_found() {
        let corpus = Corpus::serve().await.unwrap();
        let url = format!("http://{}/sqlite/nothing.html", corpus.address);
        let error = Client::new().unwrap().fetch(&url).await.unwrap_err();
        assert_eq!(error.to_string(), "HTTP 404 Not Found");
    }
}
