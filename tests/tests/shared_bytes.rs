//! `SharedBytes`: the same memory in all processes of a pool, which is freed in every case.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use procpool::{Executor, InProcess, ProcessPool, SharedBytes, TaskOptions};
use procpool_tests::{alone, patiently};
use serde::{Deserialize, Serialize};

const MEBIBYTE: usize = 1 << 20;

fn pool() -> ProcessPool {
    ProcessPool::builder().workers(1).build().unwrap()
}

/// Returns bytes in which a lost or misplaced piece is visible.
fn pattern(len: usize, seed: u8) -> SharedBytes {
    SharedBytes::with_len(len, |buffer| {
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte = (at % 251) as u8 ^ seed;
        }
    })
}

/// Returns the shared memory files of these bytes, by the name that all processes see.
fn file_of(bytes: &SharedBytes) -> String {
    let address = bytes.as_ptr() as usize;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [start, end] = [start, end].map(|at| usize::from_str_radix(at, 16).unwrap());
        (start..end).contains(&address)
    });
    let mut fields = line.expect("bytes lie somewhere").split_whitespace();
    let (rights, inode) = (fields.nth(1).unwrap(), fields.nth(2).unwrap());
    assert_eq!(rights.as_bytes()[3], b's', "{line:?}");
    inode.to_owned()
}

/// Returns the number of mappings and descriptors of shared memory in this process.
fn open() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let maps = maps.lines().filter(|line| line.contains("procpool-shared"));
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().filter(|entry| {
        let target = fs::read_link(entry.as_ref().unwrap().path());
        target.is_ok_and(|target| target.to_string_lossy().contains("procpool-shared"))
    });
    (maps.count(), descriptors.count())
}

#[procpool::test]
async fn shared_bytes_are_the_same_memory_in_both_directions() {
    fn look(bytes: SharedBytes) -> (String, bool, SharedBytes, SharedBytes) {
        let equal = bytes == pattern(bytes.len(), 1);
        (file_of(&bytes), equal, bytes, pattern(3 * MEBIBYTE, 2))
    }
    let pool = pool();
    for len in [0, 1, 4096, 100_000, 5 * MEBIBYTE] {
        let bytes = pattern(len, 1);
        let task = pool.run_in_process(look, bytes.clone());
        let (file, equal, back, made) = patiently(task).await.unwrap();
        assert!(equal && file == file_of(&bytes));
        // The very same memory, and not another mapping of it.
        assert_eq!((back.as_ptr(), back.len()), (bytes.as_ptr(), len));
        assert!(made == pattern(3 * MEBIBYTE, 2));
        let (made, file) = (made.clone(), file_of(&made));
        let again = pool.run_in_process(|made: SharedBytes| file_of(&made), made);
        assert_eq!(
            patiently(again).await.unwrap(),
            file,
            "its maker has it as it was"
        );
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Scene {
    name: String,
    frames: Vec<SharedBytes>,
    mask: Option<SharedBytes>,
    layers: BTreeMap<u8, (u32, SharedBytes)>,
    shape: Shape,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Filled(SharedBytes),
    Outline { points: SharedBytes },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Rest {
    notes: SharedBytes,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    One { bytes: SharedBytes },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Text(String),
    Bytes(SharedBytes),
}

fn scene() -> Scene {
    Scene {
        name: "all of it".to_owned(),
        frames: (0..20).map(|seed| pattern(10_000, seed)).collect(),
        mask: Some(pattern(5, 7)),
        layers: BTreeMap::from([(1, (2, pattern(70_000, 3)))]),
        shape: Shape::Outline {
            points: pattern(100, 9),
        },
        rest: Rest {
            notes: pattern(50, 4),
        },
    }
}

#[procpool::test]
async fn shared_bytes_may_be_anywhere_in_a_value() {
    type All = (Scene, Shape, Tagged, Untagged);
    let all = || -> All {
        let filled = Shape::Filled(pattern(1000, 1));
        let bytes = pattern(1000, 2);
        (
            scene(),
            filled,
            Tagged::One { bytes },
            Untagged::Bytes(pattern(1000, 3)),
        )
    };
    let pool = pool();
    let echoed = patiently(pool.run_in_process(|all: All| all, all())).await;
    assert_eq!(echoed.unwrap(), all());
    let tests = InProcess::new().unwrap();
    let echoed = patiently(tests.execute(|all: All| all, all())).await;
    assert_eq!(echoed.unwrap(), all());
}

#[test]
fn other_formats_treat_shared_bytes_as_bytes() {
    let bytes = SharedBytes::from(vec![1, 2, 3]);
    let json = serde_json::to_string(&(&bytes, scene())).unwrap();
    assert!(json.starts_with("[[1,2,3],{"));
    let back: (SharedBytes, Scene) = serde_json::from_str(&json).unwrap();
    assert_eq!(back, (bytes, scene()));
}

/// serde has no attachments: one of another format must be neither confused with ours nor lost.
#[procpool::test]
async fn another_format_within_ours_is_not_confused() {
    #[derive(Debug, PartialEq)]
    struct AsJson(SharedBytes);
    impl Serialize for AsJson {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let json = serde_json::to_string(&self.0).unwrap();
            (json, &self.0).serialize(serializer)
        }
    }
    impl<'de> Deserialize<'de> for AsJson {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let (json, bytes) = <(String, SharedBytes)>::deserialize(deserializer)?;
            assert!(serde_json::from_str::<SharedBytes>("null").is_err());
            let from_json: SharedBytes = serde_json::from_str(&json).unwrap();
            assert_eq!(from_json, bytes);
            Ok(AsJson(from_json))
        }
    }
    let pool = pool();
    let echoed = pool.run_in_process(|value: AsJson| value, AsJson(pattern(100, 1)));
    assert_eq!(patiently(echoed).await.unwrap(), AsJson(pattern(100, 1)));
}

#[procpool::test]
async fn a_clone_goes_to_many_tasks_of_many_workers() {
    let pool = ProcessPool::builder().workers(3).build().unwrap();
    let bytes = pattern(2 * MEBIBYTE, 5);
    let file = file_of(&bytes);
    let tasks: Vec<_> = (0..40)
        .map(|_| pool.run_in_process(|bytes: SharedBytes| (file_of(&bytes), bytes), bytes.clone()))
        .collect();
    for task in tasks {
        let (there, back) = patiently(task).await.unwrap();
        assert!(there == file && back.as_ptr() == bytes.as_ptr());
    }
    assert!(bytes == pattern(2 * MEBIBYTE, 5));
}

/// Bytes that one worker created are passed to another one as they are, and outlive the first worker.
#[procpool::test]
async fn shared_bytes_outlive_the_worker_that_created_them() {
    let maker = pool();
    let made = patiently(maker.run_in_process(|len| pattern(len, 6), MEBIBYTE))
        .await
        .unwrap();
    let reader = pool();
    let sum = |bytes: SharedBytes| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    let before = patiently(reader.run_in_process(sum, made.clone()))
        .await
        .unwrap();
    patiently(maker.terminate()).await;
    let after = patiently(pool().run_in_process(sum, made.clone()))
        .await
        .unwrap();
    assert!(before == after && made == pattern(MEBIBYTE, 6));
}

/// A segment is reused only after no process holds it any more.
#[procpool::test]
async fn shared_bytes_that_are_in_use_are_not_overwritten() {
    static KEPT: Mutex<Vec<SharedBytes>> = Mutex::new(Vec::new());
    fn keep(bytes: SharedBytes) {
        KEPT.lock().unwrap().push(bytes);
    }
    fn release(seed: u8) -> bool {
        let kept = std::mem::take(&mut *KEPT.lock().unwrap());
        kept.iter()
            .all(|bytes| *bytes == pattern(bytes.len(), seed))
    }
    const LEN: usize = 3 * MEBIBYTE + 17;
    let pool = pool();
    let bytes = pattern(LEN, 1);
    let (place, file) = (bytes.as_ptr(), file_of(&bytes));
    patiently(pool.run_in_process(keep, bytes)).await.unwrap();
    // The worker holds it, so others are created meanwhile.
    let others: Vec<_> = (2..5).map(|seed| pattern(LEN, seed)).collect();
    assert!(others.iter().all(|other| other.as_ptr() != place));
    drop(others);
    assert!(patiently(pool.run_in_process(release, 1)).await.unwrap());
    // It has come back with the result.
    let all: Vec<_> = (0..4).map(|seed| pattern(LEN, seed)).collect();
    assert!(
        all.iter()
            .any(|bytes| bytes.as_ptr() == place && file_of(bytes) == file)
    );
}

#[procpool::test]
async fn shared_bytes_are_sent_again_after_a_workers_death() {
    fn die_once((marker, bytes): (std::path::PathBuf, SharedBytes)) -> SharedBytes {
        match fs::remove_file(marker) {
            Ok(()) => std::process::abort(),
            Err(_) => bytes,
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let marker = directory.path().join("marker");
    fs::write(&marker, "").unwrap();
    let pool = pool().with(TaskOptions::new().retries(1));
    let bytes = pattern(MEBIBYTE, 3);
    let task = pool.run_in_process(die_once, (marker, bytes.clone()));
    assert_eq!(patiently(task).await.unwrap().as_ptr(), bytes.as_ptr());
}

/// After results that were used, dropped unread or cancelled, and after workers died, only the bounded
/// cache for reuse is left.
#[test]
fn shared_bytes_leave_nothing_behind() {
    alone(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let pool = pool();
            let kept = pattern(MEBIBYTE, 0);
            for round in 0..40 {
                let args = (pattern(MEBIBYTE, 1), kept.clone());
                let task = pool.run_in_process(
                    |(one, other): (SharedBytes, SharedBytes)| (other, pattern(one.len(), 2), one),
                    args,
                );
                match round % 4 {
                    0 => drop(patiently(task).await.unwrap()),
                    1 => drop(task),
                    2 => {
                        task.detach();
                        patiently(pool.run_in_process(|()| {}, ())).await.unwrap();
                    }
                    _ => {
                        let die = |bytes: SharedBytes| -> usize {
                            drop(bytes);
                            std::process::abort()
                        };
                        drop(patiently(task).await);
                        let died = pool.run_in_process(die, pattern(MEBIBYTE, 4));
                        assert!(patiently(died).await.unwrap_err().is_worker_exited());
                    }
                }
            }
            let (maps, descriptors) = open();
            assert!(maps <= 16 && descriptors <= 16, "{maps} and {descriptors}");
            patiently(pool.terminate()).await;
            let (maps, descriptors) = open();
            assert!(maps <= 9 && descriptors <= 9, "{maps} and {descriptors}");
        });
    });
}
