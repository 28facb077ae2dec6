//! Loads a model once in each worker, and uses it in every task of that worker.
//!
//! It shows an initializer, whose state is expensive to create and can't be sent between processes, and
//! `map_with_state`, which passes the state to each call. The state is a naive Bayes classifier that is
//! trained on pages of SQLite's documentation. It tells from which page a paragraph is. Every fifth
//! paragraph is not used for training but as a question.
//!
//! ```console
//! $ cargo run --release --example model_state
//! ```
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use futures::future::try_join_all;
use procpool::ProcessPool;
use procpool_examples::{Align, Arrival, Meeting, Table, arrive};
use scraper::{Html, Selector};
use serde::{Deserialize, Serialize};

const WORKERS: usize = 3;
/// One in this many paragraphs is a question and not used for training.
const HELD_OUT_EVERY: usize = 5;
/// Shorter paragraphs don't have enough words to be recognised.
const MIN_WORDS: usize = 20;

/// How often this process has loaded a model.
static LOADS: AtomicU32 = AtomicU32::new(0);

#[procpool::main]
async fn main() -> anyhow::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/sqlite");
    let pool = ProcessPool::builder()
        .workers(WORKERS)
        .try_initializer(Model::load, corpus.clone())
        .build()?;

    let questions = held_out(&corpus)?;
    let texts: Vec<String> = questions.iter().map(|q| q.text.clone()).collect();
    let answers: Vec<Answer> = pool.map_with_state(answer, texts).try_collect().await?;
    let roll = call_the_roll(&pool).await?;

    // The workers' answers equal those of a model in this process, and most of them are right.
    let model = Model::load(corpus)?;
    let mut served: BTreeMap<u32, usize> = BTreeMap::new();
    let mut right = 0;
    for (question, answer) in questions.iter().zip(&answers) {
        ensure!(answer.page == model.page_of(&question.text), "{answer:?}");
        right += usize::from(answer.page == question.page);
        *served.entry(answer.worker.pid).or_default() += 1;
    }
    ensure!(questions.len() > 100, "only {} questions", questions.len());
    ensure!(
        2 * right > questions.len(),
        "{right} of {} are right",
        questions.len()
    );

    // Each worker that answered had loaded its model once, in its own process.
    let workers = roll
        .iter()
        .chain(answers.iter().map(|answer| &answer.worker));
    for worker in workers {
        ensure!(worker.loads == 1, "{worker:?}");
        ensure!(worker.loaded_in == worker.pid, "{worker:?}");
        ensure!(worker.pid != process::id(), "{worker:?}");
    }
    let pids: BTreeSet<u32> = roll.iter().map(|worker| worker.pid).collect();
    ensure!(pids.len() == WORKERS, "{roll:?}");
    ensure!(served.keys().all(|pid| pids.contains(pid)), "{served:?}");

    let mut table = Table::new(&[
        ("WORKER", Align::Right),
        ("LOADS", Align::Right),
        ("ANSWERS", Align::Right),
    ]);
    for worker in &roll {
        let answers = served.get(&worker.pid).copied().unwrap_or(0);
        table.push(
            [worker.pid, worker.loads]
                .map(|n| n.to_string())
                .into_iter()
                .chain([answers.to_string()]),
        );
    }
    println!("{table}");
    println!(
        "{right} of {} paragraphs were assigned to the right one of {} pages",
        questions.len(),
        model.pages.len()
    );
    pool.shutdown().await;
    Ok(())
}

/// An answer of a worker.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    page: String,
    worker: Worker,
}

/// A worker's process, and what it has loaded.
#[derive(Debug, Serialize, Deserialize)]
struct Worker {
    pid: u32,
    loaded_in: u32,
    loads: u32,
}

/// Answers a question with the model of this worker; runs in a worker.
fn answer(model: &mut Model, text: String) -> Answer {
    Answer {
        page: model.page_of(&text).to_owned(),
        worker: model.worker(),
    }
}

/// Asks each worker once: each of these functions waits until all have started, so no worker runs two
/// of them.
async fn call_the_roll(pool: &ProcessPool<Model>) -> anyhow::Result<Vec<Worker>> {
    let meeting = Meeting::open().await?;
    let tasks: Vec<_> = (0..WORKERS)
        .map(|_| pool.run_with_state(attend, meeting.address()))
        .collect();
    let mut arrivals: Vec<Arrival> = Vec::new();
    while arrivals.len() < WORKERS {
        arrivals.push(meeting.arrival().await?);
    }
    drop(arrivals);
    let workers = try_join_all(tasks).await?.into_iter();
    workers
        .map(|worker| worker.map_err(anyhow::Error::msg))
        .collect()
}

fn attend(model: &mut Model, meeting: SocketAddr) -> Result<Worker, String> {
    let mut stream = arrive(meeting).map_err(|error| error.to_string())?;
    let hung_up = stream.read_to_end(&mut Vec::new());
    hung_up.map_err(|error| error.to_string())?;
    Ok(model.worker())
}

/// A naive Bayes classifier: how often each word occurs on each page.
#[derive(Debug)]
struct Model {
    pages: Vec<Page>,
    vocabulary: usize,
    loaded_in: u32,
}

#[derive(Debug)]
struct Page {
    name: String,
    words: HashMap<String, u32>,
    total: u32,
}

impl Model {
    /// Trains a model on the pages of a folder; this is the initializer of each worker.
    fn load(corpus: PathBuf) -> anyhow::Result<Self> {
        LOADS.fetch_add(1, Ordering::Relaxed);
        let mut pages: BTreeMap<String, Page> = BTreeMap::new();
        for paragraph in paragraphs(&corpus)?.filter(|paragraph| !paragraph.held_out) {
            let page = pages.entry(paragraph.page.clone()).or_insert_with(|| Page {
                name: paragraph.page.clone(),
                words: HashMap::new(),
                total: 0,
            });
            for word in words(&paragraph.text) {
                *page.words.entry(word).or_default() += 1;
                page.total += 1;
            }
        }
        let pages: Vec<Page> = pages.into_values().collect();
        let vocabulary: BTreeSet<&String> = pages.iter().flat_map(|p| p.words.keys()).collect();
        Ok(Self {
            vocabulary: vocabulary.len(),
            loaded_in: process::id(),
            pages,
        })
    }

    /// Returns the most likely page for these words.
    fn page_of(&self, text: &str) -> &str {
        let words: Vec<String> = words(text).collect();
        let likeliest = self.pages.iter().max_by(|a, b| {
            let likelihood = |page| self.log_likelihood(page, &words);
            likelihood(a).total_cmp(&likelihood(b))
        });
        likeliest.map_or("", |page| &page.name)
    }

    fn log_likelihood(&self, page: &Page, words: &[String]) -> f64 {
        // Each count is increased by one, so that a word that is missing on a page does not rule it out.
        let all = f64::from(page.total) + self.vocabulary as f64;
        let count = |word: &String| f64::from(page.words.get(word).copied().unwrap_or(0));
        words
            .iter()
            .map(|word| ((count(word) + 1.0) / all).ln())
            .sum()
    }

    fn worker(&self) -> Worker {
        Worker {
            pid: process::id(),
            loaded_in: self.loaded_in,
            loads: LOADS.load(Ordering::Relaxed),
        }
    }
}

#[derive(Debug)]
struct Paragraph {
    page: String,
    text: String,
    held_out: bool,
}

fn held_out(corpus: &Path) -> anyhow::Result<Vec<Paragraph>> {
    Ok(paragraphs(corpus)?
        .filter(|paragraph| paragraph.held_out)
        .collect())
}

/// Returns the paragraphs of all pages, always in the same order.
fn paragraphs(corpus: &Path) -> anyhow::Result<impl Iterator<Item = Paragraph>> {
    let selector = Selector::parse("p").expect("the selector is valid");
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let folder =
        fs::read_dir(corpus).with_context(|| format!("no corpus at {}", corpus.display()))?;
    for entry in folder {
        let path = entry?.path();
        if let (Some("html"), Some(name)) = (
            path.extension().and_then(|extension| extension.to_str()),
            path.file_stem().and_then(|name| name.to_str()),
        ) {
            pages.insert(name.to_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(pages.into_iter().flat_map(move |(page, html)| {
        let document = Html::parse_document(&html);
        let texts = document
            .select(&selector)
            .map(|p| p.text().collect::<String>());
        let long: Vec<String> = texts
            .filter(|text| words(text).count() >= MIN_WORDS)
            .collect();
        long.into_iter()
            .enumerate()
            .map(move |(number, text)| Paragraph {
                page: page.clone(),
                text,
                held_out: number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1,
            })
    }))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}
