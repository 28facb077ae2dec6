//! How contenders compare.

use std::fmt;

use crate::machine::Machine;

/// Figures of several contenders, by rounds in which each had its turn; less is better.
///
/// Its `Display` gives the least, the median and the largest figure of each, and the median of what
/// it is in each round as a multiple of those that it is compared with.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    machine: Machine,
    references: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    /// Microseconds, one figure a round.
    figures: Vec<f64>,
}

impl Table {
    /// An empty table, which compares everything with `references`.
    #[must_use]
    pub fn new(title: impl Into<String>, references: &[&'static str]) -> Self {
        Table {
            title: title.into(),
            machine: Machine::observe(),
            references: references.to_vec(),
            rows: Vec::new(),
        }
    }

    /// The figure of the contender's next round, in microseconds.
    pub fn record(&mut self, name: &str, micros: f64) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.figures.push(micros),
            None => self.rows.push(Row {
                name: name.to_owned(),
                figures: vec![micros],
            }),
        }
    }

    /// `row` as a multiple of a reference.
    fn ratio(&self, row: &Row, reference: &str) -> Option<f64> {
        let reference = self.rows.iter().find(|row| row.name == reference)?;
        let rounds = row.figures.iter().zip(&reference.figures);
        let ratios: Vec<_> = rounds.map(|(figure, of)| figure / of).collect();
        Some(spread(&ratios)?.median)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.rows.first().map_or(0, |row| row.figures.len());
        writeln!(f, "\n{}; µs, {rounds} interleaved rounds", self.title)?;
        writeln!(f, "{}", self.machine)?;
        let names = self.rows.iter().map(|row| row.name.len());
        let width = names.max().unwrap_or(0);
        write!(
            f,
            "{:width$} {:>10} {:>10} {:>10} {:>12}",
            "", "min", "median", "max", "a second"
        )?;
        for reference in &self.references {
            write!(f, "  × {reference}")?;
        }
        for row in &self.rows {
            let Some(Spread { min, median, max }) = spread(&row.figures) else {
                continue;
            };
            write!(
                f,
                "\n{:width$} {min:>10.2} {median:>10.2} {max:>10.2} {:>12.0}",
                row.name,
                1e6 / median
            )?;
            for reference in &self.references {
                let width = reference.len() + 4;
                match self.ratio(row, reference) {
                    Some(ratio) => write!(f, "{ratio:>width$.2}")?,
                    None => write!(f, "{:>width$}", "-")?,
                }
            }
        }
        writeln!(f)
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

/// `None` if there are no figures.
fn spread(figures: &[f64]) -> Option<Spread> {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(Spread {
        min: *sorted.first()?,
        median: sorted[sorted.len() / 2],
        max: *sorted.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut table = Table::new("two busy rounds", &["b"]);
        for (a, b) in [(1.0, 2.0), (10.0, 20.0), (100.0, 200.0)] {
            table.record("a", a);
            table.record("b", b);
        }
        assert_eq!(table.ratio(&table.rows[0], "b"), Some(0.5));
        assert_eq!(table.ratio(&table.rows[0], "absent"), None);
    }

    #[test]
    fn a_row_has_its_least_median_and_largest_figure() {
        let mut table = Table::new("title", &["b"]);
        for figure in [3.0, 1.0, 2.0] {
            table.record("a", figure);
        }
        let text = table.to_string();
        let row = text.lines().find(|line| line.starts_with('a')).unwrap();
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells, ["a", "1.00", "2.00", "3.00", "500000", "-"]);
    }
}
