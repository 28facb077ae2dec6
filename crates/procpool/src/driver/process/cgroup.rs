//! A control group for one worker (`cgroups(7)`, version 2).

use std::fs::{self, File};
use std::io::{self, Write};
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
        // A directory of another kind can be divided too, and limits nothing.
        if let Err(error) = fs::metadata(group.members()) {
            return Err(explain("is none", error));
        }
        if let Some(bytes) = memory {
            let limited = group.write("memory.max", &bytes.to_string());
            limited.map_err(|error| explain("has no memory controller for its children", error))?;
            // These make the limit exact. Not every kernel has them.
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
        // The kernel makes the files of a group: a directory without them is no group, and gets none here.
        let mut file = File::options()
            .write(true)
            .open(self.directory.join(file))?;
        file.write_all(value.as_bytes())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Since Linux 5.14. Before, a process that left its worker's group lives on, as without this.
        let _ = self.write("cgroup.kill", "1");
        let directory = std::mem::take(&mut self.directory);
        // A killed process takes a moment to leave, and a group with members can't be removed. A thread of the
        // runtime does not wait for that.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that looks like a group's.
    fn group(name: &str) -> Cgroup {
        let name = format!("procpool-cgroup-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).expect("room for a directory");
        Cgroup { directory }
    }

    #[test]
    fn what_the_kernel_counts_is_a_kill_for_want_of_memory_and_nothing_else() {
        let group = group("events");
        assert!(!group.ran_out_of_memory(), "there is no such file");
        let others = "low 1\nhigh 2\nmax 3\noom 4\n";
        for (kills, ran_out) in [("0", false), ("1", true), ("12", true)] {
            let events = format!("{others}oom_kill {kills}\noom_group_kill 0\n");
            fs::write(group.directory.join("memory.events"), events).expect("room for a line");
            assert_eq!(group.ran_out_of_memory(), ran_out, "{kills}");
        }
        fs::remove_file(group.directory.join("memory.events")).expect("it is there");
    }
}
