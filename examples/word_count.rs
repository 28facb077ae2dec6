//! Counts the words of a corpus by map and reduce.
//!
//! It shows `map`: workers count the words of each text, and this process adds up the counts as they
//! arrive, while the workers count the next texts. The texts differ much in length; that needs no
//! tuning, since an idle worker gets the next text.
//!
//! ```console
//! $ cargo run --release --example word_count                 # SQLite's documentation
//! $ cargo run --release --example word_count -- FILE...      # HTML files by their names, others as text
//! ```
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use procpool::ProcessPool;
use procpool_examples::{Align, Table};
use scraper::{Html, Selector};

/// How often each word occurs in a text.
type Counts = HashMap<String, u64>;

/// The number of words that are shown.
const MOST_FREQUENT: usize = 12;

#[procpool::main]
async fn main() -> anyhow::Result<ExitCode> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let pool = ProcessPool::new()?;
    if files.is_empty() {
        let corpus = corpus()?;
        let counts = count_all(&pool, corpus.clone()).await?;
        print!("{}", table(&counts));
        check(&corpus, &counts)?;
    } else {
        print!("{}", table(&count_all(&pool, files).await?));
    }
    pool.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Maps and reduces. The first file that can't be read ends the count and cancels the rest.
async fn count_all(pool: &ProcessPool, files: Vec<PathBuf>) -> anyhow::Result<Counts> {
    pool.map(count, files)
        // The order of the counts does not matter.
        .unordered()
        .map_err(anyhow::Error::from)
        .and_then(async |counts| counts.map_err(anyhow::Error::msg))
        .try_fold(Counts::new(), async |sum, counts| Ok(add(sum, counts)))
        .await
}

/// Counts the words of one file; runs in a worker.
fn count(file: PathBuf) -> Result<Counts, String> {
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let is_html = file
        .extension()
        .is_some_and(|extension| extension == "html");
    let text = if is_html { text_of(&text) } else { text };
    let mut counts = Counts::new();
    for word in words(&text) {
        *counts.entry(word).or_default() += 1;
    }
    Ok(counts)
}

/// Adds up two counts.
fn add(mut sum: Counts, counts: Counts) -> Counts {
    for (word, count) in counts {
        *sum.entry(word).or_default() += count;
    }
    sum
}

/// Returns the visible text of a page.
fn text_of(html: &str) -> String {
    let unseen = Selector::parse("script, style").expect("the selector is valid");
    let mut page = Html::parse_document(html);
    let unseen: Vec<_> = page.select(&unseen).map(|element| element.id()).collect();
    for id in unseen {
        if let Some(mut element) = page.tree.get_mut(id) {
            element.detach();
        }
    }
    // Words of neighbouring elements must not be joined.
    page.root_element().text().collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn table(counts: &Counts) -> Table {
    let mut table = Table::new(&[("WORD", Align::Left), ("COUNT", Align::Right)]);
    let mut ranked: Vec<(&String, &u64)> = counts.iter().collect();
    ranked.sort_by_key(|(word, count)| (Reverse(*count), *word));
    for (word, count) in ranked.into_iter().take(MOST_FREQUENT) {
        table.push([word.clone(), count.to_string()]);
    }
    let (all, different) = (counts.values().sum::<u64>(), counts.len());
    table.push_with_note([], format!("{all} words, {different} different ones"));
    table
}

/// Returns the pages of the corpus; `corpus/README.md` names their authors.
fn corpus() -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/sqlite");
    let entries = fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    let paths: Vec<PathBuf> = paths.collect::<anyhow::Result<_>>()?;
    Ok(paths
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "html")
        })
        .collect())
}

/// Checks that a single process counts the same, and that known counts are right.
fn check(corpus: &[PathBuf], counts: &Counts) -> anyhow::Result<()> {
    ensure!(corpus.len() == PAGES, "{} pages", corpus.len());
    let mut alone = Counts::new();
    for file in corpus {
        alone = add(alone, count(file.clone()).map_err(anyhow::Error::msg)?);
    }
    ensure!(*counts == alone, "a single process counts differently");
    for (word, expected) in KNOWN {
        let found = counts.get(word).copied().unwrap_or(0);
        ensure!(found == expected, "{word}: {found}, not {expected}");
    }
    let all: u64 = counts.values().sum();
    ensure!(all == ALL_WORDS, "{all} words");
    println!("A single process, and another program, count the same.");
    Ok(())
}

/// The number of words in the corpus, and of some of them, as another program with another HTML parser counted.
const PAGES: usize = 18;
const ALL_WORDS: u64 = 127_027;
const KNOWN: [(&str, u64); 3] = [("the", 9_428), ("sqlite", 930), ("serverless", 25)];
