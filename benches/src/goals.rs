//! What procpool is to reach, beside what it reaches.

use std::fmt::{self, Write};
use std::path::PathBuf;
use std::{env, fs, io};

use crate::machine::Machine;
use crate::mode::Mode;
use crate::spread::Spread;

/// The goals of one program. Its `Display` is a table in Markdown.
#[derive(Debug)]
pub struct Goals {
    program: &'static str,
    machine: Machine,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    bound: Bound,
    unit: &'static str,
    measured: Option<Spread>,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goals {
    /// None yet.
    #[must_use]
    pub fn new(program: &'static str) -> Self {
        Goals {
            program,
            machine: Machine::observe(),
            rows: Vec::new(),
        }
    }

    /// The median is to be `bound` or less.
    pub fn at_most(
        &mut self,
        what: impl Into<String>,
        measured: Option<Spread>,
        bound: f64,
        unit: &'static str,
    ) {
        self.add(what.into(), measured, Bound::AtMost(bound), unit);
    }

    /// The median is to be `bound` or more.
    pub fn at_least(
        &mut self,
        what: impl Into<String>,
        measured: Option<Spread>,
        bound: f64,
        unit: &'static str,
    ) {
        self.add(what.into(), measured, Bound::AtLeast(bound), unit);
    }

    fn add(&mut self, what: String, measured: Option<Spread>, bound: Bound, unit: &'static str) {
        self.rows.push(Row {
            what,
            bound,
            unit,
            measured,
        });
    }

    /// Prints them, and writes them to `target/goals/<program>.md`. A quick run does neither: it
    /// measures nothing.
    pub fn finish(self, mode: Mode) {
        if mode != Mode::Full || self.rows.is_empty() {
            return;
        }
        println!("\n{self}");
        match self.write() {
            Ok(path) => println!("also in {}", path.display()),
            Err(error) => eprintln!("the goals are not in a file: {error}"),
        }
    }

    fn write(&self) -> io::Result<PathBuf> {
        // This program is target/<profile>/deps/<program>-<hash>.
        let program = env::current_exe()?;
        let target = program.ancestors().nth(3);
        let directory = target.ok_or(io::ErrorKind::NotFound)?.join("goals");
        fs::create_dir_all(&directory)?;
        let path = directory.join(self.program).with_extension("md");
        fs::write(&path, self.to_string())?;
        Ok(path)
    }
}

impl fmt::Display for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "**{}**: {}\n", self.program, self.machine)?;
        writeln!(f, "| what | goal | measured: median (min–max) | |")?;
        writeln!(f, "|---|---|---|---|")?;
        for row in &self.rows {
            let (sign, bound) = match row.bound {
                Bound::AtMost(bound) => ('≤', bound),
                Bound::AtLeast(bound) => ('≥', bound),
            };
            let bound = (bound * 100.0).round() / 100.0;
            let mut measured = String::new();
            match row.measured {
                Some(spread) => write!(measured, "{spread} {}", row.unit)?,
                None => measured.push_str("not measured"),
            }
            let (what, unit, verdict) = (&row.what, row.unit, row.verdict());
            writeln!(
                f,
                "| {what} | {sign} {bound} {unit} | {measured} | {verdict} |"
            )?;
        }
        Ok(())
    }
}

impl Row {
    fn verdict(&self) -> &'static str {
        match (self.measured, self.bound) {
            (None, _) => "–",
            (Some(Spread { median, .. }), Bound::AtMost(bound)) if median <= bound => "met",
            (Some(Spread { median, .. }), Bound::AtLeast(bound)) if median >= bound => "met",
            (Some(_), _) => "**not met**",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let spread = Spread::of(&[0.1, 1.0, 9.0]);
        let mut goals = Goals::new("test");
        goals.at_most("a", spread, 1.0, "×");
        goals.at_most("b", spread, 0.9, "×");
        goals.at_least("c", spread, 1.0, "×");
        goals.at_least("d", spread, 1.1, "×");
        goals.at_least("e", None, 1.1, "×");
        let verdicts: Vec<_> = goals.rows.iter().map(Row::verdict).collect();
        assert_eq!(verdicts, ["met", "**not met**", "met", "**not met**", "–"]);
        assert!(
            goals
                .to_string()
                .contains("| a | ≤ 1 × | 1.00 (0.10–9.00) × | met |")
        );
    }
}
