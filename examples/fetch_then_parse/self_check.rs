//! The checks of the default run.

use anyhow::{bail, ensure};
use procpool::{ProcessPool, TaskError};
use procpool_examples::workers_at_once;

use crate::corpus::{CRASHING, HANGING, PAGES};
use crate::parse;
use crate::report::{Outcome, Report};

/// Checks that every real page was parsed, that each bad one failed in its own way, and that the pool has
/// all of its workers.
pub(crate) async fn check(
    report: &Report,
    pool: &ProcessPool,
    workers: usize,
) -> anyhow::Result<()> {
    ensure!(
        report.rows.len() == PAGES.len() + 2,
        "{} rows",
        report.rows.len()
    );
    for row in &report.rows {
        match &row.outcome {
            Outcome::NotParsed(error) if row.url.ends_with(HANGING) => {
                ensure!(error.is_timed_out(), "{}: {error}", row.url);
            }
            Outcome::NotParsed(TaskError::WorkerExited(exit)) if row.url.ends_with(CRASHING) => {
                // How Rust's runtime ends a process whose stack overflows: SIGABRT.
                ensure!(exit.signal() == Some(6), "{}: {exit:?}", row.url);
            }
            Outcome::Parsed(contents) if !contents.title.is_empty() => {}
            other => bail!("{}: {other:?}", row.url),
        }
    }
    ensure!(
        report.parsed() == PAGES.len(),
        "{} pages parsed",
        report.parsed()
    );

    workers_at_once(pool, workers).await?;
    let contents = pool
        .run_in_process(parse::parse, "<title>After all</title>".to_owned())
        .await?;
    ensure!(
        contents.title == "After all",
        "the pool parses something else: {contents:?}"
    );
    Ok(())
}
