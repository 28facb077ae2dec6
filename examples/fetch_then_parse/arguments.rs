//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lexopt::{Arg, Parser, ValueExt as _};
use reqwest::Url;

pub(crate) const HELP: &str = "\
Fetches web pages and parses each in a worker process.

Usage: fetch_then_parse [OPTIONS] [URL]...

Without a URL it serves itself eighteen real pages and two that break the parser,
and checks its own outcome.

Options:
  --workers N      worker processes (default: one for each processor)
  --timeout SECS   how long one page may be parsed (default: 2)
  --help           show this

A page that can't be fetched or parsed is a row of the report. Exit status: 0 when a page was
parsed, 1 when none was or the default run did not go as it should, 2 for bad arguments.
";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
/// More workers than this are probably a typing error.
const MOST_WORKERS: usize = 1024;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Run(Arguments),
    Help,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) urls: Vec<String>,
    pub(crate) workers: usize,
    pub(crate) timeout: Duration,
}

impl Arguments {
    /// Parses the arguments after the program's name.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Command> {
        let mut urls = Vec::new();
        let mut workers = None;
        let mut timeout = DEFAULT_TIMEOUT;

        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
                Arg::Long("workers") => workers = Some(parse_workers(&parser.value()?.string()?)?),
                Arg::Long("timeout") => timeout = parse_timeout(&parser.value()?.string()?)?,
                Arg::Value(value) => urls.push(parse_url(&value.string()?)?),
                other => return Err(other.unexpected().into()),
            }
        }
        let workers = match workers {
            Some(workers) => workers,
            None => std::thread::available_parallelism()?.get(),
        };
        Ok(Command::Run(Self {
            urls,
            workers,
            timeout,
        }))
    }
}

fn parse_workers(text: &str) -> anyhow::Result<usize> {
    match text.parse() {
        Ok(workers @ 1..=MOST_WORKERS) => Ok(workers),
        _ => bail!("--workers takes a number from 1 to {MOST_WORKERS}, not '{text}'"),
    }
}

fn parse_timeout(text: &str) -> anyhow::Result<Duration> {
    let timeout = text
        .parse()
        .ok()
        .and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    match timeout {
        Some(timeout) if !timeout.is_zero() => Ok(timeout),
        _ => bail!("--timeout takes a number of seconds above 0, not '{text}'"),
    }
}

fn parse_url(text: &str) -> anyhow::Result<String> {
    let url = Url::parse(text).with_context(|| format!("'{text}' is no URL"));
    // The error of an argument is one line.
    let url = url.map_err(|error| anyhow::anyhow!("{error:#}"))?;
    match url.scheme() {
        "http" | "https" => Ok(text.to_owned()),
        other => bail!("'{text}': can't fetch by {other}, only by http or https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        let arguments = arguments.iter().map(OsString::from);
        Arguments::parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn urls_and_options_are_taken_in_any_order() {
        let expected = Arguments {
            urls: vec![
                "http://a.example/".to_owned(),
                "https://b.example/x?y".to_owned(),
            ],
            workers: 3,
            timeout: Duration::from_millis(500),
        };
        let line = [
            "http://a.example/",
            "--workers=3",
            "https://b.example/x?y",
            "--timeout",
            "0.5",
        ];
        assert_eq!(parse(&line), Ok(Command::Run(expected)));
        assert_eq!(parse(&["--workers", "2", "--help"]), Ok(Command::Help));
    }

    #[test]
    fn without_arguments_there_are_defaults() {
        let Ok(Command::Run(arguments)) = parse(&[]) else {
            panic!("defaults are refused")
        };
        assert!(arguments.urls.is_empty() && arguments.workers >= 1);
        assert_eq!(arguments.timeout, DEFAULT_TIMEOUT);
    }

    #[test]
    fn bad_input_is_named_in_the_error() {
        for (line, named) in [
            (["--workers", "0"], "'0'"),
            (["--workers", "two"], "'two'"),
            (["--workers", "1000000"], "'1000000'"),
            (["--timeout", "0"], "'0'"),
            (["--timeout", "-1"], "'-1'"),
            (["--timeout", "NaN"], "'NaN'"),
            (["--timeout", "inf"], "'inf'"),
            (["--frob", "1"], "--frob"),
            (["http://ok.example/", "example.org"], "'example.org'"),
            (["http://ok.example/", "file:///etc/hostname"], "file"),
            (["http://ok.example/", "http://"], "'http://'"),
        ] {
            let error = parse(&line).unwrap_err();
            assert!(
                error.contains(named) && !error.contains('\n'),
                "{line:?}: {error}"
            );
        }
        assert!(parse(&["--workers"]).unwrap_err().contains("--workers"));
    }
}
