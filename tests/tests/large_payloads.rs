//! Large arguments and results survive a round trip, also as a part of other values.
#![forbid(unsafe_code)]

use bytes::Bytes;
use procpool::ProcessPool;
use procpool_tests::patiently;
use serde::{Deserialize, Serialize};

/// Larger than a socket buffer, which is some 8 MiB.
const LARGE: usize = 12 << 20;

fn pool() -> ProcessPool {
    ProcessPool::builder().workers(1).build().unwrap()
}

/// Returns bytes in which a lost, repeated or misplaced piece is visible.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Picture {
    name: String,
    pixels: Vec<u8>,
    layers: Vec<Vec<u8>>,
    thumbnail: Option<Bytes>,
}

#[procpool::test]
async fn bytes_of_any_size_survive_a_round_trip() {
    let pool = pool();
    for len in [
        0,
        1,
        8 << 10,
        (32 << 10) - 8,
        32 << 10,
        33 << 10,
        64 << 10,
        1 << 20,
        LARGE,
    ] {
        let vector = pattern(len);
        let echoed = patiently(pool.run_in_process(|vector: Vec<u8>| vector, vector.clone()));
        assert!(echoed.await.unwrap() == vector, "a vector of {len} bytes");
        let bytes = Bytes::from(vector);
        let echoed = patiently(pool.run_in_process(|bytes: Bytes| bytes, bytes.clone()));
        assert!(echoed.await.unwrap() == bytes, "{len} bytes");
        let text = "é".repeat(len / 2);
        let echoed = patiently(pool.run_in_process(|text: String| text, text.clone()));
        assert!(echoed.await.unwrap() == text, "a text of {len} bytes");
    }
}

#[procpool::test]
async fn bytes_inside_other_types_survive_a_round_trip() {
    fn turn(picture: Picture) -> (usize, Picture) {
        (picture.pixels.len(), picture)
    }
    let picture = || Picture {
        name: "large".to_owned(),
        pixels: pattern(LARGE),
        layers: vec![pattern(1 << 20), Vec::new(), pattern(100)],
        thumbnail: Some(pattern(50_000).into()),
    };
    let pool = pool();
    let (len, turned) = patiently(pool.run_in_process(turn, picture()))
        .await
        .unwrap();
    assert!(len == LARGE && turned == picture());
}

/// A vector that is moved instead of encoded is sent again after its first worker died.
#[procpool::test]
async fn a_vector_is_sent_again_after_its_workers_death() {
    fn die_once((marker, vector): (std::path::PathBuf, Vec<u8>)) -> usize {
        match std::fs::remove_file(marker) {
            Ok(()) => std::process::abort(),
            Err(_) => vector.len(),
        }
    }
    fn die_with_a_vector(vector: Vec<u8>) -> u64 {
        let marker = String::from_utf8(vector[..64].to_vec()).unwrap();
        match std::fs::remove_file(marker.trim_end()) {
            Ok(()) => std::process::abort(),
            Err(_) => vector[64..].iter().map(|&byte| u64::from(byte)).sum(),
        }
    }
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let pool = pool().with(procpool::TaskOptions::new().retries(1));
    let marker = directory.path().join("first");
    std::fs::write(&marker, "").unwrap();
    let task = pool.run_in_process(die_once, (marker, pattern(LARGE)));
    assert_eq!(patiently(task).await.unwrap(), LARGE);

    let marker = directory.path().join("second");
    std::fs::write(&marker, "").unwrap();
    let mut vector = format!("{:<64}", marker.to_str().unwrap()).into_bytes();
    assert_eq!(vector.len(), 64);
    vector.extend(pattern(LARGE));
    let sum: u64 = pattern(LARGE).iter().map(|&byte| u64::from(byte)).sum();
    assert_eq!(
        patiently(pool.run_in_process(die_with_a_vector, vector))
            .await
            .unwrap(),
        sum
    );
}

/// More data than both socket buffers hold is in flight in both directions at once.
#[procpool::test(flavor = "current_thread")]
async fn large_payloads_in_both_directions_do_not_block_each_other() {
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    let vector = pattern(LARGE);
    let tasks: Vec<_> = (0..6)
        .map(|_| pool.run_in_process(|vector: Vec<u8>| vector, vector.clone()))
        .collect();
    for task in tasks {
        assert!(patiently(task).await.unwrap() == vector);
    }
}
