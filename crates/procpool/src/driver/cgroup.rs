//! A control group for one worker (`cgroups(7)`, version 2).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often, and how many times, it is tried to remove a group: for ten seconds.
const PAUSE: Duration = Duration::from_millis(1);
const ATTEMPTS: u32 = 10_000;

/// The control group of one worker and all of its descendants, also of those that left its process
/// group. It is killed and removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directory: PathBuf,
}

impl Cgroup {
    /// Makes a group in `parent`, which must be one that this process may divide.
    pub(crate) fn create(parent: &Path, name: &str, memory: Option<u64>) -> io::Result<Self> {
        let explain = |what: &str, error: io::Error| {
            let path = parent.display();
            io::Error::new(
                error.kind(),
                format!("the control group {path} {what}: {error}"),
            )
        };
        let directory = parent.join(name);
        fs::create_dir(&directory).map_err(|error| explain("can't be divided", error))?;
        let group = Cgroup { directory };
        if let Some(bytes) = memory {
            let limited = group.write("memory.max", &bytes.to_string());
            limited.map_err(|error| explain("has no memory controller for its children", error))?;
            // What follows makes the limit exact, and not every kernel has it.
            let _ = group.write("memory.swap.max", "0");
            let _ = group.write("memory.oom.group", "1");
        }
        Ok(group)
    }

    /// Where a process writes itself to join.
    pub(crate) fn members(&self) -> PathBuf {
        self.directory.join("cgroup.procs")
    }

    /// Whether the kernel has killed anything in it for want of memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.directory.join("memory.events"));
        let killed = |line: &str| {
            line.strip_prefix("oom_kill ")
                .is_some_and(|count| count != "0")
        };
        events.is_ok_and(|events| events.lines().any(killed))
    }

    fn write(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.directory.join(file), value)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Since Linux 5.14. Before, a process that left its worker's group lives on, as without this.
        let _ = self.write("cgroup.kill", "1");
        let directory = std::mem::take(&mut self.directory);
        // What was killed takes a moment to leave, and a group with members can't be removed. The
        // moment is not one for a thread of the runtime.
        let remover = thread::Builder::new().name("procpool-cgroup".to_owned());
        if let Err(error) = remover.spawn(move || remove(&directory)) {
            tracing::warn!(%error, "procpool: a control group is left behind");
        }
    }
}

fn remove(directory: &Path) {
    for _ in 0..ATTEMPTS {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => thread::sleep(PAUSE),
            Ok(()) => return,
            Err(error) => {
                let path = directory.display();
                tracing::warn!(%path, %error, "procpool: a control group can't be removed");
                return;
            }
        }
    }
    let path = directory.display();
    tracing::warn!(%path, "procpool: a control group never becomes empty");
}
