//! The record of all runs, which the functions write before they do anything else.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file's name, in the workers' directory.
const NAME: &str = "record";

/// The size of one entry in bytes. It divides the page size, so a process that is killed while it writes
/// leaves a whole entry or nothing.
const LEN: usize = 32;

/// One start of a function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// In microseconds since 1970.
    pub(crate) began: u64,
    pub(crate) pid: u32,
}

pub(crate) fn create(directory: &Path) {
    File::create_new(directory.join(NAME)).expect("room for a file");
}

/// Records the start of a task's function; runs in a worker.
pub(crate) fn note(task: u64) {
    static RECORD: OnceLock<File> = OnceLock::new();
    let mut record = RECORD.get_or_init(|| {
        let opened = File::options().append(true).open(NAME);
        opened.expect("a worker starts in the round's directory")
    });
    let mut entry = [0; LEN];
    let fields = [task, now(), std::process::id().into(), !task];
    for (bytes, field) in entry.chunks_exact_mut(8).zip(fields) {
        bytes.copy_from_slice(&field.to_le_bytes());
    }
    record.write_all(&entry).expect("room for an entry");
}

/// Returns all runs of each task.
pub(crate) fn read(directory: &Path) -> Result<HashMap<u64, Vec<Run>>, String> {
    let bytes = fs::read(directory.join(NAME)).map_err(|error| error.to_string())?;
    let mut runs = HashMap::<_, Vec<_>>::new();
    for entry in bytes.chunks(LEN) {
        let mut fields = entry
            .chunks_exact(8)
            .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
        let mut field = || fields.next().ok_or("the record is torn");
        let (task, began, pid, check) = (field()?, field()?, field()?, field()?);
        if check != !task {
            return Err("the record is garbled".to_owned());
        }
        let pid = pid as u32;
        runs.entry(task).or_default().push(Run { began, pid });
    }
    Ok(runs)
}

/// Returns the time in microseconds since 1970, which all processes share.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is past 1970").as_micros() as u64
}
