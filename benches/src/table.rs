//! How contenders compare.

use std::fmt;

use crate::machine::Machine;
use crate::spread::Spread;

/// What figures are in, if nothing else is said.
const MICROS: &str = "µs";

/// Figures of several contenders, by rounds in which each had its turn; less is better.
///
/// Its `Display` gives the least, the median and the largest figure of each, and the median of what
/// it is in each round as a multiple of those that it is compared with. Figures are microseconds
/// unless [`unit`](Table::unit) says otherwise.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    unit: &'static str,
    machine: Machine,
    references: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    /// One a round.
    figures: Vec<f64>,
}

impl Table {
    /// An empty table, which compares everything with `references`.
    #[must_use]
    pub fn new(title: impl Into<String>, references: &[&'static str]) -> Self {
        Table {
            title: title.into(),
            unit: MICROS,
            machine: Machine::observe(),
            references: references.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Its figures are not microseconds, but this.
    #[must_use]
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The figure of the contender's next round.
    pub fn record(&mut self, name: &str, figure: f64) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.figures.push(figure),
            None => self.rows.push(Row {
                name: name.to_owned(),
                figures: vec![figure],
            }),
        }
    }

    /// The contender's figures.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<Spread> {
        Spread::of(&self.row(name)?.figures)
    }

    /// The contender's figures as multiples of a reference's, round by round.
    #[must_use]
    pub fn ratio(&self, name: &str, reference: &str) -> Option<Spread> {
        let rounds = self.row(name)?.figures.iter();
        let rounds = rounds.zip(&self.row(reference)?.figures);
        let ratios: Vec<_> = rounds.map(|(figure, of)| figure / of).collect();
        Spread::of(&ratios)
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.rows.first().map_or(0, |row| row.figures.len());
        writeln!(
            f,
            "\n{}; {}, {rounds} interleaved rounds",
            self.title, self.unit
        )?;
        writeln!(f, "{}", self.machine)?;
        let names = self.rows.iter().map(|row| row.name.chars().count());
        let width = names.max().unwrap_or(0);
        write!(
            f,
            "{:width$} {:>10} {:>10} {:>10}",
            "", "min", "median", "max"
        )?;
        // Of other units there is no such thing.
        let has_rate = self.unit == MICROS;
        if has_rate {
            write!(f, " {:>12}", "a second")?;
        }
        for reference in &self.references {
            write!(f, "  × {reference}")?;
        }
        for row in &self.rows {
            let Some(Spread { min, median, max }) = Spread::of(&row.figures) else {
                continue;
            };
            write!(
                f,
                "\n{:width$} {min:>10.2} {median:>10.2} {max:>10.2}",
                row.name
            )?;
            if has_rate {
                write!(f, " {:>12.0}", 1e6 / median)?;
            }
            for reference in &self.references {
                let width = reference.len() + 4;
                match self.ratio(&row.name, reference) {
                    Some(Spread { median, .. }) => write!(f, "{median:>width$.2}")?,
                    None => write!(f, "{:>width$}", "-")?,
                }
            }
        }
        writeln!(f)
    }
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
        assert_eq!(table.ratio("a", "b"), Spread::of(&[0.5]));
        assert_eq!(table.ratio("a", "absent"), None);
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
