//! A program that can't start a worker, because it lacks the resource that its argument names, and later
//! has it again. It asserts that its pool reports that, keeps working, and recovers.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io;

use procpool::{ProcessPool, TaskError};
use procpool_tests::patiently;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[procpool::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = ProcessPool::builder()
        .min_workers(0)
        .max_workers(2)
        .build()?;
    let means = std::env::args().nth(1);
    let (resource, least) = match means.as_deref() {
        // Not one page more.
        Some("of-memory") => {
            keep_in_hand();
            (Resource::As, address_space())
        }
        // Only this thread.
        Some("of-processes") => (Resource::Nproc, 1),
        other => panic!("starved of {other:?}"),
    };
    let lacking = match means.as_deref() {
        Some("of-memory") => io::ErrorKind::OutOfMemory,
        _ => io::ErrorKind::WouldBlock,
    };
    let original = getrlimit(resource);
    let current = Some(least);
    setrlimit(
        resource,
        Rlimit {
            current,
            ..original
        },
    )?;
    for number in 0..3 {
        let tasks = [number, number + 1].map(|number| pool.run_in_process(double, number));
        for task in tasks {
            let error = patiently(task).await.expect_err("there are no means");
            assert_lacks_means(&error, lacking);
        }
    }
    setrlimit(resource, original)?;
    let doubled = patiently(async {
        loop {
            match pool.run_in_process(double, 21).await {
                Ok(doubled) => return doubled,
                Err(error) => assert!(error.is_worker_start(), "{error:?}"),
            }
        }
    })
    .await;
    assert_eq!(doubled, 42);
    pool.shutdown().await;
    println!("recovered");
    Ok(())
}

fn double(x: u64) -> u64 {
    x * 2
}

fn assert_lacks_means(error: &TaskError, lacking: io::ErrorKind) {
    assert!(error.is_worker_start(), "{error:?}");
    assert_eq!(error.to_string(), "no worker could be spawned");
    let source = error.source().and_then(|cause| cause.downcast_ref());
    let source: &io::Error = source.expect("an error of the system");
    assert_eq!(source.kind(), lacking, "{source}");
}

/// Makes the system give this program now what it will need itself: room on the stack, and free memory
/// below a used block, which therefore is not returned to the system.
fn keep_in_hand() {
    black_box([1_u8; 1 << 20]);
    let mut blocks = vec![vec![1_u8; 64 << 10]; 128];
    std::mem::forget(blocks.pop());
}

/// The size in bytes.
fn address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes = size.and_then(|size| size.trim().strip_suffix(" kB"));
    let kibibytes: Option<u64> = kibibytes.and_then(|kibibytes| kibibytes.parse().ok());
    kibibytes.expect("a number") * 1024
}
