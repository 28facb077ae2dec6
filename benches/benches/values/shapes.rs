//! The values: what functions that fetch, parse and compute take and give.

use std::collections::{BTreeMap, HashMap};

use procpool_benches::Mode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contenders::{self, Contender};

/// One value with each contender.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// So often in a round that the clock does not matter.
    pub(crate) repeats: usize,
    pub(crate) contenders: Vec<Contender>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Link {
    href: String,
    text: String,
    rel: Option<String>,
    line: u32,
    external: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f32,
    y: f32,
    id: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf(u64),
    Named { name: String, child: Box<Tree> },
    Pair(Box<Tree>, Box<Tree>),
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    at: u64,
    level: Level,
    target: String,
    place: Place,
    fields: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    file: String,
    line: u32,
    column: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Matrix {
    rows: u32,
    columns: u32,
    cells: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Particle {
    position: [f64; 3],
    velocity: [f64; 3],
    mass: f64,
    charge: i32,
    alive: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    title: String,
    links: Vec<Link>,
    words: BTreeMap<String, u32>,
    description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    width: u32,
    height: u32,
    quality: u8,
    format: String,
    progressive: bool,
    background: Option<[u8; 4]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Opened { id: u64, name: String },
    Moved { id: u64, x: f64, y: f64 },
    Resized(u32, u32),
    Renamed(String),
    Closed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    value: Option<f64>,
    count: Option<u32>,
    note: Option<String>,
}

/// All of them; few of each for a run that measures nothing.
pub(crate) fn all(mode: Mode) -> Vec<Shape> {
    let many = |count: usize| mode.pick(count, 3);
    let shape =
        |name, size: usize| -> (&'static str, usize) { (name, mode.pick(1 + 100_000 / size, 1)) };
    vec![
        of(shape("10 000 links", 100_000), links(many(10_000))),
        of(shape("100 000 points", 200_000), points(many(100_000))),
        of(shape("a tree of enums", 50_000), tree(mode.pick(12, 2), 1)),
        of(
            shape("a million f32", 400_000),
            numbers(many(1_000_000))
                .map(|n| n as f32)
                .collect::<Vec<_>>(),
        ),
        of(
            shape("a million bool", 400_000),
            numbers(many(1_000_000))
                .map(|n| n.is_multiple_of(3))
                .collect::<Vec<_>>(),
        ),
        of(
            shape("100 000 u64", 60_000),
            numbers(many(100_000)).collect::<Vec<_>>(),
        ),
        of(
            shape("100 000 small i32", 60_000),
            numbers(many(100_000))
                .map(|n| (n % 200) as i32 - 100)
                .collect::<Vec<_>>(),
        ),
        of(
            shape("10 000 [f64; 3]", 20_000),
            numbers(many(10_000))
                .map(|n| [n as f64; 3])
                .collect::<Vec<_>>(),
        ),
        of(shape("a matrix in a struct", 60_000), matrix(many(100_000))),
        of(
            shape("1 000 rows of 100 f64", 60_000),
            (0..many(1_000))
                .map(|_| numbers(100).map(|n| n as f64 / 3.0).collect())
                .collect::<Vec<Vec<f64>>>(),
        ),
        of(
            shape("10 000 strings", 60_000),
            numbers(many(10_000)).map(text).collect::<Vec<_>>(),
        ),
        of(
            shape("a map of 10 000 words", 100_000),
            numbers(many(10_000))
                .map(|n| (text(n), n as u32))
                .collect::<HashMap<_, _>>(),
        ),
        of(
            shape("a sorted map of 10 000 numbers", 60_000),
            numbers(many(10_000))
                .map(|n| (n as u32, n as f64))
                .collect::<BTreeMap<_, _>>(),
        ),
        of(shape("5 000 log entries", 100_000), entries(many(5_000))),
        of(shape("10 000 particles", 50_000), particles(many(10_000))),
        of(
            shape("10 000 events, an enum", 50_000),
            events(many(10_000)),
        ),
        of(
            shape("10 000 samples of options", 50_000),
            samples(many(10_000)),
        ),
        of(
            shape("10 000 pairs (u32, f32)", 20_000),
            numbers(many(10_000))
                .map(|n| (n as u32, n as f32))
                .collect::<Vec<_>>(),
        ),
        of(
            shape("200 pieces of 4 KiB", 60_000),
            (0..many(200))
                .map(|n| vec![n as u8; 4096])
                .collect::<Vec<_>>(),
        ),
        of(shape("a parsed page", 1_500), page()),
        of(
            shape("a result of 50 links", 500),
            Ok::<Vec<Link>, String>(links(many(50))),
        ),
        of(shape("settings, a small struct", 10), settings()),
        of(
            shape("a small tuple", 10),
            (7u64, "thumbnail".to_owned(), Some(640u32)),
        ),
        of(shape("a u64", 10), 123_456u64),
    ]
}

fn of<T: Serialize + DeserializeOwned + PartialEq + 'static>(
    (name, repeats): (&'static str, usize),
    value: T,
) -> Shape {
    Shape {
        name,
        repeats,
        contenders: contenders::all(value),
    }
}

/// Numbers of every size, the same each time.
fn numbers(count: usize) -> impl Iterator<Item = u64> {
    (1..=count as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 64))
}

/// From 5 to 60 letters.
fn text(n: u64) -> String {
    let letters = "the quick brown fox jumps over the lazy dog, and then once more over it";
    format!("{n:x} {}", &letters[..(n % 57) as usize + 3])
}

fn links(count: usize) -> Vec<Link> {
    numbers(count)
        .map(|n| Link {
            href: format!("https://example.org/a/{}", text(n)),
            text: text(n / 3),
            rel: n.is_multiple_of(2).then(|| "nofollow".to_owned()),
            line: (n % 5_000) as u32,
            external: n.is_multiple_of(3),
        })
        .collect()
}

fn points(count: usize) -> Vec<Point> {
    numbers(count)
        .zip(0..)
        .map(|(n, id)| Point {
            x: n as f32,
            y: n as f32 / 7.0,
            id,
        })
        .collect()
}

fn tree(levels: usize, place: u64) -> Tree {
    match (levels, place % 5) {
        (0, _) => Tree::Leaf(place),
        (_, 0) => Tree::Named {
            name: text(place),
            child: Box::new(tree(levels - 1, place * 2)),
        },
        (1, 1) => Tree::Nothing,
        _ => Tree::Pair(
            Box::new(tree(levels - 1, place * 2)),
            Box::new(tree(levels - 1, place * 2 + 1)),
        ),
    }
}

fn matrix(cells: usize) -> Matrix {
    Matrix {
        rows: 1,
        columns: cells as u32,
        cells: numbers(cells).map(|n| n as f32).collect(),
    }
}

fn entries(count: usize) -> Vec<Entry> {
    let levels = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warn,
        Level::Error,
    ];
    numbers(count)
        .map(|n| Entry {
            at: n,
            level: levels[(n % 5) as usize].clone(),
            target: text(n % 11),
            place: Place {
                file: format!("src/{}.rs", n % 40),
                line: (n % 900) as u32,
                column: (n % 80) as u32,
            },
            fields: (0..n % 3)
                .map(|field| (format!("field{field}"), text(n)))
                .collect(),
        })
        .collect()
}

fn particles(count: usize) -> Vec<Particle> {
    numbers(count)
        .map(|n| Particle {
            position: [n as f64, n as f64 / 3.0, 0.0],
            velocity: [0.5, n as f64 / 7.0, 1.0],
            mass: 1.0 / (n + 1) as f64,
            charge: (n % 3) as i32 - 1,
            alive: n.is_multiple_of(2),
        })
        .collect()
}

fn events(count: usize) -> Vec<Event> {
    numbers(count)
        .map(|n| match n % 5 {
            0 => Event::Opened {
                id: n,
                name: text(n),
            },
            1 => Event::Moved {
                id: n,
                x: n as f64,
                y: 0.25,
            },
            2 => Event::Resized(n as u32, 600),
            3 => Event::Renamed(text(n)),
            _ => Event::Closed,
        })
        .collect()
}

fn samples(count: usize) -> Vec<Sample> {
    numbers(count)
        .map(|n| Sample {
            value: (n % 3 != 0).then_some(n as f64),
            count: (n % 4 != 0).then_some(n as u32),
            note: n.is_multiple_of(5).then(|| text(n)),
        })
        .collect()
}

fn page() -> Page {
    Page {
        title: "The quick brown fox".to_owned(),
        links: links(60),
        words: numbers(200).map(|n| (text(n), (n % 30) as u32)).collect(),
        description: Some(text(55)),
    }
}

fn settings() -> Settings {
    Settings {
        width: 640,
        height: 480,
        quality: 85,
        format: "jpeg".to_owned(),
        progressive: true,
        background: Some([255, 255, 255, 0]),
    }
}
