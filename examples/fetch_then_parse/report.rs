//! The report about all pages.

use std::fmt;
use std::time::Duration;

use procpool::TaskError;
use procpool_examples::{Align, Table};

use crate::parse::Contents;

/// Longer titles are cut, so that a row is one line.
const TITLE_WIDTH: usize = 48;

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) total: Duration,
    pub(crate) workers: usize,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) url: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Parsed(Contents),
    NotFetched(anyhow::Error),
    NotParsed(TaskError),
}

impl Report {
    /// Returns the number of parsed pages.
    pub(crate) fn parsed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| matches!(row.outcome, Outcome::Parsed(_)))
            .count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&[
            ("URL", Align::Left),
            ("TITLE", Align::Left),
            ("LINKS", Align::Right),
            ("WORDS", Align::Right),
            ("TIME", Align::Right),
        ]);
        for row in &self.rows {
            let url = row.url.clone();
            match &row.outcome {
                Outcome::Parsed(contents) => table.push([
                    url,
                    cut(&contents.title, TITLE_WIDTH),
                    contents.links.to_string(),
                    contents.words.to_string(),
                    format!("{:.1} ms", contents.time.as_secs_f64() * 1e3),
                ]),
                Outcome::NotFetched(error) => table.push_with_note([url], one_line(error)),
                Outcome::NotParsed(error) => table.push_with_note([url], failure(error)),
            }
        }
        let (pages, parsed, seconds) = (self.rows.len(), self.parsed(), self.total.as_secs_f64());
        let (failed, rate) = (pages - parsed, pages as f64 / seconds);
        write!(
            f,
            "{table}\npages: {pages}, ok: {parsed}, failed: {failed}; "
        )?;
        writeln!(
            f,
            "{seconds:.2} s in all, {rate:.1} pages/s, workers: {}",
            self.workers
        )
    }
}

/// Kinds that matter to the reader have a name as in the code; the others show the error's message.
fn failure(error: &TaskError) -> String {
    let kind = match error {
        TaskError::TimedOut { .. } => "TimedOut",
        TaskError::WorkerExited(_) => "WorkerExited",
        TaskError::Panicked(_) => "Panicked",
        _ => "Failed",
    };
    format!("! {kind}: {error}")
}

/// Returns the error and its causes, without repetitions: reqwest reports the same cause in several layers.
fn one_line(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
    causes.dedup();
    format!("! {}", causes.join(": "))
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_row_for_each_page_and_a_summary() {
        let contents = Contents {
            title: "word ".repeat(20),
            links: 3,
            words: 20,
            time: Duration::from_micros(1500),
        };
        let fetched = Row {
            url: "http://a.example/".into(),
            outcome: Outcome::Parsed(contents),
        };
        let error = anyhow::anyhow!("refused").context("can't connect");
        let refused = Row {
            url: "http://b.example/".into(),
            outcome: Outcome::NotFetched(error),
        };
        let rows = vec![fetched, refused];
        let text = Report {
            rows,
            total: Duration::from_millis(500),
            workers: 2,
        }
        .to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].ends_with("word wo…      3     20  1.5 ms"),
            "{text}"
        );
        assert_eq!(lines[2], "http://b.example/  ! can't connect: refused");
        assert_eq!(
            lines[4],
            "pages: 2, ok: 1, failed: 1; 0.50 s in all, 4.0 pages/s, workers: 2"
        );
    }

    #[test]
    fn a_title_is_cut_between_characters() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer als", 6), "größe…");
    }
}
