//! Text in aligned columns.

use std::fmt;

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// Rows under a heading. Its `Display` makes every column as wide as its widest cell.
#[derive(Debug, Clone)]
pub struct Table {
    alignment: Vec<Align>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    cells: Vec<String>,
    /// A text after the last cell, across the remaining columns.
    note: Option<String>,
}

impl Table {
    /// Returns a table with this heading and no rows.
    #[must_use]
    pub fn new(heading: &[(&str, Align)]) -> Self {
        let alignment = heading.iter().map(|(_, align)| *align).collect();
        let cells = heading.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self {
            alignment,
            rows: vec![Row { cells, note: None }],
        }
    }

    /// Adds a row. Missing cells stay empty; surplus cells are dropped.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().take(self.alignment.len()).collect();
        self.rows.push(Row { cells, note: None });
    }

    /// Adds a row that ends in a text of any length, which makes no column wider.
    pub fn push_with_note(&mut self, cells: impl IntoIterator<Item = String>, note: String) {
        let cells = cells.into_iter().take(self.alignment.len()).collect();
        self.rows.push(Row {
            cells,
            note: Some(note),
        });
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.alignment.len()).map(|c| self.width(c)).collect();
        for row in &self.rows {
            let columns = self.alignment.iter().zip(&widths);
            let mut parts: Vec<String> = columns
                .zip(&row.cells)
                .map(|((align, &width), cell)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            parts.extend(row.note.clone());
            writeln!(f, "{}", parts.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.push(["a".to_owned(), "1000".to_owned()]);
        table.push(["größer".to_owned(), "2".to_owned()]);
        assert_eq!(
            table.to_string(),
            "name       n\na       1000\ngrößer     2\n"
        );
    }

    #[test]
    fn short_rows_and_long_rows_are_taken() {
        let mut table = Table::new(&[("x", Align::Left), ("y", Align::Left)]);
        table.push(["1".to_owned()]);
        table.push(["1".to_owned(), "2".to_owned(), "3".to_owned()]);
        assert_eq!(table.to_string(), "x  y\n1\n1  2\n");
    }

    #[test]
    fn a_note_makes_no_column_wider() {
        let mut table = Table::new(&[("x", Align::Left), ("y", Align::Right), ("z", Align::Left)]);
        table.push(["1".to_owned(), "2".to_owned(), "3".to_owned()]);
        table.push_with_note(["10".to_owned()], "a long text".to_owned());
        assert_eq!(table.to_string(), "x   y  z\n1   2  3\n10  a long text\n");
    }
}
