//! The fuzz targets' kept corpus, run without a fuzzer: whole, in random chunks, and changed at
//! random. The targets' bodies are in the `fuzz` package, and shared with it.
#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::thread;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared, and each test uses its part"
)]
#[path = "../../../fuzz/src"]
mod shared {
    pub(crate) mod samples;
    pub(crate) mod stream;
    pub(crate) mod tree;
    pub(crate) mod values;
}
use shared::stream::Transcript;
use shared::{samples, stream, tree, values};

/// Another number tries other chunks and changes.
const SEED: u64 = 0x5eed;

/// How many ways each entry is cut in, and how many ways it is changed in.
const TRIES: u64 = 40;

const KEPT_MOST: usize = 200;
const LENGTH_MOST: u64 = 4096;

#[test]
fn commands() {
    check_streams("commands", |chunks| {
        stream::commands(chunks.iter().copied())
    });
}

#[test]
fn events() {
    check_streams("events", |chunks| stream::events(chunks.iter().copied()));
}

#[test]
fn values() {
    for entry in corpus("values") {
        entry.with_changes(values::decode_as_everything);
    }
}

#[test]
fn round_trip() {
    for entry in corpus("round_trip") {
        entry.with_changes(tree::comes_back);
    }
}

#[test]
fn the_corpus_is_small() {
    let mut kept = 0;
    for target in ["commands", "events", "values", "round_trip"] {
        for entry in fs::read_dir(folder(target)).expect("has a folder") {
            let entry = entry.expect("can be listed");
            let length = entry.metadata().expect("is there").len();
            assert!(length <= LENGTH_MOST, "{:?}: {length} bytes", entry.path());
            kept += 1;
        }
    }
    assert!(kept <= KEPT_MOST, "{kept} files");
}

/// Seeds of an old protocol would be refused at their first field, and find nothing any more.
#[test]
fn the_seeds_are_of_this_protocol() {
    for (target, seeds) in seeds() {
        for (name, bytes) in seeds {
            let path = folder(target).join(format!("seed-{name}"));
            let kept = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert!(
                kept == bytes,
                "{path:?} is out of date: run `cargo test -p procpool-wire --test corpus -- --ignored`"
            );
        }
    }
}

#[test]
#[ignore = "writes the seeds into the corpus"]
fn write_the_seeds() {
    for (target, seeds) in seeds() {
        let folder = folder(target);
        fs::create_dir_all(&folder).expect("can be made");
        for (name, bytes) in seeds {
            fs::write(folder.join(format!("seed-{name}")), bytes).expect("can be written");
        }
    }
}

type Seeds = Vec<(String, Vec<u8>)>;

fn seeds() -> [(&'static str, Seeds); 4] {
    [
        ("commands", samples::command_streams()),
        ("events", samples::event_streams()),
        ("values", samples::values()),
        ("round_trip", samples::trees()),
    ]
}

fn check_streams(target: &str, read: fn(&[&[u8]]) -> Transcript) {
    for entry in corpus(target) {
        entry.with_changes(|bytes| {
            let whole = read(&[bytes]);
            let mut random = Random(SEED ^ bytes.len() as u64);
            for _ in 0..4 {
                assert_eq!(read(&random.chunks(bytes)), whole);
            }
        });
        let whole = read(&[&entry.bytes]);
        assert_eq!(read(&entry.bytes.chunks(1).collect::<Vec<_>>()), whole);
        for seed in 0..TRIES {
            let chunks = Random(SEED + seed).chunks(&entry.bytes);
            let lengths: Vec<_> = chunks.iter().map(|chunk| chunk.len()).collect();
            assert_eq!(read(&chunks), whole, "{}: {lengths:?}", entry.name);
        }
    }
}

struct Entry {
    name: String,
    bytes: Vec<u8>,
}

fn corpus(target: &str) -> Vec<Entry> {
    let mut entries: Vec<_> = fs::read_dir(folder(target))
        .expect("has a folder")
        .map(|file| {
            let path = file.expect("can be listed").path();
            Entry {
                name: path.display().to_string(),
                bytes: fs::read(&path).expect("can be read"),
            }
        })
        .collect();
    assert!(!entries.is_empty(), "no corpus for {target}");
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

fn folder(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../fuzz/corpus", target]
        .iter()
        .collect()
}

impl Entry {
    /// Runs a body over this entry, and over it with random changes.
    fn with_changes(&self, body: impl Fn(&[u8])) {
        let run = |seed, bytes: &[u8]| {
            let _told = Told {
                name: &self.name,
                seed,
                bytes,
            };
            body(bytes);
        };
        run(None, &self.bytes);
        for seed in SEED..SEED + TRIES {
            run(Some(seed), &Random(seed).changed(&self.bytes));
        }
    }
}

/// Tells of the bytes on the way out of a panic.
struct Told<'e> {
    name: &'e str,
    seed: Option<u64>,
    bytes: &'e [u8],
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            match self.seed {
                Some(seed) => eprintln!("{} changed with seed {seed:#x}:", self.name),
                None => eprintln!("{}:", self.name),
            }
            eprintln!("{:02x?}", self.bytes);
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// All the bytes in pieces, some of which are empty.
    fn chunks<'b>(&mut self, mut bytes: &'b [u8]) -> Vec<&'b [u8]> {
        let mut chunks = Vec::new();
        let most = 1 << self.below(8);
        while !bytes.is_empty() {
            let len = self.below(most + 1).min(bytes.len());
            let (chunk, rest) = bytes.split_at(len);
            chunks.push(chunk);
            bytes = rest;
        }
        chunks
    }

    /// One to four changes, one after the other.
    fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(7) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            2 if !bytes.is_empty() => bytes[at] = 0xc0 | self.next() as u8,
            3 => bytes.truncate(at),
            4 => bytes.insert(at, self.next() as u8),
            5 => {
                let copy = bytes[at..].to_vec();
                bytes.extend(copy);
            }
            // The first length of the stream: a little off, or anything.
            _ => {
                if let Some(length) = bytes.first_chunk_mut::<4>() {
                    let old = u32::from_le_bytes(*length);
                    let new = match self.below(4) {
                        0 => old.wrapping_add(1),
                        1 => old.wrapping_sub(1),
                        2 => 1 << self.below(32),
                        _ => self.next() as u32,
                    };
                    *length = new.to_le_bytes();
                }
            }
        }
    }
}
