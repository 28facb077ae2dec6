//! Fetches web pages concurrently and parses each in a worker process.
//!
//! It shows that network I/O stays in tokio, CPU work goes to the pool, and a page that breaks the
//! parser costs one row of the report instead of the program. `scraper` (html5ever) is a good parser;
//! still, one page of the default run keeps it busy for minutes, and another one overflows the stack, which
//! would end a program with threads. Here the first one times out, and the second one ends its worker.
//!
//! ```console
//! $ cargo run --release --example fetch_then_parse                  # its own server, real pages
//! $ cargo run --release --example fetch_then_parse -- https://example.org/ https://example.com/
//! $ cargo run --release --example fetch_then_parse -- --help
//! ```
//!
//! The path of a page: [`fetch::Client::fetch`] → the pool runs [`parse::parse`] → [`report::Row`].
#![forbid(unsafe_code)]

mod arguments;
mod corpus;
mod fetch;
mod parse;
mod report;
mod self_check;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use procpool::ProcessPool;

use crate::arguments::{Arguments, Command};
use crate::corpus::Corpus;
use crate::fetch::Client;
use crate::report::{Outcome, Report, Row};

/// The number of pages that are fetched at the same time.
const FETCHES: usize = 16;
/// The number of fetched pages that may wait for each worker; beyond that, fetching pauses.
const PAGES_PER_WORKER: usize = 4;

#[procpool::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(arguments)) => arguments,
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => {
            eprintln!("error: {error}\nTry --help.");
            return Ok(ExitCode::from(2));
        }
    };

    let pool = ProcessPool::builder().workers(arguments.workers).build()?;
    let parsed_something = if arguments.urls.is_empty() {
        let corpus = Corpus::serve()
            .await
            .context("the local server can't start")?;
        let report = fetch_and_parse(&pool, &arguments, corpus.urls()).await?;
        print!("{report}");
        self_check::check(&report, &pool, arguments.workers).await?;
        println!(
            "As it should be: both bad pages failed, all others were parsed, no worker is missing."
        );
        true
    } else {
        let report = fetch_and_parse(&pool, &arguments, arguments.urls.clone()).await?;
        print!("{report}");
        report.parsed() > 0
    };
    pool.shutdown().await;
    Ok(if parsed_something {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs both stages as one stream: a page is sent to the pool as soon as it has arrived.
async fn fetch_and_parse(
    pool: &ProcessPool,
    arguments: &Arguments,
    urls: Vec<String>,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let client = Client::new()?;
    let progress = progress_bar(urls.len());
    let limited = pool.with_timeout(arguments.timeout);

    let mut rows: Vec<(usize, Row)> = stream::iter(urls.into_iter().enumerate())
        .map(async |(place, url)| {
            let page = client.fetch(&url).await;
            (place, url, page)
        })
        .buffer_unordered(FETCHES)
        .map(async |(place, url, page)| {
            let outcome = match page {
                Err(error) => Outcome::NotFetched(error),
                Ok(html) => match limited.run_in_process(parse::parse, html).await {
                    Ok(contents) => Outcome::Parsed(contents),
                    Err(error) => Outcome::NotParsed(error),
                },
            };
            (place, Row { url, outcome })
        })
        .buffer_unordered(arguments.workers.saturating_mul(PAGES_PER_WORKER))
        .inspect(|_| progress.inc(1))
        .collect()
        .await;

    progress.finish_and_clear();
    rows.sort_by_key(|(place, _)| *place);
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Report {
        rows,
        total: started.elapsed(),
        workers: arguments.workers,
    })
}

/// Returns a progress bar on stderr; indicatif draws it only on a terminal.
fn progress_bar(pages: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pages, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(pages as u64).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
