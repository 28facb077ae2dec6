//! What a task took when it was last looked at.

use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::parts::Part;

/// How much more is no regression yet, in percent.
const TOLERANCE: f64 = 5.0;

/// The same with another compiler than that of the record.
const OTHER_COMPILER: f64 = 25.0;

/// `benches/budget.toml`: lines of `name = value`.
pub(crate) struct Record {
    entries: Vec<(String, String)>,
    tolerance: f64,
}

/// How a count compares with the record.
pub(crate) enum Verdict {
    Within {
        percent: f64,
    },
    Over {
        percent: f64,
    },
    /// It is so much less that a regression to the old figure would go unseen.
    Under {
        percent: f64,
    },
    /// It is not on record.
    Unknown,
}

impl Record {
    pub(crate) fn read() -> io::Result<Self> {
        let text = fs::read_to_string(path())?;
        let entries: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| {
                (
                    name.trim().to_owned(),
                    value.trim().trim_matches('"').to_owned(),
                )
            })
            .collect();
        let mut record = Record {
            entries,
            tolerance: TOLERANCE,
        };
        if record.value("compiler") != Some(&compiler()) {
            record.tolerance = OTHER_COMPILER;
        }
        Ok(record)
    }

    /// In percent.
    pub(crate) fn tolerance(&self) -> f64 {
        self.tolerance
    }

    pub(crate) fn judge(&self, name: &str, counted: f64) -> Verdict {
        let Some(recorded) = self.value(name).and_then(|value| value.parse::<f64>().ok()) else {
            return Verdict::Unknown;
        };
        let percent = (counted / recorded - 1.0) * 100.0;
        if percent > self.tolerance {
            Verdict::Over { percent }
        } else if percent < -self.tolerance {
            Verdict::Under { percent }
        } else {
            Verdict::Within { percent }
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|(entry, _)| entry == name);
        entry.map(|(_, value)| value.as_str())
    }

    /// Replaces the record.
    pub(crate) fn write(counted: &[(&Part, f64)]) -> io::Result<PathBuf> {
        let mut text = String::from(HEAD);
        let _ = writeln!(text, "compiler = \"{}\"", compiler());
        for (part, counted) in counted {
            let _ = write!(text, "\n# {}\n{} = {counted:.0}\n", part.what, part.name);
        }
        let path = path();
        fs::write(&path, text)?;
        Ok(path)
    }
}

const HEAD: &str = "\
# Instructions that a task takes of the parent, as callgrind counts them. `.ci/run budget` checks them:
# 5 percent more is an error. To record them anew:
#
#     cargo run --release -p procpool-benches --bin budget -- --write

";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("budget.toml")
}

/// Its version, in a line. Another compiler makes other instructions.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    version.unwrap_or_else(|_| "unknown".to_owned())
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Within { percent } => write!(f, "{percent:+.1} %"),
            Verdict::Over { percent } => write!(f, "{percent:+.1} %: TOO MANY"),
            Verdict::Under { percent } => {
                write!(
                    f,
                    "{percent:+.1} %: better than the record, which should be written anew"
                )
            }
            Verdict::Unknown => f.write_str("not on record"),
        }
    }
}
