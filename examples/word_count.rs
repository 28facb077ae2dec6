//! Words of a corpus, counted by map and reduce.
//!
//! What it shows: `map` counts the words of each text in a worker, and gives the counts as they come; to
//! reduce is to add them up, while the workers are at the next texts. The texts differ much in
//! length, and that needs no thought: a worker that is done gets the next one.
//!
//! ```console
//! $ cargo run --release --example word_count                 # SQLite's documentation
//! $ cargo run --release --example word_count -- FILE...      # HTML by its name, or else plain text
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

/// How often each word stands in a text.
type Counts = HashMap<String, u64>;

/// So many words are shown.
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

/// Map and reduce. The first file that can't be read ends it, and cancels what is left.
async fn count_all(pool: &ProcessPool, files: Vec<PathBuf>) -> anyhow::Result<Counts> {
    pool.map(count, files)
        // In which order they are added up is all the same.
        .unordered()
        .map_err(anyhow::Error::from)
        .and_then(async |counts| counts.map_err(anyhow::Error::msg))
        .try_fold(Counts::new(), async |sum, counts| Ok(add(sum, counts)))
        .await
}

/// Runs in a worker: the map.
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

/// The reduce: what there is of both.
fn add(mut sum: Counts, counts: Counts) -> Counts {
    for (word, count) in counts {
        *sum.entry(word).or_default() += count;
    }
    sum
}

/// What a reader sees of a page.
fn text_of(html: &str) -> String {
    let unseen = Selector::parse("script, style").expect("the selector is valid");
    let mut page = Html::parse_document(html);
    let unseen: Vec<_> = page.select(&unseen).map(|element| element.id()).collect();
    for id in unseen {
        if let Some(mut element) = page.tree.get_mut(id) {
            element.detach();
        }
    }
    // Words of neighbouring elements don't run together.
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

/// The pages of the corpus; whose they are, `corpus/README.md` says.
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

/// What many processes counted together is what one counts by itself, and what is known of the corpus.
fn check(corpus: &[PathBuf], counts: &Counts) -> anyhow::Result<()> {
    ensure!(corpus.len() == PAGES, "{} pages", corpus.len());
    let mut alone = Counts::new();
    for file in corpus {
        alone = add(alone, count(file.clone()).map_err(anyhow::Error::msg)?);
    }
    ensure!(*counts == alone, "one process counts otherwise");
    for (word, expected) in KNOWN {
        let found = counts.get(word).copied().unwrap_or(0);
        ensure!(found == expected, "{word}: {found}, not {expected}");
    }
    let all: u64 = counts.values().sum();
    ensure!(all == ALL_WORDS, "{all} words");
    println!("One process counts the same, and so did another program.");
    Ok(())
}

/// Of the corpus, and of some words in it as another program counted them, with another HTML parser.
const PAGES: usize = 18;
const ALL_WORDS: u64 = 127_027;
const KNOWN: [(&str, u64); 3] = [("the", 9_428), ("sqlite", 930), ("serverless", 25)];
