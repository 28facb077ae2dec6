//! Workers in control groups of their own. These tests need a machine on which they may mount a hierarchy;
//! elsewhere each reports that it was skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use procpool::{ProcessPool, TaskError};
use procpool_tests::{Gate, Watched, patiently};

/// A mounted hierarchy, of which a new group is used.
struct Hierarchy {
    mounted: tempfile::TempDir,
    group: PathBuf,
}

impl Hierarchy {
    fn mount(name: &str) -> Option<Self> {
        let mounted = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "cgroup2", "none"]).arg(mounted.path());
        if !mount.output().is_ok_and(|output| output.status.success()) {
            println!("skipped: no cgroup2 hierarchy can be mounted here");
            return None;
        }
        let group = mounted
            .path()
            .join(format!("test-{}-{name}", std::process::id()));
        let hierarchy = Hierarchy { mounted, group };
        if let Err(error) = fs::create_dir(&hierarchy.group) {
            println!("skipped: no group can be made here: {error}");
            return None;
        }
        Some(hierarchy)
    }

    fn children(&self) -> usize {
        let entries = fs::read_dir(&self.group).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().path().is_dir())
            .count()
    }
}

impl Drop for Hierarchy {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.group);
        let _ = Command::new("umount").arg(self.mounted.path()).status();
    }
}

#[procpool::test]
async fn a_process_that_left_its_workers_group_is_killed_with_the_worker() {
    fn leave_something_behind(gate: PathBuf) -> u32 {
        let mut escapee = Command::new("setsid");
        escapee.args(["sleep", "1000"]);
        let child = escapee.spawn().unwrap();
        let pid = child.id();
        std::mem::forget(child);
        let _ = procpool_tests::visit(gate);
        pid
    }
    let Some(hierarchy) = Hierarchy::mount("escape") else {
        return;
    };
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .workers(1)
        .cgroup(&hierarchy.group)
        .build()
        .unwrap();
    let task = pool.run_in_process(leave_something_behind, gate.path());
    let visitor = gate.visitor().await;
    let own = fs::read_to_string(format!("/proc/{}/cgroup", visitor.pid)).unwrap();
    assert!(own.contains("procpool-"), "{own}");
    assert_eq!(hierarchy.children(), 1);
    visitor.let_go().await;
    let escapee = Watched::new(patiently(task).await.unwrap());
    assert!(escapee.is_alive());
    patiently(pool.shutdown()).await;
    escapee.ended();
    patiently(async {
        while hierarchy.children() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[procpool::test]
async fn the_kernel_enforces_the_memory_limit_of_a_control_group() {
    fn fill(bytes: usize) -> usize {
        std::hint::black_box(vec![1_u8; bytes]).len()
    }
    let Some(hierarchy) = Hierarchy::mount("memory") else {
        return;
    };
    for group in [hierarchy.mounted.path(), hierarchy.group.as_path()] {
        if fs::write(group.join("cgroup.subtree_control"), "+memory").is_err() {
            println!("skipped: the memory controller is not to be had in this hierarchy");
            return;
        }
    }
    let limit = 64 << 20;
    let builder = ProcessPool::builder().workers(1).memory_limit(limit);
    let pool = builder.cgroup(&hierarchy.group).build().unwrap();
    assert_eq!(
        patiently(pool.run_in_process(fill, 8 << 20)).await.unwrap(),
        8 << 20
    );
    let error = patiently(pool.run_in_process(fill, 256 << 20))
        .await
        .unwrap_err();
    let TaskError::LimitExceeded(exceeded) = error else {
        panic!("{error}")
    };
    assert_eq!(exceeded.memory_limit(), Some(limit));
    patiently(pool.shutdown()).await;
}

#[procpool::test]
async fn a_control_group_that_cannot_be_divided_is_the_cause_of_a_failed_start() {
    let nowhere = Path::new("/no/such/group");
    let pool = ProcessPool::builder()
        .workers(1)
        .cgroup(nowhere)
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    let TaskError::WorkerStart(error) = error else {
        panic!("{error}")
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("the control group /no/such/group can't be divided"),
        "{cause}"
    );
}

/// Otherwise a memory limit would have no effect.
#[procpool::test]
async fn a_directory_that_is_no_control_group_is_the_cause_of_a_failed_start() {
    let directory = tempfile::tempdir().unwrap();
    let pool = ProcessPool::builder()
        .workers(1)
        .memory_limit(64 << 20)
        .cgroup(directory.path())
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(|()| (), ()))
        .await
        .unwrap_err();
    let TaskError::WorkerStart(error) = error else {
        panic!("{error}")
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    let path = directory.path().display();
    assert!(
        cause.starts_with(&format!("the control group {path} is none: ")),
        "{cause}"
    );
    patiently(pool.shutdown()).await;
    patiently(async {
        while fs::read_dir(directory.path()).unwrap().next().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
