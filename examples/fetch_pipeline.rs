//! A pipeline of streams that fetches, parses and reports, with backpressure between its stages.
//!
//! It shows `map_in_process`, which turns a stream of pages into a stream of what the workers found in
//! them, in the same order. A page is sent to a worker as soon as it arrives. The stage holds a limited
//! number of pages: while one page keeps its worker busy until the time limit, the network waits too,
//! and memory stays constant. The pages and the parser are those of `fetch_then_parse`.
//!
//! ```console
//! $ cargo run --release --example fetch_pipeline
//! ```
#![forbid(unsafe_code)]

#[path = "fetch_then_parse/corpus.rs"]
mod corpus;
#[path = "fetch_then_parse/fetch.rs"]
mod fetch;
#[path = "fetch_then_parse/parse.rs"]
mod parse;

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures::{Stream, StreamExt as _, stream};
use procpool::{ProcessPool, ProcessStreamExt as _, TaskError};
use procpool_examples::{Align, Table};

use crate::corpus::{CRASHING, Corpus, HANGING, PAGES};
use crate::fetch::Client;
use crate::parse::{Contents, parse};

const WORKERS: usize = 2;
/// The number of pages that are fetched at the same time.
const FETCHES: usize = 3;
/// The greatest number of pages that workers parse, or that wait for a worker or for the report.
const BUFFER: usize = 5;
/// The time limit for parsing one page.
const LIMIT: Duration = Duration::from_secs(2);

#[procpool::main]
async fn main() -> anyhow::Result<()> {
    let pool = ProcessPool::builder().workers(WORKERS).build()?;
    let corpus = Corpus::serve().await.context("no local server")?;
    let client = Client::new()?;
    let stock = Stock::default();

    // The pipeline.
    let contents: Vec<Result<Contents, TaskError>> = pages(&client, corpus.urls(), &stock)
        .map_in_process(&pool.with_timeout(LIMIT), parse)
        .buffer(BUFFER)
        .inspect(|_| stock.take())
        .collect()
        .await;

    let fetched = stock.fetched.take();
    let rows: Vec<_> = fetched.iter().zip(&contents).collect();
    print!("{}", table(&rows));
    check(&rows)?;
    // The pages that were fetched and not reported were in one of the two stages.
    let (most, room) = (stock.most.get(), FETCHES + BUFFER);
    println!("No more than {most} pages were in the pipeline at one time; it has room for {room}.");
    ensure!(most <= room, "{most} pages were in the pipeline");
    pool.shutdown().await;
    Ok(())
}

/// Returns the pages in the order of their URLs. Reports a page that can't be fetched and omits it.
fn pages(client: &Client, urls: Vec<String>, stock: &Stock) -> impl Stream<Item = String> {
    stream::iter(urls)
        .map(async |url| {
            let page = client.fetch(&url).await;
            stock.put();
            (url, page)
        })
        .buffered(FETCHES)
        .filter_map(|(url, page)| {
            ready(match page {
                Ok(page) => {
                    stock.fetched.borrow_mut().push(url);
                    Some(page)
                }
                Err(error) => {
                    stock.take();
                    eprintln!("{url}: {error:#}");
                    None
                }
            })
        })
}

/// The pages in the pipeline.
#[derive(Debug, Default)]
struct Stock {
    now: Cell<usize>,
    most: Cell<usize>,
    /// The URLs of the pages that were sent to the workers, in that order.
    fetched: RefCell<Vec<String>>,
}

impl Stock {
    fn put(&self) {
        self.now.set(self.now.get() + 1);
        self.most.set(self.most.get().max(self.now.get()));
    }

    fn take(&self) {
        self.now.set(self.now.get() - 1);
    }
}

fn table(rows: &[(&String, &Result<Contents, TaskError>)]) -> Table {
    let mut table = Table::new(&[
        ("URL", Align::Left),
        ("LINKS", Align::Right),
        ("WORDS", Align::Right),
    ]);
    for (url, result) in rows {
        let url = String::clone(url);
        match result {
            Ok(contents) => {
                table.push([url, contents.links.to_string(), contents.words.to_string()])
            }
            Err(error) => table.push_with_note([url], format!("! {error}")),
        }
    }
    table
}

/// Checks that each result is what the parser finds in this process, and that the two bad pages failed.
fn check(rows: &[(&String, &Result<Contents, TaskError>)]) -> anyhow::Result<()> {
    ensure!(rows.len() == PAGES.len() + 2, "{} rows", rows.len());
    for (url, result) in rows {
        match result {
            Err(error) if url.ends_with(HANGING) => ensure!(error.is_timed_out(), "{error}"),
            Err(error) if url.ends_with(CRASHING) => ensure!(error.is_worker_exited(), "{error}"),
            Ok(found) => {
                let page = PAGES
                    .iter()
                    .find(|(name, _)| url.ends_with(&format!("/{name}.html")));
                let (_, html) = page.with_context(|| format!("{url}: no such page"))?;
                let Contents {
                    title,
                    links,
                    words,
                    ..
                } = parse((*html).to_owned());
                let same = (title, links, words);
                ensure!(
                    same == (found.title.clone(), found.links, found.words),
                    "{url}: {found:?}"
                );
            }
            Err(error) => bail!("{url}: {error}"),
        }
    }
    Ok(())
}
