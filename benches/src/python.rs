//! The same workloads on Python's process pools, where there is a Python.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Relative to the package.
const SCRIPT: &str = "python/peers.py";

/// One of Python's classes, in an interpreter of its own.
///
/// It measures for itself, so that no way to Python and back is in its figures. Dropping it ends the
/// interpreter.
#[derive(Debug)]
pub struct Python {
    name: &'static str,
    process: Child,
    // Taken to close it, which ends the interpreter.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// `ProcessPoolExecutor` under asyncio, as the tables name it.
    pub const ASYNCIO: &'static str = "Python's executor, asyncio";

    /// `ProcessPoolExecutor` by itself.
    pub const EXECUTOR: &'static str = "Python's executor";

    /// `multiprocessing.Pool`.
    pub const POOL: &'static str = "multiprocessing.Pool";

    /// All of them, each with so many workers; none, with a word, where there is no `python3`.
    #[must_use]
    pub fn classes(workers: usize) -> Vec<Self> {
        let classes = [
            (Self::ASYNCIO, "asyncio"),
            (Self::EXECUTOR, "executor"),
            (Self::POOL, "pool"),
        ];
        let started = classes
            .into_iter()
            .map(|(name, class)| Self::start(name, class, workers));
        started.collect::<io::Result<_>>().unwrap_or_else(|error| {
            eprintln!("without Python's classes: python3 does not start: {error}");
            Vec::new()
        })
    }

    fn start(name: &'static str, class: &str, workers: usize) -> io::Result<Self> {
        let mut process = Command::new("python3")
            .arg(format!("{}/{SCRIPT}", env!("CARGO_MANIFEST_DIR")))
            .args([class, &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (requests, answers) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Python {
            name,
            process,
            requests: Some(requests),
            answers: BufReader::new(answers),
        })
    }

    /// The name of the class.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs a workload of the script's, and gives its figures, in microseconds.
    ///
    /// # Errors
    /// If it can't, as the script says why.
    pub fn run(&mut self, workload: &str, numbers: &[u64]) -> io::Result<Vec<f64>> {
        let mut request = workload.to_owned();
        for number in numbers {
            // A string takes anything.
            let _ = write!(request, " {number}");
        }
        request.push('\n');
        let requests = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        requests.write_all(request.as_bytes())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let figures = answer.split_whitespace().map(str::parse);
        let figures: Result<Vec<f64>, _> = figures.collect();
        match figures {
            Ok(figures) if !figures.is_empty() => Ok(figures),
            _ => Err(io::Error::other(answer.trim().to_owned())),
        }
    }

    /// [`run`](Self::run), for a workload with one figure.
    ///
    /// # Panics
    /// If it can't.
    pub fn measure(&mut self, workload: &str, numbers: &[u64]) -> f64 {
        let figures = self.run(workload, numbers);
        figures.expect("Python should run the workload")[0]
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.requests.take());
        // If it can't be waited for, it isn't there.
        let _ = self.process.wait();
    }
}
