//! Output as `tracing` events, one for each line.

/// The greatest length of a line, 8 KiB; a longer one is cut.
const LONGEST: usize = 8 * 1024;

/// Splits a stream into lines and emits each as a `tracing` event.
#[derive(Debug)]
pub(crate) struct Lines {
    pool: String,
    pid: u32,
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(pool: String, pid: u32) -> Self {
        Lines {
            pool,
            pid,
            line: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in part.chunks(LONGEST) {
                if self.line.len() + part.len() > LONGEST {
                    self.end_line();
                }
                self.line.extend_from_slice(part);
            }
            if self.line.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// Emits the last line if it has no line end.
    pub(crate) fn end(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end_matches(['\n', '\r']);
        tracing::info!(target: "procpool::worker", pool = self.pool, pid = self.pid, "{line}");
        self.line.clear();
    }
}
